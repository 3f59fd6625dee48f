"""What the audit compares with the facts: every derived row as it is stored."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec
from psycopg.rows import dict_row

from schemas.journey import Journey
from storage.database import Conn
from storage.messages.transitions import LETS_GO_AGAIN

Row = dict[str, Any]

_JOURNEYS = """
SELECT candidate, state, name, standing, employers FROM journeys WHERE campaign = %s ORDER BY candidate COLLATE "C"
"""
_CAMPAIGN = """
SELECT title, organizer, kind, starts_on, ends_on, timezone, locale, closed FROM campaigns WHERE campaign = %s
"""
_FAIRS = """
SELECT fair, title, mode, starts_at, ends_at, venue, city, url, capacity, employers, cost, cancelled, reason, changes
FROM fairs WHERE campaign = %s
"""
_OPENINGS = "SELECT opening, employer, position, seats FROM openings WHERE campaign = %s"
_MILESTONES = "SELECT target, goal, percent FROM milestones WHERE campaign = %s"
_RETRACTIONS = "SELECT source, id FROM retractions WHERE campaign = %s"
_MISSING = """
SELECT k.key FROM unnest(%b::text[]) AS k(key) WHERE NOT EXISTS (SELECT FROM messages m WHERE m.dedupe_key = k.key)
"""
_UNFOUNDED = """
SELECT m.id FROM messages m WHERE m.campaign = %s AND m.fact IS NOT NULL
  AND NOT EXISTS (SELECT FROM facts f WHERE f.source = m.source AND f.id = m.fact)
"""
_ASTRAY = "SELECT p.seq FROM pending p WHERE NOT EXISTS (SELECT FROM facts f WHERE f.seq = p.seq)"
# Between two sendings somebody must have let it go again.
_SENT_TWICE = """
SELECT DISTINCT message FROM (
    SELECT a.message, a.status, a.cause, count(*) FILTER (WHERE a.status = 'requested' AND a.cause = ANY(%s))
           OVER (PARTITION BY a.message ORDER BY a.id) AS life
    FROM message_attempts a JOIN messages m ON m.id = a.message WHERE m.campaign = %s) AS told
WHERE status = 'sent' AND cause IS DISTINCT FROM 'provider' GROUP BY message, life HAVING count(*) > 1 ORDER BY message
"""

_decode = msgspec.json.Decoder(Journey).decode


@dataclass(frozen=True, slots=True)
class StoredJourney:
    """A row of journeys: the journey, and what is drawn from it for those who only read."""

    journey: Journey
    name: str | None
    standing: dict[str, int]
    employers: list[str]


async def journeys(conn: Conn, campaign: str) -> AsyncIterator[tuple[str, StoredJourney]]:
    """Every (candidate, row) of a campaign by candidate, read in portions. Call it inside a transaction."""
    async with conn.cursor(name="audited_journeys") as cursor:
        cursor.itersize = 2000
        await cursor.execute(_JOURNEYS, [campaign])
        async for candidate, state, name, standing, employers in cursor:
            yield candidate, StoredJourney(_decode(state), name, standing, employers)


async def campaign_row(conn: Conn, campaign: str) -> Row | None:
    """The particulars of a campaign."""
    rows = await _rows(conn, _CAMPAIGN, campaign)
    return rows[0] if rows else None


async def fairs(conn: Conn, campaign: str) -> dict[str, Row]:
    """A campaign's fairs."""
    return {row["fair"]: row for row in await _rows(conn, _FAIRS, campaign)}


async def openings(conn: Conn, campaign: str) -> dict[str, Row]:
    """A campaign's openings."""
    return {row["opening"]: row for row in await _rows(conn, _OPENINGS, campaign)}


async def milestones(conn: Conn, campaign: str) -> set[tuple[str, Decimal, int]]:
    """The milestones that were reached: (target, goal, percent)."""
    cursor = await conn.execute(_MILESTONES, [campaign])
    return {(target, goal, percent) for target, goal, percent in await cursor.fetchall()}


async def retractions(conn: Conn, campaign: str) -> set[tuple[str, str]]:
    """What is noted as retracted: (source, id)."""
    cursor = await conn.execute(_RETRACTIONS, [campaign])
    return {(source, id) for source, id in await cursor.fetchall()}


async def unasked(conn: Conn, keys: Collection[str]) -> list[str]:
    """Which of these reasons no message was asked for."""
    cursor = await conn.execute(_MISSING, [list(keys)])
    return [key for (key,) in await cursor.fetchall()]


async def unfounded(conn: Conn, campaign: str) -> list[int]:
    """Messages whose fact is not in the ledger."""
    return [id for (id,) in await (await conn.execute(_UNFOUNDED, [campaign])).fetchall()]


async def sent_twice(conn: Conn, campaign: str) -> list[int]:
    """Messages that went more than once though nobody let them."""
    return [id for (id,) in await (await conn.execute(_SENT_TWICE, [list(LETS_GO_AGAIN), campaign])).fetchall()]


async def astray(conn: Conn) -> list[int]:
    """Numbers in the outbox that no fact of the ledger has."""
    return [seq for (seq,) in await (await conn.execute(_ASTRAY)).fetchall()]


async def _rows(conn: Conn, query: str, campaign: str) -> list[Row]:
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(query, [campaign])
        return await cursor.fetchall()
