"""The relay: facts from the ledger's outbox to Kafka, in order per key, for as long as it takes.

Several may run; one leads, the others stand by.
"""

from __future__ import annotations

import logging
from typing import Final

from producers.publishing import Broker, Process, Publishing
from schemas.errors import BrokerUnavailable, DatabaseUnavailable, Fenced
from storage.database import connect_sync
from storage.leases import RELAY, Lease
from storage.ledger.outbox import Outbox

log = logging.getLogger(__name__)

LEASE: Final = 10.0  # seconds after which another relay takes over from one that stands still
ASK_EVERY: Final = 1.0  # seconds between asking whether the lead is free
RETRY: Final = (0.2, 5.0)  # seconds: the first pause, the longest


class Relay:
    """`run` publishes until its process is told to stop. `holder` names this relay, unlike any other."""

    def __init__(self, database_url: str, broker: Broker, process: Process, *, holder: str) -> None:
        self._database_url, self._broker, self._process, self._holder = database_url, broker, process, holder

    def run(self) -> None:
        """Outages are waited out, with pauses that grow until it gets on for longer than the longest of them."""
        pause = RETRY[0]
        while not self._process.stop.is_set():
            began = self._process.clock()
            try:
                self._session()
            except Fenced as error:
                log.warning("%s", error)
            except (DatabaseUnavailable, BrokerUnavailable) as error:
                if self._process.clock() - began > RETRY[1]:
                    pause = RETRY[0]
                log.warning("%s; trying again in %.1f s", error, pause)
                self._process.pulse(str(error))
                self._process.stop.wait(pause)
                pause = min(pause * 2, RETRY[1])

    def _session(self) -> None:
        with connect_sync(self._database_url, name="relay") as connection:
            lease = Lease(connection, RELAY, holder=self._holder, seconds=LEASE)
            self._broker.topic()
            self._process.pulse(None)  # a broker that only begins takes long over each answer
            self._process.ready()
            if self._wait_to_lead(lease):
                self._lead(lease, Outbox(connection))

    def _lead(self, lease: Lease, outbox: Outbox) -> None:
        try:
            Publishing(self._process, outbox, lease, self._broker).run()
        except BrokerUnavailable:
            lease.release()  # another relay may reach it, or this one be started anew
            raise
        lease.release()

    def _wait_to_lead(self, lease: Lease) -> bool:
        told = False
        while not self._process.stop.is_set():
            if lease.take():
                log.info("publishing")
                return True
            if not told:
                log.info("another relay leads; standing by")
                told = True
            self._process.pulse("another relay leads")
            self._process.stop.wait(ASK_EVERY)
        return False
