"""Targets that are counted beside the work: what stood before they were set, from a snapshot."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from datetime import date
from decimal import Decimal
from typing import Any, Final

from psycopg import IsolationLevel
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from storage.arrays import column
from storage.campaigns import targets
from storage.campaigns.targets import Row, TargetKey
from storage.database import Conn
from storage.journeys.matching import conditions
from storage.journeys.states import since, stands

QUARTER: Final = 15 * 60 * 1_000_000  # microseconds; every time zone's days begin at a quarter of an hour

_MORE_THAN = "SELECT count(*) FROM (SELECT FROM journeys WHERE campaign = %s LIMIT %s) AS found"
_UNCOUNTED = """
INSERT INTO targets AS t (campaign, target, title, measure, goal, due_on, "where", progress, tally)
VALUES (%(campaign)s, %(target)s, %(title)s, %(measure)s, %(goal)s, %(due_on)s, %(where)s, 0, nextval('revisions'))
ON CONFLICT (campaign, target) DO UPDATE
SET title = excluded.title, measure = excluded.measure, goal = excluded.goal, due_on = excluded.due_on,
    "where" = excluded."where", progress = 0, as_of = NULL, tally = excluded.tally,
    revision = nextval('revisions'), updated_at = now()
"""
# Who holds one of these campaigns now: their transactions, as long as they hold it.
_HOLDERS = """
SELECT DISTINCT l.virtualtransaction FROM pg_locks l
JOIN (SELECT hashtextextended(campaign, 0) AS key FROM unnest(%s::text[]) AS k(campaign)) AS wanted
    ON (l.classid::bigint << 32) | l.objid::bigint = wanted.key
WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
_UNDER_WAY = """
SELECT campaign, target, title, measure, goal, due_on, "where", progress, tally FROM targets
WHERE campaign = %s AND tally = ANY(%s) ORDER BY target
"""
_FINISH = """
UPDATE targets SET progress = progress + %s, tally = NULL, revision = nextval('revisions'), updated_at = now()
WHERE campaign = %s AND target = %s AND tally = %s
RETURNING campaign, target, title, measure, goal, due_on, "where", progress
"""
# The journey is looked into only where the milestone stands at all. Both brackets of the division are whole numbers,
# and it rounds down, also before 1970.
_BY_QUARTERS = """
SELECT (j.at - (j.at %% {quarter} + {quarter}) %% {quarter}) / {quarter}, count(*)
FROM (SELECT {since} AS at, state, tags FROM journeys
      WHERE campaign = %(campaign)s AND {stands}) AS j
{where}
GROUP BY 1
"""


async def is_large(conn: Conn, campaign: str, most: int) -> bool:
    """Whether a campaign has more journeys than this."""
    row = await (await conn.execute(_MORE_THAN, [campaign, most + 1])).fetchone()
    return row is not None and row[0] > most


async def put_uncounted(conn: Conn, row: Row) -> None:
    """Store a target's definition. From now on it is added to; what stands already is to be counted."""
    await conn.execute(_UNCOUNTED, {**row, "where": Jsonb(row["where"])})
    await conn.execute("DELETE FROM target_days WHERE campaign = %s AND target = %s", (row["campaign"], row["target"]))


async def due(conn: Conn) -> dict[str, list[int]]:
    """The tallies of the targets that are to be counted, by campaign."""
    cursor = await conn.execute("SELECT campaign, tally FROM targets WHERE tally IS NOT NULL ORDER BY campaign, target")
    found: dict[str, list[int]] = {}
    for campaign, tally in await cursor.fetchall():
        found.setdefault(campaign, []).append(tally)
    return found


async def only_one(conn: Conn, campaign: str) -> bool:
    """Whether nobody else counts this campaign; nobody will as long as this connection lives."""
    cursor = await conn.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 1))", [campaign])
    row = await cursor.fetchone()
    return row is not None and bool(row[0])


async def holders(conn: Conn, campaigns: Collection[str]) -> set[str]:
    """The transactions that hold one of these campaigns now, by name."""
    cursor = await conn.execute(_HOLDERS, [column(sorted(campaigns))])
    return {name for (name,) in await cursor.fetchall()}


async def under_way(
    conn: Conn, campaign: str, wanted: Collection[int]
) -> tuple[list[Row], dict[TargetKey, dict[date, Decimal]]]:
    """Those of a campaign's targets that still have one of these tallies, and what was added to each day of its
    targets, as both stand in this snapshot."""
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_UNDER_WAY, [campaign, list(wanted)])
        rows = await cursor.fetchall()
    return rows, await targets.days_of(conn, [campaign])


async def hold_snapshot(conn: Conn) -> None:
    """Within a transaction that has just begun: from here on, see what is committed now, and nothing later."""
    await conn.execute("SELECT 1")


@asynccontextmanager
async def one_snapshot(conn: Conn) -> AsyncIterator[None]:
    """In a transaction that sees one snapshot from its first statement on."""
    await conn.set_isolation_level(IsolationLevel.REPEATABLE_READ)
    async with conn.transaction():
        yield
    await conn.set_isolation_level(None)


async def by_quarters(
    conn: Conn, campaign: str, measure: str, attributes: Mapping[str, frozenset[str]], fairs: frozenset[str] | None
) -> dict[int, int]:
    """How many candidates stand at a milestone, by the quarter hour (since 1970) of its earliest evidence.

    Of those alone whose attributes are among these values (as text), and who signed up for or came to one of the fairs.
    """
    matching, values = conditions(attributes, fairs)
    where = f"WHERE {' AND '.join(matching)}" if matching else ""
    query = _BY_QUARTERS.format(quarter=QUARTER, since=since(measure, ""), stands=stands(measure, ""), where=where)
    cursor = await conn.execute(query.encode(), {**values, "campaign": campaign})
    return dict(await cursor.fetchall())


async def finish(conn: Conn, key: TargetKey, tally: int, days: Mapping[date, Decimal]) -> tuple[Row, Decimal] | None:
    """Add to a target, day by day, what is missing: its number is whole. Returns its row as it is defined now, and the
    number; None when it was withdrawn or set to count otherwise meanwhile, so that this count is of no use."""
    total = sum(days.values(), Decimal(0))
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_FINISH, [total, *key, tally])
        row: dict[str, Any] | None = await cursor.fetchone()
    if row is None:
        return None
    await targets.add_days(conn, {key: days})
    return row, row["progress"]
