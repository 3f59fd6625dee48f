"""How long a relay pauses after an outage, and what it leaves to others meanwhile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from threading import Event

from producers.kafka import Producer
from producers.publishing import Process, Topic
from producers.relay import RETRY, Relay
from schemas.errors import BrokerUnavailable
from storage.database import connect_sync
from storage.leases import RELAY, Lease
from storage.ledger.positions import Log

LOG = Log("cluster", "facts", "id")


class Pausing(Event):
    """Notes for how long it is waited for, and is set after so many times."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.pauses: list[float] = []
        self._times = times

    def wait(self, timeout: float | None = None) -> bool:
        self.pauses.append(timeout or 0.0)
        if len(self.pauses) >= self._times:
            self.set()
        return self.is_set()


class Failing:
    """A broker that tells of its topic, and takes nothing; each session lasts the next of these seconds."""

    def __init__(self, lasting: Sequence[float]) -> None:
        self._lasting, self.now = iter(lasting), 0.0

    def clock(self) -> float:
        return self.now

    def topic(self) -> Topic:
        return Topic(LOG, 1_000_000)

    def producer(self) -> Producer:
        self.now += next(self._lasting)
        raise BrokerUnavailable("it is away")

    def ends(self) -> Mapping[int, int]:
        return {}


def relayed(database_url: str, lasting: Sequence[float]) -> list[float]:
    broker, stop = Failing(lasting), Pausing(len(lasting))
    process = Process(stop=stop, ready=lambda: None, clock=broker.clock)
    Relay(database_url, broker, process, holder="one").run()
    return stop.pauses


def test_pauses_grow_while_it_fails_and_begin_anew_once_it_got_on(database_url: str):
    shortest, longest = RETRY
    assert relayed(database_url, [0, 0, 0, 0, 0, 0, 3600, 0]) == [
        *(shortest * 2**n for n in range(5)), longest, shortest, 2 * shortest
    ]  # fmt: skip


def test_who_can_not_reach_the_broker_leaves_the_lead_to_others(database_url: str):
    relayed(database_url, [0])
    with connect_sync(database_url, name="test") as connection:
        assert Lease(connection, RELAY, holder="another", seconds=1).take()
