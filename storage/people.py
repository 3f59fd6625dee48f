"""The list of a campaign's candidates, by id."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from psycopg.rows import dict_row

from storage.database import Conn

Row = dict[str, Any]

_LISTED: Final = """
SELECT candidate, name, standing, updated_at FROM journeys
WHERE campaign = %(campaign)s AND candidate > %(after)s
  AND (%(stage)s::text IS NULL OR standing ? %(stage)s)
  AND (%(words)s::text IS NULL OR name ILIKE %(words)s OR candidate ILIKE %(words)s)
ORDER BY candidate LIMIT %(limit)s
"""


async def listed(
    conn: Conn, campaign: str, *, words: str | None = None, stage: str | None = None, after: str = "", limit: int
) -> list[Row]:
    """Candidates whose name or id contains these words, who stand at this milestone: candidate, name, standing."""
    pattern = f"%{_escaped(words)}%" if words else None
    values = {"campaign": campaign, "after": after, "stage": stage, "words": pattern, "limit": limit}
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_LISTED, values)
        return await cursor.fetchall()


async def names(conn: Conn, campaign: str, candidates: Collection[str]) -> dict[str, str]:
    """What these candidates are called, where that is known."""
    cursor = await conn.execute(
        "SELECT candidate, name FROM journeys WHERE campaign = %s AND candidate = ANY(%s) AND name IS NOT NULL",
        [campaign, list(candidates)],
    )
    return dict(await cursor.fetchall())


def _escaped(words: str) -> str:
    return words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
