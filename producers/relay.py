"""The relay: facts from the ledger's outbox to Kafka, in order per key, for as long as it takes.

Several may run; one publishes, the others stand by. Nothing leaves the outbox here: what a worker has not applied
stays in it, and is published again when the broker may have lost it (the embedded one keeps its log in memory).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from threading import Event
from typing import Final

from producers.kafka import Delivery, Producer, Record
from schemas.cloudevents import STRUCTURED
from schemas.errors import BrokerUnavailable, DatabaseUnavailable
from schemas.topics import FACTS, SEQ_HEADER
from storage.database import connect_sync
from storage.outbox import Outbox, Waiting

log = logging.getLogger(__name__)

BATCH: Final = 2000
IDLE: Final = 1.0  # seconds between looks when nothing is announced
# A published fact that nobody has applied for so many seconds is published again, so many facts at a time: enough to
# notice a lost log, and next to nothing when the worker is away or far behind.
STALE: Final = 15.0
SWEEP: Final = 100
RETRY: Final = (0.2, 5.0)  # seconds: the first pause, the longest
_CONTENT_TYPE: Final = ("content-type", STRUCTURED.encode())


class Relay:
    """`run` until `stop` is set. `ready` is called once both servers answer."""

    def __init__(
        self,
        database_url: str,
        kafka: str,
        *,
        stop: Event,
        ready: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database_url, self._kafka = database_url, kafka
        self._stop, self._ready, self._clock = stop, ready, clock
        self._sweep_at = 0.0
        self._ends: dict[int, int] = {}  # partition → offset of the last record delivered to it

    def run(self) -> None:
        """Publish until told to stop. Outages are waited out, with growing pauses."""
        pause = RETRY[0]
        while not self._stop.is_set():
            try:
                self._session()
                pause = RETRY[0]
            except (DatabaseUnavailable, BrokerUnavailable) as error:
                log.warning("%s; trying again in %.1f s", error, pause)
                self._stop.wait(pause)
                pause = min(pause * 2, RETRY[1])

    def _session(self) -> None:
        with connect_sync(self._database_url, name="relay") as connection:
            outbox = Outbox(connection)
            producer = Producer(self._kafka, name="relay")
            try:
                self._ready()
                if self._wait_to_lead(outbox):
                    self._publish(outbox, producer)
            finally:
                producer.close()

    def _wait_to_lead(self, outbox: Outbox) -> bool:
        while not self._stop.is_set():
            if outbox.lead():
                log.info("publishing")
                outbox.listen()
                outbox.publish_all_again()
                self._sweep_at = self._clock() + STALE
                return True
            self._stop.wait(IDLE)
        return False

    def _publish(self, outbox: Outbox, producer: Producer) -> None:
        while not self._stop.is_set():
            waiting = outbox.next(BATCH)
            if waiting:
                self._deliver(outbox, producer, waiting)
            elif not self._sweep(outbox):
                outbox.wait(IDLE)

    def _sweep(self, outbox: Outbox) -> bool:
        """Have some stale facts published again when it is time to. Returns whether there are any."""
        if self._clock() < self._sweep_at:
            return False
        self._sweep_at = self._clock() + STALE
        return outbox.publish_stale_again(STALE, SWEEP) > 0

    def _deliver(self, outbox: Outbox, producer: Producer, waiting: list[Waiting]) -> None:
        placed = producer.deliver(FACTS, [_record(fact) for fact in waiting])
        outbox.published([fact.seq for fact, where in zip(waiting, placed, strict=True) if where.error is None])
        if self._log_was_lost(placed):
            log.warning("the broker lost its log; publishing again what was not applied")
            outbox.publish_all_again()
        failed = [where.error for where in placed if where.error]
        if failed:
            raise BrokerUnavailable(f"{len(failed)} facts were not delivered to Kafka ({failed[0]})")

    def _log_was_lost(self, placed: list[Delivery]) -> bool:
        lost = False
        for where in placed:
            if where.error is None:
                lost = lost or where.offset <= self._ends.get(where.partition, -1)
                self._ends[where.partition] = where.offset
        return lost


def _record(fact: Waiting) -> Record:
    return Record(fact.key, fact.event.encode(), (_CONTENT_TYPE, (SEQ_HEADER, str(fact.seq).encode())))
