"""The worker process: Faust with the agents of `streams` and `notifications`, and its senders beside it."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import sys
import threading
from collections.abc import Callable
from typing import Any, Final

import faust

from notifications.sending import faust_agent as notifications_agent
from schemas.settings import Settings
from storage.ledger.positions import Log
from storage.vault.persons import file_vault
from storage.vault.process import open_vault
from streams import app as streams_app
from streams.apply import Applied
from yinfeng.garbage import collect_seldom
from yinfeng.kafka_admin import facts_log
from yinfeng.masking import mask_logs
from yinfeng.pulse import Pulse, pulse_path
from yinfeng.readiness import at_once, mark_ready
from yinfeng.senders import Senders

log = logging.getLogger(__name__)

END_WITHIN: Final = 8.0  # seconds: nothing but a commit moves a position, so that a hard end loses nothing
SWITCH_EVERY: Final = 0.001  # seconds that the thread which reads from Kafka waits for the one that applies


def run_worker(settings: Settings, begin: Callable[[], None] = at_once) -> int:
    """Run until SIGINT or SIGTERM. Returns the exit code. `begin` waits until the servers may be asked."""
    collect_seldom()
    mask_logs()
    settings.home.mkdir(parents=True, exist_ok=True)  # Faust makes its folder in it, but not the home itself
    senders = Senders(settings)
    app = streams_app.make_app(settings)

    async def identify() -> Log:
        return await asyncio.to_thread(facts_log, settings.kafka_access)

    async def end(error: Exception) -> None:
        log.critical("the worker ends, nothing of this batch was applied", exc_info=error)
        if isinstance(error, MemoryError):
            os._exit(1)
        _end_soon()
        await app.crash(error)

    async def stopping(_: Any, **kwargs: Any) -> None:
        _end_soon()

    def applied(done: Applied) -> None:
        if done.messages:
            senders.wake()

    async def close_senders(_: Any, **kwargs: Any) -> None:
        await senders.close()

    pulse = Pulse(pulse_path(settings, "worker"))
    streams_app.attach(
        app,
        settings,
        identify=identify,
        ready=mark_ready,
        pulse=pulse,
        end=end,
        applied=applied,
        lost_senders=lambda: (senders.lost.number, senders.lost.trouble()),
    )
    app.on_before_shutdown.connect(stopping, weak=False)
    notifications_agent.attach(app, wake=senders.wake)
    app.task(senders.keep)
    app.on_before_shutdown.connect(close_senders, weak=False)
    worker = faust.Worker(app, loglevel=settings.log_level, redirect_stdouts=False, quiet=True)
    logging.getLogger("aiokafka").setLevel(logging.WARNING)
    gc.freeze()
    sys.setswitchinterval(SWITCH_EVERY)
    senders.start()  # what both have in memory is there once: all that is to be imported here is
    begin()
    senders.release()
    open_vault(file_vault(settings.master_key))
    worker.execute_from_commandline()
    return 0


def _end_soon() -> None:
    """Whatever hangs while this process ends, it ends."""
    timer = threading.Timer(END_WITHIN, os._exit, [1])
    timer.daemon = True
    timer.start()
