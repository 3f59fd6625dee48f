"""What a target counts, and what changed it, read from the ledger within one snapshot."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from psycopg.rows import dict_row

from schemas.facts import Fact
from schemas.fields import FUNNEL
from storage.arrays import column
from storage.database import Conn
from storage.journeys.matching import conditions, has_paid
from storage.journeys.states import stands
from storage.ledger.events import WHOLE, read_event

Row = dict[str, Any]
Numbered = tuple[int, Fact]  # the number in the ledger, which grows with each fact received

_TARGET = """
SELECT campaign, target, title, measure, goal, due_on, "where", progress, as_of, tally IS NOT NULL AS counting, revision
FROM targets WHERE campaign = %s AND target = %s
"""
_PORTION = """
SELECT j.candidate FROM journeys j WHERE j.campaign = %(campaign)s AND j.candidate > %(after)s AND {conditions}
ORDER BY j.candidate LIMIT %(limit)s
"""
_SEQ_AT = "SELECT seq, received_at >= %s FROM facts WHERE seq >= %s ORDER BY seq LIMIT 1"
_LAST_SEQ = "SELECT coalesce(max(seq), 0) FROM facts"
# A retraction may name a fact without naming whom it is about.
_TOUCHED = """
SELECT candidate FROM (
    SELECT f.candidate FROM facts f
    WHERE f.seq >= %(first)s AND f.seq < %(end)s AND f.campaign = %(campaign)s AND f.candidate IS NOT NULL
    UNION
    SELECT o.candidate FROM facts r
    JOIN facts o ON o.source = r.event->'data'->>'source' AND o.id = r.event->'data'->>'id'
    WHERE r.seq >= %(first)s AND r.seq < %(end)s AND r.campaign = %(campaign)s AND r.type = 'fact.retracted'
      AND o.campaign = r.campaign AND o.candidate IS NOT NULL
) AS named ORDER BY candidate LIMIT %(limit)s
"""
_NUMBERED = f"""
SELECT f.seq, f.candidate, {WHOLE} FROM facts f
WHERE f.campaign = %s AND f.candidate = ANY(%s::text[]) AND NOT EXISTS (SELECT FROM pending p WHERE p.seq = f.seq)
ORDER BY f.seq
"""
_NAMELESS = f"""
SELECT f.seq, {WHOLE} FROM facts f
WHERE f.campaign = %s AND f.candidate IS NULL AND f.type = ANY(%s::text[])
  AND NOT EXISTS (SELECT FROM pending p WHERE p.seq = f.seq)
ORDER BY f.seq
"""


@asynccontextmanager
async def snapshot(conn: Conn) -> AsyncIterator[None]:
    """Let all that is read within see the same moment."""
    async with conn.transaction():
        await conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


async def target(conn: Conn, campaign: str, name: str) -> Row | None:
    """A target as it is stored, with its number; `counting`: which is not whole as yet. None where there is none."""
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_TARGET, [campaign, name])
        return await cursor.fetchone()


async def perhaps_counted(conn: Conn, target: Row, *, after: str = "", limit: int) -> list[str]:
    """Candidates by id who stand where the target counts: all whom it counts, and some whom it does not."""
    measure = target["measure"]
    reached = stands(measure) if measure in FUNNEL else has_paid()
    return await _people(conn, target, [reached], after=after, limit=limit)


async def almost_counted(conn: Conn, target: Row, *, limit: int) -> list[str]:
    """Candidates by id who fulfil the target's `where` and stand at the step before the one that it counts."""
    measure = target["measure"]
    if measure not in FUNNEL[1:]:
        return []
    reached = [stands(FUNNEL[FUNNEL.index(measure) - 1]), f"NOT {stands(measure)}"]
    return await _people(conn, target, reached, limit=limit)


async def _people(conn: Conn, target: Row, reached: list[str], *, after: str = "", limit: int) -> list[str]:
    where: Mapping[str, list[Any]] = target["where"] or {}
    sets = {key: sorted(map(str, wanted)) for key, wanted in where.items()}
    fairs, employers = sets.pop("fair", None), sets.pop("employer", None)
    matching, values = conditions(sets, fairs)
    asked: dict[str, Any] = {**values, "campaign": target["campaign"]}
    if employers is not None:
        matching.append("j.employers::text[] && %(employers)s::text[]")
        asked["employers"] = employers
    query = _PORTION.format(conditions=" AND ".join([*reached, *matching]))
    cursor = await conn.execute(query.encode(), {**asked, "after": after, "limit": limit})
    return [candidate for (candidate,) in await cursor.fetchall()]


async def first_received(conn: Conn, moment: datetime) -> int:
    """The number of the first fact that was received at this moment or later; one past the last where there is none."""
    row = await (await conn.execute(_LAST_SEQ)).fetchone()
    low, high = 1, (row[0] if row else 0) + 1
    while low < high:
        middle = (low + high) // 2
        found = await (await conn.execute(_SEQ_AT, [moment, middle])).fetchone()
        if found is None or found[1]:
            high = middle
        else:
            low = found[0] + 1
    return low


async def touched(conn: Conn, campaign: str, first: int, end: int, *, limit: int) -> list[str]:
    """Candidates by id about whom something was said or taken back, from one number of the ledger to before another."""
    cursor = await conn.execute(_TOUCHED, {"campaign": campaign, "first": first, "end": end, "limit": limit})
    return [candidate for (candidate,) in await cursor.fetchall()]


async def facts_of(conn: Conn, campaign: str, candidates: Collection[str]) -> dict[str, list[Numbered]]:
    """All applied facts of these candidates, with their numbers; retracted ones and retractions among them."""
    found: dict[str, list[Numbered]] = {candidate: [] for candidate in candidates}
    cursor = await conn.execute(_NUMBERED, [campaign, column(sorted(found))])
    for seq, candidate, event in await cursor.fetchall():
        found[candidate].append((seq, read_event(event)))
    return found


async def facts_of_nobody(conn: Conn, campaign: str, types: Collection[str]) -> list[Numbered]:
    """A campaign's applied facts of these types that name no candidate, with their numbers."""
    cursor = await conn.execute(_NAMELESS, [campaign, column(sorted(types))])
    return [(seq, read_event(event)) for seq, event in await cursor.fetchall()]
