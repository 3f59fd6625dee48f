"""Who has a seat at a fair, and who waits for one, in the order in which they signed up.

A seat once given is kept until its candidate takes part no more, whatever becomes of the fair's capacity.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Literal

from psycopg.rows import dict_row

from storage.database import Conn

Place = Literal["seat", "waiting"]
Key = tuple[str, Any, str | None]  # campaign, fair, candidate

# One hands out seats at a time, for all fairs: what two gave at once could be more than there are.
_LOCK = "SELECT pg_advisory_xact_lock(hashtext('yinfeng.places'))"
_TAKE = """
WITH asked AS (
    SELECT * FROM unnest(%b::text[], %b::text[], %b::text[]) WITH ORDINALITY AS a(campaign, fair, candidate, nth)
), fresh AS (
    SELECT a.*, row_number() OVER (PARTITION BY campaign, fair ORDER BY nth) AS rank FROM asked a
    WHERE NOT EXISTS (SELECT FROM places p
                      WHERE (p.campaign, p.fair, p.candidate) = (a.campaign, a.fair, a.candidate))
), taken AS (
    SELECT campaign, fair, count(*) AS seats FROM places
    WHERE NOT waiting AND (campaign, fair) IN (SELECT campaign, fair FROM fresh) GROUP BY campaign, fair
)
INSERT INTO places (campaign, fair, candidate, waiting)
SELECT n.campaign, n.fair, n.candidate, coalesce(coalesce(t.seats, 0) + n.rank > f.capacity, false)
FROM fresh n LEFT JOIN taken t USING (campaign, fair) LEFT JOIN fairs f USING (campaign, fair) ORDER BY n.nth
"""
_OF = """
SELECT campaign, fair, candidate, CASE WHEN waiting THEN 'waiting' ELSE 'seat' END
FROM places JOIN unnest(%b::text[], %b::text[], %b::text[]) AS k(campaign, fair, candidate)
     USING (campaign, fair, candidate)
"""
_AWAITED = """
SELECT f.campaign, f.fair, f.capacity FROM fairs f
WHERE f.starts_at > %s AND NOT f.cancelled
  AND EXISTS (SELECT FROM places p WHERE p.waiting AND (p.campaign, p.fair) = (f.campaign, f.fair))
ORDER BY f.campaign, f.fair
"""
_GIVE_UP = """
DELETE FROM places p
USING (SELECT campaign, candidate, standing, convert_from(state, 'UTF8')::jsonb AS known FROM journeys) j
WHERE p.campaign = %(campaign)s AND p.fair = %(fair)s AND (j.campaign, j.candidate) = (p.campaign, p.candidate)
  AND NOT (j.standing ? 'signed_up' AND coalesce(j.known -> 'fairs' ? p.fair, false)
           AND NOT coalesce((j.known ->> 'erased')::boolean, false))
"""
_MOVE_UP = """
UPDATE places SET waiting = false WHERE seq IN (
    SELECT seq FROM places WHERE campaign = %(campaign)s AND fair = %(fair)s AND waiting ORDER BY seq
    LIMIT (SELECT CASE WHEN %(capacity)s::bigint IS NOT NULL THEN greatest(%(capacity)s::bigint - count(*), 0) END
           FROM places WHERE campaign = %(campaign)s AND fair = %(fair)s AND NOT waiting))
RETURNING seq, candidate
"""


async def take(conn: Conn, keys: Sequence[Key]) -> dict[Key, Place]:
    """Give these candidates a seat, or a place on the waiting list where there is none, in this order.

    Who has a place keeps it. Within a transaction: nobody else hands out seats until it ends.
    """
    if not keys:
        return {}
    await conn.execute(_LOCK)
    await conn.execute(_TAKE, _columns(keys))
    return await of(conn, keys)


async def of(conn: Conn, keys: Collection[Key]) -> dict[Key, Place]:
    """The places of these candidates, as far as they have one."""
    if not keys:
        return {}
    rows = await (await conn.execute(_OF, _columns(keys))).fetchall()
    return {(campaign, fair, candidate): place for campaign, fair, candidate, place in rows}


async def awaited(conn: Conn, now: datetime) -> list[dict[str, Any]]:
    """Fairs to come with somebody on the waiting list: `campaign`, `fair`, `capacity`."""
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_AWAITED, [now])
        return await cursor.fetchall()


async def move_up(conn: Conn, fair: dict[str, Any]) -> list[tuple[int, str]]:
    """Take the seats of those who take part no more, and give what is free to those who waited longest: who they are,
    each with a number that no other place ever had. Within a transaction."""
    await conn.execute(_LOCK)
    await conn.execute(_GIVE_UP, fair)
    return await (await conn.execute(_MOVE_UP, fair)).fetchall()


def _columns(keys: Collection[Key]) -> list[list[Any]]:
    return [[key[n] for key in keys] for n in range(3)]
