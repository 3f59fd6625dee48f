"""What the audit compares with the facts: every derived row as it is stored."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import msgspec
from psycopg.rows import dict_row

from schemas.journey import Journey, Stamp
from storage.database import Conn
from storage.messages.transitions import LETS_GO_AGAIN

Row = dict[str, Any]

_JOURNEYS = """
SELECT candidate, state, name, standing, employers, drawn IS DISTINCT FROM version, s.fairs, s.stamps
FROM journeys j LEFT JOIN LATERAL (
    SELECT array_agg(fair ORDER BY fair) AS fairs, jsonb_agg(jsonb_build_array(at, source, id) ORDER BY fair) AS stamps
    FROM seats WHERE (campaign, candidate) = (j.campaign, j.candidate) AND at IS NOT NULL) s ON true
WHERE campaign = %s ORDER BY candidate COLLATE "C"
"""
_CAMPAIGN = """
SELECT title, organizer, kind, starts_on, ends_on, timezone, locale, closed FROM campaigns WHERE campaign = %s
"""
_FAIRS = """
SELECT fair, title, mode, starts_at, ends_at, venue, city, url, capacity, employers, cost, cancelled, reason, changes
FROM fairs WHERE campaign = %s
"""
# Drawn anew from who stands in line, which is compared journey by journey, and the fair's capacity.
_CUT = """
WITH lined AS (
    SELECT s.fair, s.candidate, s.waiting, f.capacity,
           row_number() OVER (PARTITION BY s.fair ORDER BY s.at, s.source COLLATE "C", s.id COLLATE "C") AS nth
    FROM seats s LEFT JOIN fairs f USING (campaign, fair) WHERE s.campaign = %(campaign)s AND s.at IS NOT NULL
)
SELECT fair, candidate, waiting FROM lined WHERE waiting <> coalesce(nth > capacity, false) ORDER BY fair, nth
"""
_FULL = """
SELECT fair, s.capacity, s.kept, s.waiting, f.capacity, coalesce(n.kept, 0), coalesce(n.waiting, 0)
FROM (SELECT * FROM fair_seats WHERE campaign = %(campaign)s) s
FULL JOIN (SELECT fair, capacity FROM fairs WHERE campaign = %(campaign)s AND capacity IS NOT NULL) f USING (fair)
LEFT JOIN (SELECT fair, count(*) FILTER (WHERE NOT waiting) AS kept, count(*) FILTER (WHERE waiting) AS waiting
           FROM seats WHERE campaign = %(campaign)s AND at IS NOT NULL GROUP BY fair) n USING (fair)
ORDER BY fair
"""
_STRAY = """
SELECT fair, candidate FROM seats s WHERE campaign = %(campaign)s AND at IS NOT NULL
  AND NOT EXISTS (SELECT FROM journeys j WHERE (j.campaign, j.candidate) = (s.campaign, s.candidate))
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
    """A row of journeys: the journey, and what is drawn from it for those who only read; where its candidate stands in
    the lines of fairs. `behind`: another version of Yinfeng wrote it, it waits to be drawn anew."""

    journey: Journey
    name: str | None
    standing: dict[str, int]
    employers: list[str]
    behind: bool = False
    seats: Mapping[str, Stamp] = field(default_factory=dict)


async def journeys(conn: Conn, campaign: str) -> AsyncIterator[tuple[str, StoredJourney]]:
    """Every (candidate, row) of a campaign by candidate, read in portions. Call it inside a transaction."""
    async with conn.cursor(name="audited_journeys") as cursor:
        cursor.itersize = 2000
        await cursor.execute(_JOURNEYS, [campaign])
        async for candidate, state, name, standing, employers, behind, fairs, stamps in cursor:
            seats = {fair: (at, source, id) for fair, (at, source, id) in zip(fairs or (), stamps or (), strict=True)}
            yield candidate, StoredJourney(_decode(state), name, standing, employers, behind, seats)


async def campaign_row(conn: Conn, campaign: str) -> Row | None:
    """The particulars of a campaign."""
    rows = await _rows(conn, _CAMPAIGN, campaign)
    return rows[0] if rows else None


async def fairs(conn: Conn, campaign: str) -> dict[str, Row]:
    """A campaign's fairs."""
    return {row["fair"]: row for row in await _rows(conn, _FAIRS, campaign)}


async def seats(conn: Conn, campaign: str) -> list[str]:
    """What of a campaign's seats does not follow from who is in line and from the capacities, in words."""
    values = {"campaign": campaign}
    cut = await (await conn.execute(_CUT, values)).fetchall()
    full = await (await conn.execute(_FULL, values)).fetchall()
    stray = await (await conn.execute(_STRAY, values)).fetchall()
    return [
        *(f"{fair}: {who} {'waits' if waiting else 'has a seat'}, and should not" for fair, who, waiting in cut),
        *(f"{fair}: stored {row[:3]} but there are {row[3:]} seats, kept and waiting"
          for fair, *row in full if row[:3] != row[3:]),
        *(f"{fair}: {who} is in line without a journey" for fair, who in stray),
    ]  # fmt: skip


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
