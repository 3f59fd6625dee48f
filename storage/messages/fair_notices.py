"""Fairs to come, what those who signed up were last told of them, and who they are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from schemas.access import CONSOLE
from schemas.forms import UNDO_UNTIL
from storage.database import Conn
from storage.journeys import states
from storage.journeys.tags import tag

FAIR_TYPES: Final = ["fair.scheduled", "fair.cancelled"]

# Locked, so that of several workers one looks at a time.
_TURN = "SELECT pg_try_advisory_xact_lock(hashtext('yinfeng.fair_notices'))"
_UPCOMING = """
SELECT f.*, c.timezone, n.told, coalesce(n.notices, 0) AS notices, coalesce(n.reminded, '{}') AS reminded FROM fairs f
LEFT JOIN campaigns c USING (campaign)
LEFT JOIN fair_notices n USING (campaign, fair)
WHERE f.ends_at > %(now)s AND NOT EXISTS (
    SELECT FROM facts u WHERE u.campaign = f.campaign AND u.candidate IS NULL AND u.type = ANY(%(types)s)
      AND u.event->'data'->>'fair' = f.fair
      AND CASE WHEN u.source = %(console)s THEN (u.event->>%(until)s)::timestamptz > %(now)s ELSE false END
      AND NOT EXISTS (SELECT FROM retractions r WHERE (r.campaign, r.source, r.id) = (u.campaign, u.source, u.id)))
ORDER BY f.starts_at
"""
_NOTE = """
INSERT INTO fair_notices AS n (campaign, fair, told, reminded, notices) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (campaign, fair) DO UPDATE
SET told = excluded.told, reminded = excluded.reminded, notices = n.notices + excluded.notices
"""
# Who came has the tag as well.
_SIGNED_UP = """
SELECT candidate, state FROM journeys
WHERE campaign = %s AND candidate > %s AND (tags @> ARRAY[%s::varchar] OR tagged IS DISTINCT FROM version)
ORDER BY candidate LIMIT %s
"""
_PORTION = 1000  # journeys: others are served between two portions


async def take_turn(conn: Conn) -> bool:
    """Whether this worker is to look, until its transaction ends; False while another one does."""
    row = await (await conn.execute(_TURN)).fetchone()
    return bool(row and row[0])


async def upcoming(conn: Conn, now: datetime) -> list[dict[str, Any]]:
    """Fairs that have not ended, each with its campaign's `timezone`, `told` (None: nothing yet), `notices` and
    `reminded`. Those are left out of which something was said that may still be undone."""
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_UPCOMING, {"now": now, "types": FAIR_TYPES, "until": UNDO_UNTIL, "console": CONSOLE})
        return await cursor.fetchall()


async def note(
    conn: Conn, campaign: str, fair: str, told: dict[str, Any], reminded: Sequence[str], *, changed: bool
) -> None:
    """Keep what was told of a fair; `changed`: that it changed was told now."""
    await conn.execute(_NOTE, [campaign, fair, Jsonb(told), list(reminded), int(changed)])


async def signed_up(conn: Conn, campaign: str, fair: str) -> list[str]:
    """The candidates who ever signed up for a fair."""
    found: list[str] = []
    after = ""
    while rows := await (await conn.execute(_SIGNED_UP, [campaign, after, tag("fair", fair), _PORTION])).fetchall():
        found += [candidate for candidate, state in rows if fair in states.read(state).fairs]
        after = rows[-1][0]
    return found
