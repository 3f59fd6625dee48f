"""The sender in the worker process: woken by `yinfeng.messages`, and by the clock in case a hint was lost."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import socket
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

import faust

from notifications.sending import doubts, scheduler
from notifications.sending.channel_routes import CONNECTIONS, make_routes
from notifications.sending.pacing import Pace
from notifications.sending.rendering import Renderer
from notifications.sending.reports import make_reports
from notifications.sending.route import Chance
from notifications.sending.sender import Sender
from notifications.sending.situation import Writer
from schemas.errors import ConcurrentChange, DatabaseUnavailable
from schemas.settings import Settings
from schemas.topics import MESSAGES
from storage.database import borrowed, make_pool

log = logging.getLogger(__name__)

SWEEP_EVERY: Final = 2.0  # seconds
FAIRS_EVERY: Final = 10.0  # seconds


def attach(app: faust.App, settings: Settings, *, stand_back: Callable[[], bool]) -> None:
    """Give the app the agent that wakes the sender, and the sender.

    While `stand_back` says so, mails go out slowly, since facts come first.
    """
    pool = make_pool(settings.database_url or "", name="sender", size=CONNECTIONS)
    chance = Chance(_now, _jitter, stand_back)
    routes = make_routes(settings, chance)
    writer = Writer(settings.mail_from_name, settings.base_url, settings.hr_email, settings.channels)
    owner = f"{socket.gethostname()}:{os.getpid()}:{random.getrandbits(32):08x}"
    pace = Pace(settings.mail_rate, settings.mail_domain_rate)
    sender = Sender(pool, routes, writer, Renderer(), owner=owner, chance=chance, pace=pace)

    reports = make_reports(settings, pool, owner)

    async def wake(stream: faust.StreamT[Any]) -> None:
        async for _ in stream:
            sender.wake()

    async def send() -> None:
        async with pool:
            await asyncio.gather(sender.run(interval=SWEEP_EVERY), *([reports.run()] if reports else []))

    async def close(_: Any, *args: Any, **kwargs: Any) -> None:
        if reports:
            reports.close()
        await sender.close()

    async def see_to_fairs() -> None:
        try:
            async with borrowed(pool) as conn:
                asked = await scheduler.look(conn, _now()) + await doubts.settle(conn)
        except (DatabaseUnavailable, ConcurrentChange) as error:
            log.warning("%s; fairs are looked at later", error)
            return
        if asked:
            sender.wake()

    topic = app.topic(MESSAGES, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")
    app.agent(topic, name="messages")(wake)
    app.task(send)
    app.timer(FAIRS_EVERY)(see_to_fairs)
    app.on_before_shutdown.connect(close, weak=False)


def _now() -> datetime:
    return datetime.now(UTC)


def _jitter() -> float:
    return random.uniform(0.5, 1.5)  # noqa: S311 - spreads retries, guards nothing
