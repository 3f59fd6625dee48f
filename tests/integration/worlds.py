"""Worlds of facts that arrive in any order and in batches, through the real transaction on a real Postgres."""

from __future__ import annotations

import json
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from hypothesis import HealthCheck, settings

from schemas.topics import SEQ_HEADER
from storage.database import Conn, connect
from streams.apply import apply_batch
from streams.intake import Incoming
from tests.strategies import Event

NOW = datetime(2150, 1, 1, tzinfo=UTC)  # after whatever happens in a world
EMPTY = """
TRUNCATE facts, pending, retractions, journeys, campaigns, targets, target_days, milestones, fairs, employers, openings,
         messages, message_attempts, mails, dead_letters, seats, fair_seats, vault.person,
         breakdowns, merges
"""
# A function-scoped fixture is right here: the database is emptied in each example.
REAL = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


def in_any_order(world: list[Event], rng: random.Random) -> list[Event]:
    """Every identity's first word before its others, the identities in any order, some of them twice."""
    first = {(event["source"], event["id"]): event for event in reversed(world)}
    shuffled = rng.sample(list(first.values()), len(first))
    later = [event for event in world if event is not first[event["source"], event["id"]]]
    return shuffled + rng.choices(shuffled, k=3) + rng.sample(later, len(later)) if shuffled else []


def message(event: Event, offset: int, seq: int | None = None) -> Incoming:
    headers = ((SEQ_HEADER, str(seq).encode()),) if seq else ()
    return Incoming("yinfeng.facts", 0, offset, None, json.dumps(event).encode(), headers)


async def tell(conn: Conn, *told: Event) -> None:
    """Apply them as one batch."""
    await apply_batch(conn, [message(each, n) for n, each in enumerate(told)], now=NOW)


async def play(database_url: str, arriving: list[Event], size: int, agrees: Callable[[Conn], Awaitable[None]]) -> None:
    """Apply a world in batches of this size to an empty database, and look whether what stands there agrees."""
    async with await connect(database_url, name="test") as conn:
        await conn.execute(EMPTY)
        for start in range(0, len(arriving), size):
            await tell(conn, *arriving[start : start + size])
        await agrees(conn)


async def seats(conn: Conn, fair: str = "f1") -> tuple[list[str], list[str]]:
    """Who has a seat, and who waits, both in order."""
    query = "SELECT candidate FROM seats WHERE fair = %s AND at IS NOT NULL AND waiting = %s ORDER BY at, source, id"
    found = [await (await conn.execute(query, [fair, waiting])).fetchall() for waiting in (False, True)]
    return [c for (c,) in found[0]], [c for (c,) in found[1]]
