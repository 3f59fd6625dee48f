"""Two workers, a relay and a sender in one process on a real database, in whatever order Hypothesis thinks of: posted,
published, delivered, repeated, cut off before and after the commit, handed over, brought back from a copy."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeVar

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from schemas.errors import Fenced
from schemas.facts import validate_event
from schemas.topics import SEQ_HEADER
from storage.database import connect, connect_sync, make_pool
from storage.leases import RELAY, Lease
from storage.ledger import ledger, positions
from storage.ledger.outbox import Outbox
from storage.ledger.positions import Log
from streams.applier import Applier
from streams.apply import apply_batch
from streams.audit import audit
from streams.chunks import Chunk
from streams.intake import Incoming
from streams.persisting import Persistence
from tests import oracle
from tests.facts import CAMPAIGN, event, hired, opened, retraction, signed_up, target
from tests.integration.office import Office
from tests.strategies import Event

NOW = datetime(2150, 1, 1, tzinfo=UTC)
LOG = Log("cluster", "yinfeng.facts", "first")
PEOPLE = st.integers(0, 4)
WORKERS = st.integers(0, 1)
T = TypeVar("T")

EMPTY = (
    "TRUNCATE facts, pending, retractions, journeys, campaigns, targets, target_days, milestones, fairs, employers,"
    " openings, dead_letters, messages, message_attempts, mails, positions, leases, topics, seats, fair_seats,"
    " fair_notices, breakdowns, vault.person"
)


class Killed(Exception):
    """A process that ended at this point."""


class Platform(RuleBasedStateMachine):
    """The log is a list of (value, headers); each worker has read so far of it, and what it holds in hand."""

    url = ""

    def __init__(self) -> None:
        super().__init__()
        self._loop = asyncio.new_event_loop()
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(EMPTY)
        self._log: list[tuple[bytes, tuple[tuple[str, bytes], ...]]] = []
        self._said: list[Event] = []
        self._number = 0
        self._persistence = [Persistence(self.url, name="test", jitter=lambda: 1.0) for _ in range(2)]
        self._read: list[int | None] = [None, None]
        self._relays = [connect_sync(self.url, name="test") for _ in range(2)]
        self._leases = [Lease(c, RELAY, holder=f"r{n}", seconds=0.0) for n, c in enumerate(self._relays)]

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return self._loop.run_until_complete(work)

    @initialize()
    def begin(self) -> None:
        self._post([opened(id="o"), target("all", id="t1"), target("signups", measure="signed_up", id="t2")])
        self._do(self._at_start())

    async def _at_start(self) -> None:
        async with await connect(self.url, name="test") as conn:
            await positions.begin(conn, LOG, {0: 0})

    def _event(self, person: int, kind: str) -> Event:
        self._number += 1
        made = {"signup": signed_up, "hire": hired}.get(kind)
        name, id = f"c{person}", f"e{self._number}"
        if made:
            return made(name, id=id, email=f"{name}@example.com") if kind == "signup" else made(name, id=id)
        if kind == "withdrawal":
            return event("candidate.withdrew", candidate=name, id=id, time=f"2026-04-01T00:00:{self._number % 60:02}Z")
        return retraction(f"e{max(1, self._number - 2)}", candidate=name, id=id)

    def _post(self, events: list[Event]) -> None:
        async def append() -> None:
            async with await connect(self.url, name="test") as conn:
                await ledger.append(conn, [validate_event(each) for each in events], posted_by="key:test")

        self._do(append())
        self._said += events

    @rule(person=PEOPLE, kind=st.sampled_from(["signup", "hire", "withdrawal", "retraction"]))
    def post_over_http(self, person: int, kind: str) -> None:
        self._post([self._event(person, kind)])

    @rule(person=PEOPLE, kind=st.sampled_from(["signup", "hire", "withdrawal", "retraction"]))
    def post_straight(self, person: int, kind: str) -> None:
        made = self._event(person, kind)
        self._log.append((json.dumps(made).encode(), ()))
        self._said.append(made)

    @rule(which=WORKERS, notes=st.booleans())
    def publish(self, which: int, notes: bool) -> None:
        """A relay takes the lead and publishes; it may be killed before it notes so."""
        self._leases[which].take()
        outbox = Outbox(self._relays[which])
        waiting = outbox.next(rows=3, size=1_000_000)
        for fact in waiting:
            self._log.append((fact.event.encode(), ((SEQ_HEADER, str(fact.seq).encode()),)))
        if notes:
            outbox.published([fact.seq for fact in waiting], fence=self._leases[which].fence)

    @rule(which=WORKERS)
    def an_old_relay_notes_late(self, which: int) -> None:
        """What it notes under a fence that is not its any more has no effect."""
        other = self._leases[1 - which]
        other.take()
        outbox = Outbox(self._relays[which])
        outbox.published([fact.seq for fact in outbox.next(rows=9, size=1_000_000)], fence=other.fence - 1)

    @rule(copies=st.integers(1, 3))
    def deliver_again(self, copies: int) -> None:
        self._log += self._log[-copies:]

    @rule()
    def lose_what_was_published(self) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("UPDATE pending SET published_at = NULL")

    @rule(which=WORKERS)
    def hand_over(self, which: int) -> None:
        self._read[which] = None

    @rule(which=WORKERS, most=st.integers(1, 5))
    def apply(self, which: int, most: int) -> None:
        self._apply(which, most)

    @rule(which=WORKERS, most=st.integers(1, 5))
    def apply_but_lose_the_answer(self, which: int, most: int) -> None:
        """The commit went through, and this worker does not know it."""
        before = self._read[which]
        self._apply(which, most)
        self._read[which] = before

    @rule(which=WORKERS, most=st.integers(1, 5))
    def apply_but_end_before_the_commit(self, which: int, most: int) -> None:
        chunk = self._chunk(which, most)

        async def broken_off() -> None:
            async with await connect(self.url, name="test") as conn:
                try:
                    async with conn.transaction():
                        await apply_batch(conn, list(chunk.records), now=NOW)
                        raise Killed
                except Killed:
                    pass

        self._do(broken_off())
        self._read[which] = None

    @rule()
    def send(self) -> None:
        async def work() -> None:
            async with make_pool(self.url, name="test", size=2) as pool:
                await Office(pool).sender(owner=f"s{self._number}").send_all()

        self._do(work())

    def _chunk(self, which: int, most: int) -> Chunk:
        since = self._read[which]
        if since is None:
            since = self._read[which] = self._position()
        found = self._log[since : since + most]
        records = tuple(Incoming(LOG.topic, 0, since + n, None, *each) for n, each in enumerate(found))
        return Chunk(0, since, since + len(records), records)

    def _apply(self, which: int, most: int) -> None:
        chunk = self._chunk(which, most)
        if not chunk.records:
            return
        applier = Applier(self._persistence[which], clock=lambda: NOW)
        try:
            self._do(applier.apply(LOG, [chunk]))
            self._read[which] = chunk.upto
        except Fenced:
            self._read[which] = None

    def _position(self) -> int:
        async def read() -> int:
            async with await connect(self.url, name="test") as conn:
                return (await positions.read(conn, LOG, [0]))[0]

        return self._do(read())

    @invariant()
    def nobody_was_written_to_twice(self) -> None:
        with psycopg.connect(self.url) as connection:
            twice = connection.execute(
                "SELECT message FROM message_attempts WHERE status = 'sent' GROUP BY 1 HAVING count(*) > 1"
            ).fetchall()
        assert twice == []

    def teardown(self) -> None:
        """Faults stop, and everything gets there."""
        try:
            self._settle()
        finally:
            for persistence in self._persistence:
                self._do(persistence.close())
            for connection in self._relays:
                connection.close()
            self._loop.close()

    def _settle(self) -> None:
        self.lose_what_was_published()
        for _ in range(200):
            self.publish(0, notes=True)
            self._read[0] = None
            self._apply(0, 50)
            with psycopg.connect(self.url) as connection:
                row = connection.execute("SELECT count(*) FROM pending").fetchone()
            if row == (0,) and self._position() == len(self._log):
                break
        with psycopg.connect(self.url) as connection:
            rows = connection.execute("SELECT target, progress FROM targets").fetchall()
            letters = connection.execute("SELECT reason FROM dead_letters").fetchall()
        expected = oracle.Campaign(CAMPAIGN, self._said).progress(NOW)
        assert {name: Decimal(number) for name, number in rows} == expected
        assert letters == []

        async def compare() -> tuple[list[str], int]:
            async with await connect(self.url, name="test") as conn:
                report = await audit(conn)
                return report.differences, report.unapplied

        assert self._do(compare()) == ([], 0)


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_whatever_comes_in_whatever_order(database_url: str):
    machine = type("Here", (Platform,), {"url": database_url})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=25, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
