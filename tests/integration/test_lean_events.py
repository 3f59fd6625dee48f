"""Events are kept without what stands in columns beside them, and read as they were said."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import AsyncConnection

from schemas.facts import validate_event
from storage.database import connect
from storage.journeys import candidates
from storage.ledger import ledger
from storage.ledger.events import WHOLE
from storage.ledger.outbox import Outbox
from tests.facts import CAMPAIGN, event, fact, signed_up
from tests.strategies import Event, events

REAL = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
CONTENT = st.sampled_from([None, "application/json", "application/json; charset=utf-8"])
UNTIL = "INSERT INTO secrets (name, value) VALUES ('events_whole_until', convert_to((now() + %s)::text, 'UTF8'))"


async def kept(conn: AsyncConnection) -> list[dict[str, Any]]:
    return [row for (row,) in await (await conn.execute("SELECT event FROM facts ORDER BY seq")).fetchall()]


async def read(conn: AsyncConnection) -> list[dict[str, Any]]:
    rows = await (await conn.execute(f"SELECT {WHOLE} FROM facts f ORDER BY seq")).fetchall()
    return [json.loads(text) for (text,) in rows]


@REAL
@given(st.lists(st.tuples(events(), CONTENT), min_size=1, max_size=10))
def test_whatever_is_valid_is_read_as_it_was_said(database_url: str, said: list[tuple[Event, str | None]]):
    facts = [validate_event({**event, **({"datacontenttype": how} if how else {})}) for event, how in said]
    asyncio.run(said_and_read(database_url, list({fact.identity: fact for fact in facts}.values())))


async def said_and_read(url: str, facts: list[Any]) -> None:
    async with await connect(url, name="test") as conn:
        await conn.execute("TRUNCATE facts, pending")
        await ledger.append(conn, facts, posted_by=None)
        assert await read(conn) == [each.event for each in facts]
        assert [each.event for each in await ledger.named(conn, [each.identity for each in facts])] == [
            each.event for each in facts
        ]


async def test_nothing_is_kept_twice(conn: AsyncConnection):
    await ledger.append(conn, [fact("offer.accepted", candidate="c1", offer="o1")], posted_by=None)
    [event] = await kept(conn)
    assert event == {"data": {"offer": "o1"}}


@pytest.mark.parametrize(
    ("time", "kept_of_it"),
    [
        ("2026-03-08T09:30:00+08:00", {}),
        ("2026-03-08T09:30:00.5+08:00", {"+": ".5+08:00"}),
        ("2026-03-08T01:30:00Z", {"+": "Z"}),
        ("2026-03-08T01:30:59.9Z", {"+": ".9Z"}),
        ("2026-12-31T23:59:59.999999999999-23:59", {"+": ".999999999999-23:59"}),
        ("1900-01-01T00:00:00+14:00", {"+": "+14:00"}),
        ("2026-03-08T01:30:00.123456-00:00", {"+": ".123456-00:00"}),
        ("2026-03-08t01:30:00z", {"time": "2026-03-08t01:30:00z"}),
        ("2026-03-08T01:30:00z", {"time": "2026-03-08T01:30:00z"}),
    ],
)
async def test_a_time_is_kept_as_what_its_column_does_not_say(
    conn: AsyncConnection, time: str, kept_of_it: dict[str, str]
):
    said = validate_event({**event("candidate.withdrew", candidate="c1"), "time": time})
    await ledger.append(conn, [said], posted_by=None)
    assert await kept(conn) == [kept_of_it]
    assert await read(conn) == [said.event]


async def test_what_the_relay_publishes_is_known_when_it_comes_back(conn: AsyncConnection, database_url: str):
    said = [validate_event(each) for each in (event("candidate.withdrew", candidate='c "1"'), signed_up("李 思雨"))]
    await ledger.append(conn, said, posted_by=None)
    with psycopg.connect(database_url, autocommit=True) as relay:
        waiting = Outbox(relay).next(rows=10, size=1 << 20)
    assert [json.loads(each.event) for each in waiting] == [each.event for each in said]
    numbered = [(each.seq, each.event) for each in waiting]
    assert await ledger.same(conn, numbered) == set(numbered)
    assert await ledger.claim(conn, numbered) == {each.seq for each in waiting}


@pytest.mark.parametrize(("hours", "whole"), [(1, True), (-1, False)])
async def test_for_a_day_events_are_written_as_the_version_before_reads_them(
    conn: AsyncConnection, hours: int, whole: bool
):
    await conn.execute(UNTIL, [f"{hours} hours"])
    said = fact("candidate.checked_in", candidate="c1", fair="f1")
    await ledger.append(conn, [said], posted_by=None)
    await ledger.claim_new(conn, [other := fact("candidate.checked_in", candidate="c2", fair="f1")])
    assert await read(conn) == [said.event, other.event]
    assert [each == told.event for each, told in zip(await kept(conn), [said, other], strict=True)] == [whole] * 2
    await ledger.rewrite(conn, [(1, said)])
    assert (await kept(conn))[0] == (said.event if whole else {"data": {"fair": "f1"}})


async def test_the_usual_time_that_is_written_out_is_read_as_it_stands(conn: AsyncConnection):
    """As the version before wrote it."""
    said = fact("candidate.checked_in", candidate="c1", fair="f1")
    await ledger.append(conn, [said], posted_by=None)
    await conn.execute("""UPDATE facts SET event = event || '{"+": "+08:00"}'""")
    assert await read(conn) == [said.event]


@pytest.mark.parametrize("beside", [False, True])
async def test_who_posted_what_came_straight_over_kafka_is_nobody(conn: AsyncConnection, beside: bool):
    if beside:
        await conn.execute(UNTIL, ["1 hour"])
    await ledger.claim_new(conn, [fact("candidate.checked_in", candidate="c1", fair="f1")])
    rows = await (await conn.execute("SELECT posted_by FROM facts")).fetchall()
    assert rows == [(None if beside else "",)]
    [told] = await candidates.timeline(conn, CAMPAIGN, ["c1"], limit=1)
    assert told["posted_by"] is None


async def test_events_of_before_are_read_as_they_stand(conn: AsyncConnection):
    said = fact("candidate.checked_in", candidate="c1", fair="f1")
    await ledger.append(conn, [said], posted_by=None)
    await conn.execute("UPDATE facts SET event = %s::jsonb", [json.dumps(said.event)])
    ((text, as_stored),) = await (await conn.execute(f"SELECT {WHOLE}, event::text FROM facts f")).fetchall()
    assert text == as_stored
