"""Facts from the outbox published to Kafka, by the relay that leads.

What a worker has not applied stays in the outbox, and is published again where the log lost it: the topic is another
one than before (the embedded broker keeps its log in memory), or its readers have come to its end and the fact is
still not applied.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Event
from typing import Final, Protocol

from producers.kafka import KafkaRecord, Producer
from schemas.cloudevents import STRUCTURED
from schemas.errors import BrokerUnavailable
from schemas.topics import FACTS, RECORD_OVERHEAD, SEQ_HEADER
from storage.leases import Lease
from storage.ledger.outbox import Outbox, Waiting
from storage.ledger.positions import Log

log = logging.getLogger(__name__)

ROWS: Final = 2000
BYTES: Final = 8 * 1024 * 1024
IDLE: Final = 1.0  # seconds between looks when nothing is announced
STALE: Final = 4.0  # seconds after which a fact that was published and not applied is looked into
_CONTENT_TYPE: Final = ("content-type", STRUCTURED.encode())


@dataclass(frozen=True, slots=True)
class Topic:
    """The facts' topic as it stands: which making of it, and the largest record that it takes, in bytes."""

    log: Log
    max_bytes: int


class Broker(Protocol):
    """What is asked of Kafka. All of it raises BrokerUnavailable."""

    def producer(self) -> Producer:
        """A new connection to publish by."""

    def topic(self) -> Topic:
        """The facts' topic."""

    def ends(self) -> Mapping[int, int]:
        """The offset after the last record of each of its partitions."""


def _silent(waits_for: str | None) -> None:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """The process that publishes. `pulse` is told that it gets on, and what it waits for, if for anything."""

    stop: Event
    ready: Callable[[], None]
    pulse: Callable[[str | None], None] = _silent
    clock: Callable[[], float] = time.monotonic


class Publishing:
    """One relay's lead: from taking the lease until it ends or loses it."""

    def __init__(self, process: Process, outbox: Outbox, lease: Lease, broker: Broker) -> None:
        self._process, self._outbox, self._lease, self._broker = process, outbox, lease, broker
        self._topic = broker.topic()
        process.pulse(None)
        self._producer = broker.producer()
        self._look_at = 0.0

    def run(self) -> None:
        """Publish until told to stop. Raises Fenced, BrokerUnavailable or DatabaseUnavailable."""
        try:
            self._outbox.listen()
            self._meet(self._topic)
            while not self._process.stop.is_set():
                self._round()
        finally:
            self._producer.close()

    def _round(self) -> None:
        self._lease.keep()
        self._process.pulse(None)
        waiting = self._outbox.next(rows=ROWS, size=BYTES)
        if waiting:
            self._deliver(waiting)
        elif not self._look():
            self._outbox.wait(IDLE)

    def _meet(self, topic: Topic) -> None:
        """Publish to this topic from now on. One that is not the one before holds nothing of what was published."""
        if self._outbox.seen() != topic.log:
            log.info("the log is a new one; publishing again what was not applied")
            self._outbox.publish_again()
        self._outbox.see(topic.log, topic.max_bytes)
        self._topic = topic

    def _deliver(self, waiting: list[Waiting]) -> None:
        fitting = [fact for fact in waiting if self._fits(fact)]
        placed = self._producer.deliver(FACTS, [_record(fact) for fact in fitting])
        arrived = [fact.seq for fact, where in zip(fitting, placed, strict=True) if where.error is None]
        self._outbox.published(arrived, fence=self._lease.fence)
        failed = [(fact, where) for fact, where in zip(fitting, placed, strict=True) if where.error]
        if failed:
            self._renew_producer()
            suspects = [fact for fact, where in failed if where.for_good]
            if not suspects:
                raise BrokerUnavailable(f"{len(failed)} facts were not delivered to Kafka ({failed[0][1].error})")
            for fact in suspects:
                self._try_alone(fact)

    def _fits(self, fact: Waiting) -> bool:
        """Whether the topic takes it; what it does not is set aside."""
        size = len(fact.event.encode()) + len(fact.key.encode()) + RECORD_OVERHEAD
        if size <= self._topic.max_bytes:
            return True
        self._set_aside(fact, f"is a record of {size} bytes, and {FACTS} takes {self._topic.max_bytes} at most")
        return False

    def _try_alone(self, fact: Waiting) -> None:
        """A producer that is refused one record gives up all that it holds: only alone is it clear which one."""
        self._lease.renew()
        self._process.pulse(None)
        (where,) = self._producer.deliver(FACTS, [_record(fact)])
        if where.error is None:
            self._outbox.published([fact.seq], fence=self._lease.fence)
            return
        self._renew_producer()
        if not where.for_good:
            raise BrokerUnavailable(f"a fact was not delivered to Kafka ({where.error})")
        self._set_aside(fact, f"Kafka refuses it: {where.error}")

    def _set_aside(self, fact: Waiting, reason: str) -> None:
        log.error("fact %d goes to the dead letters: %s", fact.seq, reason)
        self._outbox.set_aside(fact, reason)

    def _renew_producer(self) -> None:
        self._producer.close()
        self._producer = self._broker.producer()

    def _look(self) -> bool:
        """See now and then to what was published long ago and is not applied. Whether any is published again."""
        now = self._process.clock()
        if now < self._look_at:
            return False
        self._look_at = now + STALE
        if not self._outbox.has_stale(STALE):
            return False
        topic = self._broker.topic()
        self._process.pulse(None)
        if topic != self._topic:
            self._meet(topic)
            return True
        if not self._all_is_read():
            return False
        count = self._outbox.publish_again(after=STALE)
        log.warning("the log was read to its end without %d facts that were published; publishing them again", count)
        return count > 0

    def _all_is_read(self) -> bool:
        positions = self._outbox.positions(self._topic.log)
        return all(positions.get(partition, -1) >= end for partition, end in self._broker.ends().items() if end)


def _record(fact: Waiting) -> KafkaRecord:
    return KafkaRecord(fact.key, fact.event.encode(), (_CONTENT_TYPE, (SEQ_HEADER, str(fact.seq).encode())))
