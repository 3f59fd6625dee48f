"""Openings, and how many offers stand against their seats."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from psycopg.rows import dict_row

from schemas.journey import Offer
from storage.campaigns import breakdowns
from storage.database import Conn
from storage.journeys.states import read, stands

Row = dict[str, Any]

# Accepted or still open: what was declined, taken back or has expired holds no seat. For as long as breakdowns are not
# whole; they tell it without a look at each journey.
_OFFERED: Final = f"""
SELECT candidate, state FROM journeys WHERE campaign = %s AND candidate > %s AND {stands("offered", "")}
ORDER BY candidate LIMIT %s
"""
_PORTION: Final = 1000  # journeys: others are served between two portions


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
        return await _scanned(conn, campaign, opening, now)
    found = await breakdowns.opening(conn, campaign, opening, now)
    return int(found["taken"] + found["open"]) if found else 0


async def _scanned(conn: Conn, campaign: str, opening: str, now: datetime) -> int:
    count, after = 0, ""
    while rows := await (await conn.execute(_OFFERED, [campaign, after, _PORTION])).fetchall():
        offers = [offer for _, state in rows for offer in read(state).offers.values()]
        count += sum(each.terms is not None and each.terms.opening == opening and _holds(each, now) for each in offers)
        after = rows[-1][0]
    return count


def _holds(offer: Offer, now: datetime) -> bool:
    ends = offer.terms.expires_at if offer.terms else None
    if offer.status.value == "extended":
        return ends is None or datetime.fromisoformat(ends.upper()) > now
    return offer.status.value == "accepted"
