"""The relay process: the ledger's outbox to Kafka."""

from __future__ import annotations

import logging
import signal
from threading import Event

from producers.relay import Relay
from schemas.settings import Settings
from yinfeng.readiness import mark_ready


def run_relay(settings: Settings) -> int:
    """Run until SIGINT or SIGTERM. Returns the exit code."""
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("kafka").setLevel(logging.WARNING)
    stop = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    Relay(settings.database_url or "", settings.kafka or "", stop=stop, ready=mark_ready).run()
    return 0
