"""Openings, and how many offers stand against their seats."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from psycopg.rows import dict_row

from storage.campaigns import breakdowns
from storage.database import Conn

Row = dict[str, Any]

# Accepted or still open: what was declined, taken back or has expired holds no seat. For as long as breakdowns are not
# whole; they tell it without a look at each journey.
_SCANNED: Final = """
SELECT count(*) FROM journeys j
CROSS JOIN LATERAL jsonb_each(convert_from(j.state, 'UTF8')::jsonb->'offers') AS o(id, offer)
WHERE j.campaign = %(campaign)s AND j.standing ? 'offered' AND offer->'terms'->>'opening' = %(opening)s
  AND (offer->'status'->>'value' = 'accepted'
       OR offer->'status'->>'value' = 'extended'
          AND coalesce((offer->'terms'->>'expires_at')::timestamptz > now(), true))
"""


async def fetch(conn: Conn, campaign: str, opening: str) -> Row | None:
    """An opening: employer, position, seats."""
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(
            "SELECT opening, employer, position, seats FROM openings WHERE campaign = %s AND opening = %s",
            [campaign, opening],
        )
        return await cursor.fetchone()


async def offers_standing(conn: Conn, campaign: str, opening: str, now: datetime) -> int:
    """How many offers for an opening are accepted, or may yet be."""
    if await breakdowns.is_due(conn, campaign):
        row = await (await conn.execute(_SCANNED, {"campaign": campaign, "opening": opening})).fetchone()
        return int(row[0]) if row else 0
    found = await breakdowns.opening(conn, campaign, opening, now)
    return int(found["taken"] + found["open"]) if found else 0
