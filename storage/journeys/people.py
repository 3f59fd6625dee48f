"""The list of a campaign's candidates, by id. Who is restricted is not on it, and has no name."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from psycopg.rows import dict_row

from storage.database import Conn
from storage.vault.restricting import SHOWN

Row = dict[str, Any]

_SHOWN: Final = SHOWN.format(campaign="j.campaign", candidate="j.candidate")
# A journey that an earlier version stored last has the name itself.
_NAMES: Final = f"""
SELECT j.candidate, coalesce(p.name, j.name) FROM journeys j LEFT JOIN vault.person p USING (campaign, candidate)
WHERE j.campaign = %s AND j.candidate = ANY(%s) AND coalesce(p.name, j.name) IS NOT NULL AND {_SHOWN}
"""

_LISTED: Final = f"""
SELECT j.candidate, coalesce(p.name, j.name) AS name, j.standing, j.updated_at
FROM journeys j LEFT JOIN vault.person p USING (campaign, candidate)
WHERE j.campaign = %(campaign)s AND j.candidate > %(after)s AND {_SHOWN}
  AND (%(stage)s::text IS NULL OR j.standing ? %(stage)s)
  AND (%(words)s::text IS NULL OR coalesce(p.name, j.name) ILIKE %(words)s OR j.candidate ILIKE %(words)s)
ORDER BY j.candidate LIMIT %(limit)s
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
        _NAMES,
        [campaign, list(candidates)],
    )
    return dict(await cursor.fetchall())


def _escaped(words: str) -> str:
    return words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
