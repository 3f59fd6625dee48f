"""Seats follow from journeys and fairs alone, in whichever order that is learned; on a real Postgres."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.database import Conn, connect
from storage.journeys import journeys
from storage.ledger.ledger import JourneyKey
from streams.audit import audit
from streams.catching_up import START, catch_up
from tests import oracle
from tests.facts import event, opened, retraction, signed_up
from tests.integration.worlds import REAL, in_any_order, play, seats, tell
from tests.plain_journeys import make_plain
from tests.strategies import Event, events, few_or_many, small_pools

FAIRS = ("f1", "f2")
ABOUT_SEATS = [
    *["candidate.signed_up"] * 6,
    *["candidate.withdrew", "fact.retracted", "fair.scheduled"] * 2,
    "fair.cancelled",
    "candidate.erased",
]
POOLS = small_pools(campaigns=1) | {"candidate": st.sampled_from([f"c{n}" for n in range(1, 7)])}
LINES = few_or_many(st.sampled_from(ABOUT_SEATS).flatmap(lambda name: events([name], POOLS)), 40)


async def agrees(conn: Conn, world: list[Event]) -> None:
    expected = oracle.Campaign("grads1", world)
    assert {fair: await seats(conn, fair) for fair in FAIRS} == {fair: expected.seats(fair) for fair in FAIRS}
    assert (await audit(conn)).differences == []


@REAL
@given(LINES, st.randoms(use_true_random=False), st.integers(1, 9))
def test_seats_are_the_same_in_whichever_order_facts_come(
    database_url: str, world: list[Event], rng: random.Random, size: int
):
    asyncio.run(play(database_url, in_any_order(world, rng), size, lambda conn: agrees(conn, world)))


def fair(capacity: int | None, **more: Any) -> dict[str, Any]:
    given = {"fair": "f1", "title": "Fair", "mode": "onsite"}
    times = {"starts_at": "2027-05-01T09:00:00+08:00", "ends_at": "2027-05-01T16:00:00+08:00"}
    return event("fair.scheduled", **given, **times, **({} if capacity is None else {"capacity": capacity}), **more)


def at(minute: int) -> dict[str, Any]:
    return {"time": f"2026-03-01T09:{minute:02}:00+08:00"}


def person(candidate: str, minute: int, **more: Any) -> dict[str, Any]:
    return signed_up(candidate, **{"fair": "f1", "id": f"{candidate}-{minute}", **at(minute), **more})


async def full(conn: Conn) -> None:
    """Two seats; five people, one a minute."""
    await tell(conn, opened(), fair(2, **at(0)), *[person(f"c{n}", n) for n in range(1, 6)])
    assert await seats(conn) == (["c1", "c2"], ["c3", "c4", "c5"])


CASES: dict[str, tuple[list[dict[str, Any]], tuple[list[str], list[str]]]] = {
    "an earlier signup that comes late": ([person("c0", 0)], (["c0", "c1"], ["c2", "c3", "c4", "c5"])),
    "a word that one does not come to this fair": (
        [event("candidate.withdrew", candidate="c1", fair="f1", **at(20))],
        (["c2", "c3"], ["c4", "c5"]),
    ),
    "a word about another fair": (
        [event("candidate.withdrew", candidate="c1", fair="f2", **at(20))],
        (["c1", "c2"], ["c3", "c4", "c5"]),
    ),
    "a withdrawal": ([event("candidate.withdrew", candidate="c1", **at(20))], (["c2", "c3"], ["c4", "c5"])),
    "a withdrawal, and back at the end": (
        [event("candidate.withdrew", candidate="c1", **at(20)), person("c1", 21)],
        (["c2", "c3"], ["c4", "c5", "c1"]),
    ),
    "back without a word of the fair": (
        [event("candidate.withdrew", candidate="c1", **at(20)), signed_up("c1", **at(21))],
        (["c2", "c3"], ["c4", "c5"]),
    ),
    "a second signup keeps the first one's place": ([person("c1", 30)], (["c1", "c2"], ["c3", "c4", "c5"])),
    "the first of two signups was wrong": (
        [person("c1", 30), retraction("c1-1", candidate="c1")],
        (["c2", "c3"], ["c4", "c5", "c1"]),
    ),
    "who waits leaves": ([retraction("c4-4", candidate="c4")], (["c1", "c2"], ["c3", "c5"])),
    "an erasure": ([event("candidate.erased", candidate="c2", **at(20))], (["c1", "c3"], ["c4", "c5"])),
    "more seats": ([fair(4, **at(20))], (["c1", "c2", "c3", "c4"], ["c5"])),
    "fewer seats": ([fair(1, **at(20))], (["c1"], ["c2", "c3", "c4", "c5"])),
    "no capacity": ([fair(None, **at(20))], (["c1", "c2", "c3", "c4", "c5"], [])),
    "a cancelled fair keeps its line": (
        [event("fair.cancelled", fair="f1", **at(20))],
        (["c1", "c2"], ["c3", "c4", "c5"]),
    ),
    "a capacity that an earlier word set": ([fair(5, id="early", **at(1))], (["c1", "c2", "c3", "c4", "c5"], [])),
    "all at once": (
        [
            fair(3, **at(20)),
            person("c0", 0),
            event("candidate.withdrew", candidate="c2", **at(21)),
            retraction("c3-3", candidate="c3"),
            person("c6", 6),
        ],
        (["c0", "c1", "c4"], ["c5", "c6"]),
    ),
}


@pytest.mark.parametrize("case", CASES)
async def test_seats_follow_what_is_learned(conn: Conn, case: str):
    told, expected = CASES[case]
    await full(conn)
    await tell(conn, *told)
    assert await seats(conn) == expected
    assert (await audit(conn)).differences == []


async def test_a_fair_that_is_learned_of_late_cuts_the_line_all_the_same(conn: Conn):
    await tell(conn, opened(), *[person(f"c{n}", n) for n in (3, 1, 2)])
    assert await seats(conn) == (["c1", "c2", "c3"], [])
    await tell(conn, fair(2))
    assert await seats(conn) == (["c1", "c2"], ["c3"])


async def test_workers_that_share_a_fair_give_no_seat_twice(database_url: str):
    people = [person(f"c{n:03}", n % 60) for n in range(400)]
    random.Random(3).shuffle(people)
    connections = [await connect(database_url, name="test") for _ in range(4)]
    await tell(connections[0], opened(), fair(100))
    batches = [people[n : n + 10] for n in range(0, 400, 10)]

    async def work(nth: int) -> None:
        for batch in batches[nth::4]:
            await tell(connections[nth], *batch)

    await asyncio.gather(*[work(nth) for nth in range(4)])
    kept, waiting = await seats(connections[0])
    assert (len(kept), len(waiting)) == (100, 300)
    assert (await audit(connections[0])).differences == []
    for each in connections:
        await each.close()


async def test_what_another_version_wrote_is_drawn_anew(conn: Conn):
    await full(conn)
    await make_plain(conn)
    await conn.execute("UPDATE journeys SET version = version + 1")
    await conn.execute("""UPDATE journeys SET state =
        convert_to((convert_from(state, 'UTF8')::jsonb - 'signups')::text, 'UTF8')""")
    await conn.execute("DELETE FROM seats")
    await conn.execute("UPDATE fair_seats SET capacity = 1, kept = 0, waiting = 0")
    assert (await audit(conn)).behind == 5
    await tell(conn, event("candidate.withdrew", candidate="c4", **at(20)))
    assert await seats(conn) == ([], [])
    after: JourneyKey | None = START
    while after:
        after = await catch_up(conn, after)
    assert await seats(conn) == (["c1", "c2"], ["c3", "c5"])
    assert await journeys.behind(conn, START, 1) == []
    report = await audit(conn)
    assert (report.differences, report.behind) == ([], 0)
