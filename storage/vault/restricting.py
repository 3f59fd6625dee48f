"""Persons who are hidden from readers: noted from their journeys, and left out wherever rows of persons are read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from psycopg.rows import dict_row

from schemas.journey import Restriction
from storage.arrays import columns
from storage.database import Conn
from storage.ledger.ledger import JourneyKey

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NOTE: Final = """
INSERT INTO vault.person AS p (campaign, candidate, restricted_at, restricted_until, restricted_ground)
SELECT * FROM unnest(%s::text[], %s::text[], %s::timestamptz[], %s::date[], %s::text[]) AS u(c, n, at, until, ground)
ORDER BY c COLLATE "C", n COLLATE "C"
ON CONFLICT (campaign, candidate) DO UPDATE SET restricted_at = excluded.restricted_at,
    restricted_until = excluded.restricted_until, restricted_ground = excluded.restricted_ground
"""
_STANDS: Final = """
SELECT restricted_at AS since, restricted_until AS until, restricted_ground AS ground FROM vault.person
WHERE campaign = %s AND candidate = %s AND restricted_at IS NOT NULL
"""
_COUNT: Final = "SELECT count(*) FROM vault.person WHERE campaign = %s AND restricted_at IS NOT NULL"
# Whether the person of {campaign} and {candidate} may be read.
SHOWN: Final = """NOT EXISTS (
    SELECT FROM vault.person hidden WHERE hidden.campaign = {campaign} AND hidden.candidate = {candidate}
      AND hidden.restricted_at IS NOT NULL)"""


async def note(conn: Conn, changes: Mapping[JourneyKey, Restriction | None]) -> None:
    """Who is hidden from now on, and who no longer (None)."""
    if changes:
        await conn.execute(_NOTE, columns(sorted(_row(key, held) for key, held in changes.items()), 5))


async def standing(conn: Conn, campaign: str, candidate: str) -> dict[str, Any] | None:
    """Since when a person is hidden, until which day, on which ground; None for who is not."""
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_STANDS, [campaign, candidate])
        return await cursor.fetchone()


async def count(conn: Conn, campaign: str) -> int:
    """How many of a campaign's persons are hidden."""
    row = await (await conn.execute(_COUNT, [campaign])).fetchone()
    return row[0] if row else 0


def _row(key: JourneyKey, held: Restriction | None) -> tuple[str, str, datetime | None, str | None, str | None]:
    if held is None:
        return (*key, None, None, None)
    at = _EPOCH + timedelta(microseconds=held.at[0])
    return (*key, at, held.until, held.ground)
