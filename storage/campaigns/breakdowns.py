"""How many of a campaign's candidates stand where, by one thing that is known of them: moved by the fold's transaction,
counted from the journeys where an earlier version had none."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from storage.arrays import columns
from storage.database import Conn

CellKey = tuple[str, str, str, str]  # campaign, dimension, value, standing

# In the order of the key, so that two transactions can't wait for each other.
_ADD: Final = """
INSERT INTO breakdowns AS b (campaign, dimension, value, standing, number)
SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::bigint[])
ON CONFLICT (campaign, dimension, value, standing) DO UPDATE SET number = b.number + excluded.number
"""
# What an empty name stands for is every campaign that has journeys: one look at the index for each.
_NAME_ALL: Final = """
WITH RECURSIVE names AS (
    (SELECT campaign FROM journeys ORDER BY campaign LIMIT 1)
    UNION ALL
    SELECT (SELECT j.campaign FROM journeys j WHERE j.campaign > n.campaign ORDER BY j.campaign LIMIT 1)
    FROM names n WHERE n.campaign IS NOT NULL
), gone AS (DELETE FROM breakdown_counts WHERE campaign = '' AND due_at <= now() RETURNING due_at)
INSERT INTO breakdown_counts (campaign, due_at)
SELECT n.campaign, g.due_at FROM names n, gone g WHERE n.campaign IS NOT NULL ON CONFLICT DO NOTHING
"""
_ANY: Final = "SELECT FROM breakdown_counts WHERE due_at <= now() LIMIT 1"
_DUE: Final = (
    "SELECT DISTINCT campaign FROM breakdown_counts WHERE due_at <= now() AND campaign <> '' ORDER BY campaign"
)
_IS_ANY: Final = "SELECT FROM breakdown_counts WHERE due_at <= now() LIMIT 1"
_DUE: Final = "SELECT EXISTS (SELECT FROM breakdown_counts WHERE campaign IN ('', %s) AND due_at <= now())"
_DONE: Final = "DELETE FROM breakdown_counts WHERE campaign = %s AND due_at <= %s"
_CELLS: Final = "SELECT dimension, value, standing, number FROM breakdowns WHERE campaign = %s AND number <> 0"


async def add(conn: Conn, moved: Mapping[CellKey, int]) -> None:
    """Add to cells."""
    rows = sorted((*key, number) for key, number in moved.items() if number)
    if rows:
        await conn.execute(_ADD, columns(rows, 5))


async def due(conn: Conn) -> list[str]:
    """The campaigns whose breakdowns are to be counted now."""
    if await (await conn.execute(_ANY)).fetchone() is None:
        return []
    await conn.execute(_NAME_ALL)
    return [campaign for (campaign,) in await (await conn.execute(_DUE)).fetchall()]


async def is_due(conn: Conn, campaign: str) -> bool:
    """Whether this campaign's breakdowns are not whole as yet."""
    row = await (await conn.execute(_IS_DUE, [campaign])).fetchone()
    return row is not None and bool(row[0])


async def only_one(conn: Conn, campaign: str) -> bool:
    """Whether nobody else counts this campaign's breakdowns; nobody will as long as this connection lives."""
    row = await (await conn.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 2))", [campaign])).fetchone()
    return row is not None and bool(row[0])


async def begin(conn: Conn, campaign: str) -> datetime:
    """Begin to count: what was added so far is in the snapshot that is to be taken before this transaction ends. Needs
    the campaign's exclusive lock. Returns now."""
    await conn.execute("DELETE FROM breakdowns WHERE campaign = %s", [campaign])
    row = await (await conn.execute("SELECT now()")).fetchone()
    assert row
    at: datetime = row[0]
    return at


async def finish(conn: Conn, campaign: str, began: datetime, counted: Mapping[CellKey, int]) -> None:
    """Add what stood before: the breakdowns are whole."""
    await add(conn, counted)
    await conn.execute(_DONE, [campaign, began])


async def stored(conn: Conn, campaign: str) -> dict[tuple[str, str, str], int]:
    """Every cell of a campaign in which somebody counts."""
    rows: list[tuple[Any, ...]] = await (await conn.execute(_CELLS, [campaign])).fetchall()
    return {(dimension, value, standing): number for dimension, value, standing, number in rows}
