"""Candidates who are one person, through the real transaction: numbers, seats and messages in whichever order."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.merging import faults
from schemas.journey import MOST_IDS
from storage import beats
from storage.beats import Beat
from storage.campaigns import breakdowns
from storage.database import Conn, connect
from storage.journeys import journeys, merging
from storage.ledger.events import WHOLE
from storage.migrations.versions.r0090_agreed import DRAW_ANEW, LOOK_AGAIN
from storage.vault.erasing import erase_again
from storage.vault.process import vault
from streams.apply import apply_batch
from streams.audit import audit
from streams.catching_up import catch_up, part_crowded
from streams.domain.merging import groups
from tests import oracle
from tests.facts import CAMPAIGN, event, facts, opened, retraction, signed_up, target
from tests.integration.test_apply_worlds import agrees
from tests.integration.worlds import EMPTY, NOW, REAL, in_any_order, message, play, seats, tell
from tests.plain_journeys import make_plain
from tests.strategies import Event, events, few_or_many, small_pools

IDS = st.sampled_from([f"c{n}" for n in range(1, 6)])
POOLS = small_pools(campaigns=1) | {"candidate": IDS, "into": IDS}
TYPES = [
    *["candidate.signed_up"] * 6,
    *["candidate.merged"] * 6,
    *["candidate.unmerged", "fact.retracted", "hire.started", "target.set", "fair.scheduled"] * 2,
    *["candidate.withdrew", "candidate.erased", "candidate.checked_in", "offer.extended", "offer.accepted"],
    *["hire.ended", "benefit.paid", "consent.given", "candidate.restricted", "candidate.restriction_lifted"],
]
WORLDS = few_or_many(st.sampled_from(TYPES).flatmap(lambda name: events([name], POOLS)), 40)


@pytest.fixture
async def conn(database_url: str) -> AsyncIterator[Conn]:
    async with await connect(database_url, name="test") as conn:
        await conn.execute(EMPTY)
        yield conn


@REAL
@given(WORLDS, st.randoms(use_true_random=False), st.integers(1, 9))
def test_numbers_and_seats_are_the_same_in_any_order_and_batches(
    database_url: str, world: list[Event], rng: random.Random, size: int
):
    async def agreed(conn: Conn) -> None:
        await agrees(conn, world)
        expected = oracle.Campaign("grads1", world)
        for fair in ("f1", "f2"):
            assert await seats(conn, fair) == expected.seats(fair)

    asyncio.run(play(database_url, in_any_order(world, rng), size, agreed))


def merged(one: str, into: str, **more: Any) -> dict[str, Any]:
    return event("candidate.merged", candidate=one, into=into, **more)


async def number(conn: Conn, name: str = "people") -> int:
    row = await (await conn.execute("SELECT progress FROM targets WHERE target = %s", [name])).fetchone()
    assert row
    return int(row[0])


async def journey(conn: Conn, candidate: str) -> Any:
    key = (CAMPAIGN, candidate)
    head = (await merging.heads(conn, [key]))[key]
    found = (await journeys.load(conn, [head]))[head].journey
    await vault().embody(conn, {head: found})
    return found


async def test_two_who_are_one_count_once_and_twice_again(conn: Conn):
    await tell(conn, opened(), target("people", "signed_up"), signed_up("a"), signed_up("b"))
    assert await number(conn) == 2
    await tell(conn, merged("b", "a", id="word"))
    assert await number(conn) == 1
    assert (await breakdowns.funnel(conn, CAMPAIGN))["signed_up"] == 1
    await tell(conn, event("hire.started", candidate="b", employer="huayou", started_on="2026-07-01"))
    assert (await breakdowns.funnel(conn, CAMPAIGN))["hired"] == 1
    await tell(conn, event("candidate.unmerged", candidate="a", into="b", time="2026-03-09T00:00:00+08:00"))
    assert await number(conn) == 2
    assert (await audit(conn)).differences == []


async def test_a_merge_that_is_taken_back_never_was(conn: Conn):
    await tell(conn, opened(), target("people", "signed_up"), signed_up("a"), signed_up("b"))
    await tell(conn, merged("b", "a", id="word"))
    await tell(conn, retraction("word", candidate="b"))
    assert await number(conn) == 2
    assert (await audit(conn)).differences == []


async def test_the_latest_signup_says_how_a_person_is_reached(conn: Conn):
    await tell(
        conn,
        signed_up("a", name="李思雨", email="old@example.com", phone="13800000001"),
        signed_up("b", name="李思雨", email="new@example.com", time="2026-03-09T00:00:00+08:00"),
        merged("b", "a"),
    )
    found = await journey(conn, "b")
    assert (found.attribute("email"), found.attribute("phone")) == ("new@example.com", "13800000001")
    await tell(conn, event("candidate.erased", candidate="b", time="2026-03-10T00:00:00+08:00"))
    found = await journey(conn, "b")
    assert (found.attribute("email"), found.erased) == ("old@example.com", False)
    assert (await audit(conn)).differences == []


async def test_who_is_erased_with_all_their_ids_is_nobody(conn: Conn):
    late = {"time": "2026-03-10T00:00:00+08:00"}
    await tell(conn, opened(), target("people", "signed_up"), signed_up("a"), signed_up("b"), merged("b", "a"))
    await tell(conn, *(event("candidate.erased", candidate=each, **late) for each in ("a", "b")))
    found = await journey(conn, "a")
    assert (found.erased, found.told, await number(conn)) == (True, {}, 1)
    assert (await audit(conn)).differences == []


async def test_one_who_is_erased_and_lives_on_is_read_anew_under_the_other_id(conn: Conn):
    late = {"time": "2026-03-10T00:00:00+08:00"}
    await tell(conn, signed_up("a", name="李"), signed_up("b", name="李思雨", email="b@example.com", **late))
    await tell(conn, merged("b", "a"))
    await tell(conn, event("candidate.erased", candidate="b", time="2026-03-09T00:00:00+08:00"))
    found = await journey(conn, "a")
    assert (found.attribute("name"), found.attribute("email")) == ("李思雨", "b@example.com")
    assert (await audit(conn)).differences == []


async def test_what_the_register_erases_of_one_is_nowhere_under_the_other_id(conn: Conn):
    late = {"time": "2026-03-09T00:00:00+08:00"}
    await tell(
        conn, signed_up("a", name="李", phone="13800000001"), signed_up("b", name="李思雨", **late), merged("b", "a")
    )
    async with conn.transaction():
        await erase_again(conn, {(CAMPAIGN, "b"): datetime(2026, 4, 1, tzinfo=UTC)})
    names = "SELECT name FROM vault.person WHERE name IS NOT NULL"
    assert await (await conn.execute(names)).fetchall() == []
    said = await (await conn.execute(f"SELECT f.seq, {WHOLE}::json FROM facts f JOIN pending USING (seq)")).fetchall()
    await apply_batch(conn, [message(each, seq, seq) for seq, each in said], now=NOW)
    assert (await journey(conn, "a")).attribute("name") == "李"
    assert (await audit(conn)).differences == []


async def test_who_is_hidden_is_so_under_every_id(conn: Conn):
    await tell(conn, signed_up("a"), signed_up("b"), merged("b", "a"))
    await tell(conn, event("candidate.restricted", candidate="b", ground="law"))
    hidden = "SELECT candidate FROM vault.person WHERE restricted_at IS NOT NULL ORDER BY candidate"
    assert await (await conn.execute(hidden)).fetchall() == [("a",), ("b",)]
    await tell(conn, event("candidate.unmerged", candidate="b", into="a", time="2026-03-09T00:00:00+08:00"))
    assert await (await conn.execute(hidden)).fetchall() == [("b",)]
    assert (await audit(conn)).differences == []


async def test_consent_that_an_earlier_version_united_is_drawn_anew(conn: Conn):
    later = {"time": "2026-03-09T00:00:00+08:00"}
    await tell(conn, signed_up("a", consent=False), signed_up("b", consent=True, **later), merged("b", "a"))
    assert (await journey(conn, "a")).attribute("consent") is False
    await make_plain(conn)
    yes = "convert_to(replace(convert_from(state, 'UTF8'), '\"value\":false', '\"value\":true'), 'UTF8')"
    await conn.execute(f"UPDATE journeys SET state = {yes}".encode())
    assert (await journey(conn, "a")).attribute("consent") is True
    await conn.execute(DRAW_ANEW)
    await catch_up(conn)
    assert (await journey(conn, "a")).attribute("consent") is False
    assert (await audit(conn)).differences == []


async def test_consent_that_a_worker_of_the_version_before_united_meanwhile_is_drawn_anew_once_it_has_ended(conn: Conn):
    later = {"time": "2026-03-09T00:00:00+08:00"}
    await tell(conn, signed_up("a", consent=False), signed_up("b", consent=True, **later), merged("b", "a"))
    await conn.execute(LOOK_AGAIN)
    await make_plain(conn)
    yes = "convert_to(replace(convert_from(state, 'UTF8'), '\"value\":false', '\"value\":true'), 'UTF8')"
    await conn.execute(f"UPDATE journeys SET state = {yes}".encode())
    await beats.note(conn, Beat("before", 0, 0, 0, revision="0079"))
    await conn.execute("UPDATE secrets SET value = convert_to(now()::text, 'UTF8') WHERE name = 'united_anew_at'")
    assert await beats.hold_open(conn, "0090")
    await catch_up(conn)
    assert (await journey(conn, "a")).attribute("consent") is True
    await conn.execute("UPDATE secrets SET value = convert_to(now()::text, 'UTF8') WHERE name = 'united_anew_at'")
    await catch_up(conn)
    assert (await journey(conn, "a")).attribute("consent") is False
    assert (await audit(conn)).differences == []
    assert await (await conn.execute("SELECT FROM secrets WHERE name = 'united_anew_at'")).fetchall() == []


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE merges SET stands = false",
        'UPDATE merges SET "into" = one WHERE "into" = other',
        "DELETE FROM merges",
        "UPDATE journeys SET merged_into = NULL",
    ],
)
async def test_the_audit_sees_what_of_it_differs(conn: Conn, change: str):
    await tell(conn, signed_up("a"), signed_up("b"), merged("a", "b"))
    await conn.execute(change)
    assert (await audit(conn)).differences


async def test_slices_of_the_audit_take_whole_persons(conn: Conn):
    people = [signed_up(f"p{n}") for n in range(10)]
    await tell(
        conn, opened(), target("people", "signed_up"), *people, *(merged(f"p{n}", f"p{n + 5}") for n in range(5))
    )
    report = await audit(conn, size=2)
    assert (report.differences, report.journeys, await number(conn)) == ([], 10, 5)


async def test_an_erasure_that_is_told_again_forbids_nothing_to_the_life_that_began_since(conn: Conn):
    erased = event("candidate.erased", candidate="c1", id="e", time="2026-03-09T09:00:00+08:00")
    anew = signed_up("c1", id="s", time="2026-03-10T09:00:00+08:00")
    await tell(conn, opened(), signed_up("c2"), erased, anew)
    assert await faults(conn, facts([erased, merged("c1", "c2", id="m")])) == {}


async def test_a_person_of_more_ids_than_may_be_is_parted(conn: Conn, monkeypatch: pytest.MonkeyPatch):
    """Of a version that let there be as many as somebody said."""
    many = [f"m{n:02}" for n in range(MOST_IDS + 4)]
    words = [merged(each, many[0], id=f"w{n}") for n, each in enumerate(many[1:])]
    with monkeypatch.context() as before:
        before.setattr(groups, "__defaults__", (len(many),))
        await tell(conn, opened(), target("people", "signed_up"), *(signed_up(each) for each in many), *words)
        assert (await audit(conn)).differences == []
    assert await number(conn) == 1
    assert (await audit(conn)).differences
    assert await part_crowded(conn) == (CAMPAIGN, many[0])
    assert await part_crowded(conn) is None
    assert (await audit(conn)).differences == []
    assert await number(conn) == 5


@pytest.mark.parametrize("seed", range(3))
async def test_a_person_has_no_more_ids_than_may_be_in_whatever_order(conn: Conn, seed: int):
    """Words straight from Kafka: those that would make too many of one have no effect, until there is room."""
    rng, many = random.Random(seed), [f"m{n:02}" for n in range(MOST_IDS + 6)]
    words = [
        merged(each, many[n // 2], id=f"w{n}", time=f"2026-03-09T{n % 24:02}:00:00+08:00")
        for n, each in enumerate(many[1:])
    ]
    told = [*words, event("candidate.unmerged", candidate=many[9], into=many[4], time="2026-03-11T00:00:00+08:00")]
    rng.shuffle(told)
    await tell(conn, opened(), target("people", "signed_up"), *(signed_up(each) for each in many))
    for start in range(0, len(told), 5):
        await tell(conn, *told[start : start + 5])
        assert (await audit(conn)).differences == []
    keys = [(CAMPAIGN, each) for each in many]
    sizes = sorted(len(own) for own in (await merging.members(conn, keys)).values())
    assert sizes[-1] <= MOST_IDS
    before = await merging.heads(conn, keys)
    await tell(
        conn,
        retraction("w0", candidate=many[1]),
        event("hire.started", candidate=many[-1], employer="huayou", started_on="2026-07-01"),
    )
    assert (await audit(conn)).differences == []
    assert await merging.heads(conn, keys) != before
