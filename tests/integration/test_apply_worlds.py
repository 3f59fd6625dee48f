"""Small worlds through the real transaction on a real Postgres, in batches: targets as the second opinion says."""

from __future__ import annotations

import asyncio
import random
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from schemas.facts import validate_event
from storage.database import Conn, connect
from storage.ledger import ledger
from storage.ledger.events import WHOLE
from streams.apply import apply_batch
from streams.audit import audit
from tests import oracle
from tests.integration.worlds import EMPTY, NOW, REAL, in_any_order, message, play
from tests.strategies import Event, events, worlds


@REAL
@given(worlds(), st.randoms(use_true_random=False), st.integers(1, 9))
def test_a_world_over_kafka_in_any_batches(database_url: str, world: list[Event], rng: random.Random, size: int):
    asyncio.run(play(database_url, in_any_order(world, rng), size, lambda conn: agrees(conn, world)))


@REAL
@given(worlds(), st.randoms(use_true_random=False), st.integers(1, 9))
def test_a_world_over_http_published_twice(database_url: str, world: list[Event], rng: random.Random, size: int):
    asyncio.run(play_over_http(database_url, world, rng, size))


@REAL
@given(st.lists(events(), min_size=1, max_size=8))
def test_whatever_is_valid_can_be_applied_and_counted(database_url: str, world: list[Event]):
    asyncio.run(play(database_url, world, len(world), lambda conn: agrees(conn, world)))


async def play_over_http(database_url: str, world: list[Event], rng: random.Random, size: int) -> None:
    conn = await connect(database_url, name="test")
    async with conn:
        await conn.execute(EMPTY)
        for event in world:
            await ledger.append(conn, [validate_event(event)], posted_by="key:test")
        rows = await (await conn.execute(f"SELECT seq, {WHOLE}::json FROM facts f")).fetchall()
        published = rng.sample(rows, len(rows)) + rng.sample(rows, len(rows))
        for start in range(0, len(published), size):
            batch = [message(event, seq, seq) for seq, event in published[start : start + size]]
            await apply_batch(conn, batch, now=NOW)
        await agrees(conn, world)


async def agrees(conn: Conn, world: list[Event]) -> None:
    """Targets are the second opinion's, the audit finds nothing, and each milestone asked for one message at most."""
    rows = await (await conn.execute("SELECT campaign, target, progress FROM targets")).fetchall()
    names = {event["data"]["campaign"] for event in world}
    expected = {
        (name, target): number
        for name in names
        for target, number in oracle.Campaign(name, world).progress(NOW).items()
    }
    assert {(campaign, target): Decimal(number) for campaign, target, number in rows} == expected
    report = await audit(conn)
    assert (report.differences, report.unapplied) == ([], 0)
    reached = await (await conn.execute("SELECT count(*) FROM milestones")).fetchone()
    asked = await (await conn.execute("SELECT count(*) FROM messages WHERE candidate IS NULL")).fetchone()
    assert reached == asked
