"""The relay process: the ledger's outbox to Kafka."""

from __future__ import annotations

import logging
import os
import secrets
import signal
import socket
from collections.abc import Callable, Mapping
from threading import Event

from producers.kafka import Producer
from producers.publishing import Process, Topic
from producers.relay import Relay
from schemas.kafka import KafkaAccess
from schemas.settings import Settings
from yinfeng.kafka_admin import facts_topic
from yinfeng.lag import facts_ends
from yinfeng.masking import mask_logs
from yinfeng.pulse import Pulse, pulse_path
from yinfeng.readiness import at_once, mark_ready


class KafkaBroker:
    """Kafka at these addresses, as the relay asks it."""

    def __init__(self, bootstrap: KafkaAccess) -> None:
        self._bootstrap = bootstrap

    def producer(self) -> Producer:
        """A new connection to publish by."""
        return Producer(self._bootstrap, name="relay")

    def topic(self) -> Topic:
        """The facts' topic."""
        return facts_topic(self._bootstrap)

    def ends(self) -> Mapping[int, int]:
        """The offset after the last record of each of its partitions."""
        return facts_ends(self._bootstrap)


def run_relay(settings: Settings, begin: Callable[[], None] = at_once) -> int:
    """Run until SIGINT or SIGTERM. Returns the exit code. `begin` waits until the servers may be asked."""
    mask_logs()
    begin()
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("kafka").setLevel(logging.WARNING)
    stop = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    holder = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
    process = Process(stop=stop, ready=mark_ready, pulse=Pulse(pulse_path(settings, "relay")))
    Relay(settings.database_url or "", KafkaBroker(settings.kafka_access), process, holder=holder).run()
    return 0
