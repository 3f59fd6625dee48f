"""Journeys that are packed and those that the version before stored, or reads, side by side."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import cycle
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from schemas.fields import FUNNEL
from storage.campaigns import reads, signup, tallies
from storage.database import Conn, connect
from storage.journeys import candidates, counted, journeys, of_employer, people, sight
from storage.journeys.matching import exact_tag
from storage.journeys.narrowing import Wanted
from storage.journeys.states import IS_PLAIN
from storage.journeys.tags import LONGEST, exact
from storage.ledger.restoring import nameless
from storage.messages import fair_notices
from streams.apply import apply_batch
from streams.audit import audit
from streams.catching_up import START, tag_journeys
from tests.facts import CAMPAIGN, event, opened, signed_up
from tests.integration.test_apply_worlds import EMPTY, NOW, message
from tests.integration.test_lean_events import UNTIL
from tests.integration.test_merging import WORLDS
from tests.plain_journeys import make_plain
from tests.strategies import Event

REAL = settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
EMPLOYERS, FAIRS, IDS = ("e1", "e2"), ("f1", "f2"), [f"c{n}" for n in range(1, 6)]
WHERE: tuple[dict[str, frozenset[str]], ...] = (
    {},
    {},
    {"education": frozenset({"doctor"}), "school": frozenset({"school1", "school2"})},
    {"major": frozenset({"major1"})},
    {"graduation_year": frozenset({"2025"}), "chain": frozenset({"chain1", "chain2"})},
)
PLAIN = f"SELECT count(*) FILTER (WHERE {IS_PLAIN.format('j.')}), count(*) FROM journeys j"


@pytest.fixture
async def conn(database_url: str) -> AsyncIterator[Conn]:
    async with await connect(database_url, name="test") as conn:
        await conn.execute(EMPTY)
        await conn.execute("DELETE FROM secrets WHERE name = 'events_whole_until'")
        yield conn


async def tell(conn: Conn, *told: dict[str, Any]) -> None:
    await apply_batch(conn, [message(each, n) for n, each in enumerate(told)], now=NOW)


def fair_of(employer: str, fair: str) -> dict[str, Any]:
    span = {"starts_at": "2026-06-01T09:00:00+08:00", "ends_at": "2026-06-01T17:00:00+08:00"}
    return event("fair.scheduled", fair=fair, title="Fair", mode="onsite", employers=[employer], **span)


async def plain_and_all(conn: Conn) -> tuple[int, int]:
    row = await (await conn.execute(PLAIN)).fetchone()
    assert row
    return row[0], row[1]


@REAL
@given(WORLDS)
def test_sql_finds_in_packed_journeys_what_it_reads_in_plain_ones(database_url: str, world: list[Event]):
    async def play() -> None:
        async with await connect(database_url, name="test") as conn:
            await conn.execute(EMPTY)
            await tell(conn, *world)
            packed = await everything_read(conn, "grads1")
            await make_plain(conn)
            assert await everything_read(conn, "grads1") == packed
            assert (await audit(conn)).differences == []

    asyncio.run(play())


async def everything_read(conn: Conn, campaign: str) -> dict[str, Any]:
    """All that is asked of journeys in SQL."""
    found: dict[str, Any] = {"funnel": await reads.scanned_funnel(conn, campaign)}
    for employer in EMPLOYERS:
        found[f"seen by {employer}"] = await sight.visible(conn, employer, {(campaign, each) for each in IDS})
        found[f"own of {employer}"] = await of_employer.listed(conn, campaign, employer, limit=9)
        found[f"not started at {employer}"] = await of_employer.not_started(conn, campaign, employer, limit=9)
    for sees in (None, *EMPLOYERS):
        listed = await people.listed(conn, campaign, Wanted(sees=sees), limit=9)
        found[f"list of {sees}"] = [(each.candidate, each.standing) for each in listed.people]
    for measure, where, fairs in zip(cycle(FUNNEL), WHERE, (None, list(FAIRS), None, ["f1"], None), strict=False):
        found[f"{measure} {where} {fairs}"] = await counts(conn, campaign, measure, where, fairs)
    found["paid"] = await counted.perhaps_counted(conn, {"campaign": campaign, "measure": "paid", "where": {}}, limit=9)
    for fair in FAIRS:
        found[f"of {fair}"] = await fair_notices.signed_up(conn, campaign, fair)
    found["known"] = await candidates.load_each(conn, campaign, IDS)
    found["schools"] = await signup.schools(conn, campaign)
    found["nameless"] = await nameless(conn, 9)
    return found


async def counts(
    conn: Conn, campaign: str, measure: str, where: dict[str, frozenset[str]], fairs: list[str] | None
) -> Any:
    target = {"campaign": campaign, "measure": measure, "where": {**where, **({"fair": fairs} if fairs else {})}}
    return (
        await tallies.by_quarters(conn, campaign, measure, where, frozenset(fairs) if fairs else None),
        await counted.perhaps_counted(conn, target, limit=9),
        await counted.almost_counted(conn, target, limit=9),
    )


async def test_as_long_as_the_version_before_is_there_journeys_are_written_as_it_reads_them(conn: Conn):
    await conn.execute(UNTIL.encode(), ["1 hour"])
    await tell(conn, opened(), signed_up("c1", consent=True, major="m"), signed_up("c2"))
    assert await plain_and_all(conn) == (2, 2)
    kept = "SELECT standing ? 'signed_up', reached, tags FROM journeys WHERE candidate = 'c1'"
    assert await (await conn.execute(kept)).fetchall() == [(True, None, ["at:signed_up"])]
    assert (await audit(conn)).differences == []
    await tag_journeys(conn)
    assert await plain_and_all(conn) == (2, 2)


async def test_once_it_is_gone_they_are_packed_as_they_are_touched_and_the_others_beside_the_work(conn: Conn):
    await conn.execute(UNTIL.encode(), ["1 hour"])
    await tell(conn, opened(), signed_up("c1", consent=True), signed_up("c2", consent=True, major="m"))
    await conn.execute("DELETE FROM secrets WHERE name = 'events_whole_until'")
    await tell(conn, event("candidate.checked_in", candidate="c1", fair="f1"))
    assert await plain_and_all(conn) == (1, 2)
    assert (await audit(conn)).differences == []
    after = START
    while following := await tag_journeys(conn, after):
        after = following
    assert await plain_and_all(conn) == (0, 2)
    kept = "SELECT standing, cardinality(reached), tags FROM journeys WHERE candidate = 'c2'"
    assert await (await conn.execute(kept)).fetchall() == [(None, 1, ["agreed", "at:signed_up", "major:m"])]
    assert (await audit(conn)).differences == []


async def test_what_came_meanwhile_is_not_undone_by_packing(conn: Conn):
    await tell(conn, opened(), signed_up("c1"))
    await make_plain(conn)
    await conn.execute("UPDATE journeys SET tagged = version - 1")
    async with conn.transaction():
        stored = await journeys.load(conn, [(CAMPAIGN, "c1")])
        await tag_journeys(conn)
        await journeys.store(conn, {key: (each, {}) for key, each in stored.items()})
    assert (await journeys.load(conn, [(CAMPAIGN, "c1")]))[CAMPAIGN, "c1"].version == 2


async def test_a_long_value_is_told_from_others_that_begin_like_it(conn: Conn):
    for value in ("short", "x" * LONGEST, "学" * (LONGEST + 1), "x" * 200):
        row = await (await conn.execute(f"SELECT {exact_tag('fair', '%(v)s::text')}".encode(), {"v": value})).fetchone()
        assert row == (exact("fair", value),)
    longest = "s" * LONGEST
    schools = [longest, f"{longest}1", f"{longest}2"]
    await tell(conn, opened(), *(signed_up(f"c{n}", school=each) for n, each in enumerate(schools)))
    for school in schools:
        found = await tallies.by_quarters(conn, CAMPAIGN, "signed_up", {"school": frozenset({school})}, None)
        assert sum(found.values()) == 1


async def test_an_employer_of_a_fair_does_not_see_who_goes_to_another_whose_id_begins_with_its_own(conn: Conn):
    own = "f" * LONGEST
    fairs = [fair_of("e1", own), fair_of("e2", f"{own}x")]
    await tell(conn, opened(), *fairs, signed_up("c1", fair=f"{own}x", consent=True))
    assert await sight.visible(conn, "e1", {(CAMPAIGN, "c1")}) == set()
    assert await sight.visible(conn, "e2", {(CAMPAIGN, "c1")}) == {(CAMPAIGN, "c1")}


async def test_a_school_is_suggested_as_it_was_typed_or_not_at_all(conn: Conn):
    typed = [("浙江大学", 5), *[(f"{'s' * LONGEST}{nth}", 1) for nth in range(5)]]
    people = [school for school, times in typed for _ in range(times)]
    await tell(conn, opened(), *[signed_up(f"c{nth}", school=school) for nth, school in enumerate(people)])
    assert await signup.schools(conn, CAMPAIGN) == ["浙江大学"]


PARALLEL = """SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_seqscan = off"""


async def test_journeys_are_read_by_several_processes_of_postgres_too(conn: Conn):
    """Which then tell of them in any order, and what else is asked along with them."""
    people = [signed_up(f"c{n}") for n in range(300)]
    await tell(conn, opened(), *people)
    await conn.execute("ANALYZE journeys")
    await conn.execute(PARALLEL)
    found = await journeys.load(conn, [(CAMPAIGN, f"c{n}") for n in range(301)])
    assert [stored.version for stored in found.values()] == [1] * 300 + [0]
    assert {stored.plain for stored in found.values()} == {False}
