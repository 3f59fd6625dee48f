"""The audit names whatever is not as the facts have it: one change of a derived row for each of them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlmodel import SQLModel

import schemas.message_tables
import schemas.seat_tables
import schemas.tables  # noqa: F401
from storage.database import Conn, connect
from streams.apply import apply_batch
from streams.audit import audit
from streams.comparing import Report
from streams.intake import Incoming
from tests.facts import event, hired, opened, retraction, signed_up, target

NOW = datetime(2026, 12, 1, tzinfo=UTC)
FAIR = event(
    "fair.scheduled",
    fair="f1",
    title="Fair",
    mode="onsite",
    starts_at="2026-03-10T09:00:00+08:00",
    ends_at="2026-03-10T17:00:00+08:00",
    employers=["huayou"],
    capacity=1,
)
WORLD = [
    opened(),
    FAIR,
    event("employer.set", employer="huayou", name="华友", reply_to="hr@huayou.example"),
    event("opening.set", opening="o1", employer="huayou", position="Engineer", seats=3),
    target("t", goal=2),
    target("fairs", measure="fairs_held", goal=1),
    signed_up("c1", fair="f1", email="c1@example.com"),
    signed_up("c2", id="wrong"),
    retraction("wrong", candidate="c2"),
    hired("c1"),
    signed_up("c5"),
    signed_up("c6"),
    event("candidate.merged", candidate="c6", into="c5"),
]

# A derived column → a change of it that the audit must name.
CHANGES: dict[str, str] = {
    "journeys.state": "UPDATE journeys SET state = convert_to(replace(convert_from(state,'UTF8'),'f1','f9'),'UTF8')",
    "journeys.standing": "UPDATE journeys SET standing = '{}'",
    "journeys.employers": "UPDATE journeys SET employers = '{}'",
    "journeys.tags": "UPDATE journeys SET tags = '{}'",
    "journeys.merged_into": "UPDATE journeys SET merged_into = NULL",
    "merges.one": "DELETE FROM merges",
    "merges.other": "UPDATE merges SET other = 'c7'",
    "merges.into": 'UPDATE merges SET "into" = other',
    "merges.at": "UPDATE merges SET at = at + 1",
    "merges.source": "UPDATE merges SET source = '/other'",
    "merges.id": "UPDATE merges SET id = 'other'",
    "merges.stands": "UPDATE merges SET stands = false",
    "journeys.offer_ends": "UPDATE journeys SET offer_ends = now()",
    "journeys.candidate": "DELETE FROM journeys WHERE candidate = 'c1'",
    "targets.title": "UPDATE targets SET title = 'other'",
    "targets.measure": "UPDATE targets SET measure = 'accepted' WHERE target = 't'",
    "targets.goal": "UPDATE targets SET goal = goal + 1",
    "targets.due_on": "UPDATE targets SET due_on = due_on + 1",
    "targets.where": """UPDATE targets SET "where" = '{"school": ["x"]}'""",
    "targets.progress": "UPDATE targets SET progress = progress + 1 WHERE target = 't'",
    "targets.target": "DELETE FROM targets WHERE target = 't'",
    "target_days.day": "UPDATE target_days SET day = day + 1",
    "target_days.amount": "UPDATE target_days SET amount = amount + 1",
    "breakdowns.dimension": "UPDATE breakdowns SET dimension = 'other' WHERE dimension = 'all'",
    "breakdowns.value": "UPDATE breakdowns SET value = 'other' WHERE dimension = 'all'",
    "breakdowns.standing": "DELETE FROM breakdowns WHERE standing = 'hired'",
    "breakdowns.number": "UPDATE breakdowns SET number = number + 1",
    "milestones.target": "DELETE FROM milestones WHERE target = 't'",
    "milestones.goal": "UPDATE milestones SET goal = 77",
    "milestones.percent": "UPDATE milestones SET percent = 90 WHERE target = 't' AND percent = 50",
    "campaigns.campaign": "DELETE FROM campaigns",
    "campaigns.title": "UPDATE campaigns SET title = 'other'",
    "campaigns.organizer": "UPDATE campaigns SET organizer = 'other'",
    "campaigns.kind": "UPDATE campaigns SET kind = 'graduates'",
    "campaigns.starts_on": "UPDATE campaigns SET starts_on = starts_on + 1",
    "campaigns.ends_on": "UPDATE campaigns SET ends_on = ends_on + 1",
    "campaigns.timezone": "UPDATE campaigns SET timezone = 'Asia/Tokyo'",
    "campaigns.locale": "UPDATE campaigns SET locale = 'en'",
    "campaigns.closed": "UPDATE campaigns SET closed = true",
    "campaigns.reply_to": "UPDATE campaigns SET reply_to = 'x@y.example'",
    "campaigns.contact": "UPDATE campaigns SET contact = 'other'",
    "campaigns.signup": "UPDATE campaigns SET signup = 'closed'",
    "fairs.fair": "DELETE FROM fairs",
    "fairs.title": "UPDATE fairs SET title = 'other'",
    "fairs.mode": "UPDATE fairs SET mode = 'online'",
    "fairs.starts_at": "UPDATE fairs SET starts_at = starts_at + interval '1 hour'",
    "fairs.ends_at": "UPDATE fairs SET ends_at = ends_at + interval '1 hour'",
    "fairs.venue": "UPDATE fairs SET venue = 'other'",
    "fairs.city": "UPDATE fairs SET city = 'other'",
    "fairs.url": "UPDATE fairs SET url = 'other'",
    "fairs.capacity": "UPDATE fairs SET capacity = 3",
    "fairs.employers": "UPDATE fairs SET employers = '[]'",
    "fairs.cost": "UPDATE fairs SET cost = 1",
    "fairs.cancelled": "UPDATE fairs SET cancelled = true",
    "fairs.reason": "UPDATE fairs SET reason = 'other'",
    "fairs.changes": "UPDATE fairs SET changes = 9",
    "employers.employer": "DELETE FROM employers",
    "employers.name": "UPDATE employers SET name = 'other'",
    "employers.name_en": "UPDATE employers SET name_en = 'other'",
    "employers.city": "UPDATE employers SET city = 'other'",
    "employers.url": "UPDATE employers SET url = 'other'",
    "employers.reply_to": "UPDATE employers SET reply_to = NULL",
    "employers.contact": "UPDATE employers SET contact = 'other'",
    "openings.opening": "DELETE FROM openings",
    "openings.employer": "UPDATE openings SET employer = 'other'",
    "openings.position": "UPDATE openings SET position = 'other'",
    "openings.seats": "UPDATE openings SET seats = 4",
    "seats.candidate": "UPDATE seats SET candidate = 'c9'",
    "seats.fair": "UPDATE seats SET fair = 'f9'",
    "seats.at": "UPDATE seats SET at = at + 1",
    "seats.source": "UPDATE seats SET source = '/other'",
    "seats.id": "UPDATE seats SET id = 'other'",
    "seats.waiting": "UPDATE seats SET waiting = true",
    "fair_seats.fair": "DELETE FROM fair_seats",
    "fair_seats.capacity": "UPDATE fair_seats SET capacity = 2",
    "fair_seats.kept": "UPDATE fair_seats SET kept = 0",
    "fair_seats.waiting": "UPDATE fair_seats SET waiting = 1",
    "retractions.id": "DELETE FROM retractions",
    "retractions.source": "UPDATE retractions SET source = '/other'",
    "messages.dedupe_key": "DELETE FROM messages WHERE kind = 'welcome'",
    "messages.asked_by": "UPDATE messages SET asked_by = 4711 WHERE kind = 'welcome'",
    "messages.fact": "UPDATE messages SET asked_by = NULL, source = '/hr', fact = 'other' WHERE kind = 'welcome'",
    "vault.name": "UPDATE vault.person SET name = NULL WHERE candidate = 'c1'",
    "vault.profile": "UPDATE vault.person SET profile = NULL WHERE candidate = 'c1'",
    "vault.candidate": "INSERT INTO vault.person (campaign, candidate, name) SELECT campaign, 'x', 'X' FROM campaigns",
    "pending.seq": "INSERT INTO pending (seq) VALUES (4711)",
}
# Which rows they are, and what is no fact's: counters, clocks.
NOT_OF_FACTS = {
    *(
        "journeys.campaign",
        "journeys.version",
        "journeys.updated_at",
        "journeys.drawn",
        "journeys.name",
        "journeys.tagged",
    ),
    *("seats.campaign", "seats.line", "seats.turn", "fair_seats.campaign"),
    *("seats.told_waiting", "seats.told_by", "seats.asked"),  # what was told, and what is to be
    "merges.campaign",
    *("targets.campaign", "targets.as_of", "targets.revision", "targets.tally", "targets.updated_at"),
    *("target_days.campaign", "target_days.target"),
    *("milestones.campaign", "milestones.reached_at", "breakdowns.campaign"),
    *("fairs.campaign", "employers.campaign", "openings.campaign", "retractions.campaign"),
}
DERIVED = (
    "journeys",
    "targets",
    "target_days",
    "breakdowns",
    "milestones",
    "campaigns",
    "fairs",
    "employers",
    "openings",
    "retractions",
    "merges",
    "seats",
    "fair_seats",
)


@pytest.fixture
async def conn(database_url: str) -> AsyncIterator[Conn]:
    async with await connect(database_url, name="test") as connection:
        await apply(connection, *WORLD)
        yield connection


async def apply(conn: Conn, *events: dict[str, Any]) -> None:
    batch = [Incoming("yinfeng.facts", 0, n, None, json.dumps(e).encode(), ()) for n, e in enumerate(events)]
    await apply_batch(conn, batch, now=NOW)


async def report(database_url: str) -> Report:
    async with await connect(database_url, name="audit") as conn:
        return await audit(conn)


def test_every_derived_column_is_in_the_table():
    columns = {f"{name}.{column.name}" for name in DERIVED for column in SQLModel.metadata.tables[name].columns}
    assert columns - NOT_OF_FACTS == {each for each in CHANGES if each.split(".")[0] in DERIVED}


async def test_what_is_as_the_facts_have_it_is_no_drift(database_url: str, conn: Conn):
    found = await report(database_url)
    assert found.differences == []
    assert found.reasons > 3


@pytest.mark.parametrize("changed", CHANGES)
async def test_what_is_not_as_the_facts_have_it_is_named(database_url: str, conn: Conn, changed: str):
    assert (await conn.execute(CHANGES[changed])).rowcount > 0
    found = await report(database_url)
    assert found.drift > 0
    subjects = {"target_days": "target", "pending": "outbox", "seats": "", "fair_seats": "seats"}
    subject = subjects.get(table := changed.split(".", maxsplit=1)[0], table.rstrip("s"))
    assert any(subject in line for line in found.differences), found.differences


async def test_it_frees_its_snapshot_between_slices_and_stays_exact_while_facts_come(database_url: str, conn: Conn):
    """Facts come between any two slices: of candidates that were compared already, of others, and corrections."""
    rounds = 0

    async def pause() -> None:
        nonlocal rounds
        rounds += 1
        held = await conn.execute("SELECT backend_xmin FROM pg_stat_activity WHERE application_name = 'yinfeng-audit'")
        assert await held.fetchall() == [(None,)]
        await apply(conn, *MEANWHILE[rounds % len(MEANWHILE)](rounds))

    await apply(conn, *[hired(f"d{n}") for n in range(20)])
    async with await connect(database_url, name="audit") as other:
        found = await audit(other, size=3, pause=pause)
    assert found.differences == []
    assert (found.uncounted, found.targets) == (0, 2)
    assert rounds > 5


async def test_targets_that_are_set_anew_while_they_are_counted_are_counted_again(database_url: str, conn: Conn):
    left = [target("t", goal=3, where={"school": ["x"]}, id="again")]

    async def pause() -> None:
        if left:
            await apply(conn, left.pop())

    async with await connect(database_url, name="audit") as other:
        found = await audit(other, size=3, pause=pause)
    assert (found.differences, found.uncounted, left) == ([], 0, [])


MEANWHILE: list[Callable[[int], list[dict[str, Any]]]] = [
    lambda n: [hired(f"a{n}"), signed_up(f"d{n}", id=f"late{n}")],
    lambda n: [event("hire.ended", candidate=f"d{n}", employer="huayou", ended_on="2026-12-01", id=f"left{n}")],
    lambda n: [hired(f"z{n}", id=f"mistake{n}")],
    lambda n: [retraction(f"mistake{n - 1}", candidate=f"z{n - 1}")],
]


async def test_a_target_that_comes_while_others_are_counted_is_counted_the_next_time(database_url: str, conn: Conn):
    await apply(conn, opened(), *[hired(f"c{number}") for number in range(5)])
    come = iter([f"t{number}" for number in range(1000)])

    async def pause() -> None:
        await apply(conn, target(next(come)))

    async with await connect(database_url, name="audit") as other:
        found = await audit(other, size=3, pause=pause)
    assert (found.drift, found.differences) == (0, [])
    assert found.uncounted > 0
