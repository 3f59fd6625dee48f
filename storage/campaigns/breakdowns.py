"""How many of a campaign's candidates stand where, by one thing that is known of them: moved by the fold's transaction,
counted from the journeys where an earlier version had none."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final

from psycopg.rows import dict_row

from schemas.fields import FUNNEL
from storage.arrays import columns
from storage.campaigns import reads
from storage.database import Conn
from storage.together import Statement

Row = dict[str, Any]

Cells = Mapping[tuple[str, str, str], int]  # (dimension, value, standing) → how many

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
_IS_DUE: Final = "SELECT EXISTS (SELECT FROM breakdown_counts WHERE campaign IN ('', %s) AND due_at <= now())"
_DONE: Final = "DELETE FROM breakdown_counts WHERE campaign = %s AND due_at <= %s"
_CELLS: Final = "SELECT dimension, value, standing, number FROM breakdowns WHERE campaign = %s AND number <> 0"

_OF: Final = "SELECT value, standing, number FROM breakdowns WHERE campaign = %s AND dimension = %s AND number <> 0"
_SUMS: Final = ", ".join(
    f"coalesce(sum(number) FILTER (WHERE standing = ANY('{{{','.join(FUNNEL[nth:])}}}')), 0)::bigint AS {step}"
    for nth, step in enumerate(FUNNEL)
)
_FUNNEL: Final = f"SELECT {_SUMS} FROM breakdowns WHERE campaign = %(campaign)s AND dimension = 'all'"
_BY: Final = f"""
SELECT value, {_SUMS} FROM breakdowns WHERE campaign = %(campaign)s AND dimension = %(dimension)s AND number <> 0
GROUP BY value ORDER BY hired DESC, offered DESC, signed_up DESC, value LIMIT %(limit)s
"""
_OF_ONE: Final = f"""
SELECT {_SUMS} FROM breakdowns
WHERE campaign = %(campaign)s AND dimension = %(dimension)s AND value = %(value)s
"""
# What is extended and expired by now is not open any more.
_OFFERS: Final = """
WITH said AS (
    SELECT value AS employer, standing, number FROM breakdowns WHERE campaign = %(campaign)s AND dimension = 'offer'
    UNION ALL
    SELECT substr(value, 10), 'expired', number FROM breakdowns
    WHERE campaign = %(campaign)s AND dimension = 'expiry' AND value < %(hour)s
)
SELECT employer, coalesce(sum(number) FILTER (WHERE standing = 'accepted'), 0)::bigint AS accepted,
       coalesce(sum(number) FILTER (WHERE standing = 'declined'), 0)::bigint AS declined,
       coalesce(sum(number) FILTER (WHERE standing = 'rescinded'), 0)::bigint AS rescinded,
       coalesce(sum(number) FILTER (WHERE standing = 'expired'), 0)::bigint AS expired,
       (coalesce(sum(number) FILTER (WHERE standing = 'extended'), 0)
        - coalesce(sum(number) FILTER (WHERE standing = 'expired'), 0))::bigint AS open
FROM said GROUP BY employer HAVING sum(number) <> 0
ORDER BY sum(number) FILTER (WHERE standing <> 'expired') DESC, employer
"""
_AT_RISK: Final = """
SELECT coalesce(sum(number), 0) FROM breakdowns WHERE campaign = %s AND dimension = 'start' AND value < %s
"""
_FAIRS: Final = f"""
WITH sums AS (
    SELECT value AS fair, {_SUMS} FROM breakdowns WHERE campaign = %(campaign)s AND dimension = 'fair' GROUP BY value
)
SELECT f.fair, f.title, f.city, f.cost, f.cancelled, f.starts_at, coalesce(s.signed_up, 0) AS signed_up,
       coalesce(c.number, 0) AS came, coalesce(s.offered, 0) AS offered, coalesce(s.hired, 0) AS hired
FROM fairs f LEFT JOIN sums s USING (fair)
LEFT JOIN breakdowns c ON (c.campaign, c.dimension, c.value, c.standing) = (f.campaign, 'came', f.fair, 'attended')
WHERE f.campaign = %(campaign)s
ORDER BY hired DESC, offered DESC, came DESC, signed_up DESC, f.starts_at, f.fair LIMIT %(limit)s
"""
# What is extended and expired by now holds no seat any more.
_OPENINGS: Final = """
WITH lapsed AS (
    SELECT substr(value, 10) AS opening, sum(number)::bigint AS number FROM breakdowns
    WHERE campaign = %(campaign)s AND dimension = 'lapse' AND value < %(hour)s GROUP BY 1
)
SELECT o.opening, o.employer, o.position, o.seats, coalesce(a.number, 0) AS taken,
       coalesce(e.number, 0) - coalesce(l.number, 0) AS open
FROM openings o LEFT JOIN lapsed l USING (opening)
LEFT JOIN breakdowns a
    ON (a.campaign, a.dimension, a.value, a.standing) = (o.campaign, 'opening', o.opening, 'accepted')
LEFT JOIN breakdowns e
    ON (e.campaign, e.dimension, e.value, e.standing) = (o.campaign, 'opening', o.opening, 'extended')
WHERE o.campaign = %(campaign)s AND {which} ORDER BY o.employer, o.position, o.opening LIMIT %(limit)s
"""


async def add(conn: Conn, moved: Mapping[str, Cells]) -> None:
    """Add to the cells of campaigns."""
    if (add := addition(moved)).query:
        await conn.execute(add.query, add.values)


def addition(moved: Mapping[str, Cells]) -> Statement:
    """The same as a statement."""
    rows = sorted((campaign, *cell, number) for campaign, cells in moved.items() for cell, number in cells.items())
    rows = [row for row in rows if row[4]]
    return Statement(_ADD, columns(rows, 5)) if rows else Statement()


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


async def finish(conn: Conn, campaign: str, began: datetime, counted: Mapping[str, Cells]) -> None:
    """Add what stood before: the breakdowns are whole."""
    await add(conn, counted)
    await conn.execute(_DONE, [campaign, began])


async def stored(conn: Conn, campaign: str) -> dict[tuple[str, str, str], int]:
    """Every cell of a campaign in which somebody counts."""
    rows: list[tuple[Any, ...]] = await (await conn.execute(_CELLS, [campaign])).fetchall()
    return {(dimension, value, standing): number for dimension, value, standing, number in rows}


async def funnel(conn: Conn, campaign: str) -> dict[str, int]:
    """How many stand at each milestone now, from signup to hire. While breakdowns are not whole the journeys tell."""
    if await is_due(conn, campaign):
        return await reads.scanned_funnel(conn, campaign)
    found = await _rows(conn, _FUNNEL, {"campaign": campaign})
    return {step: int(found[0][step]) for step in FUNNEL}


async def by(conn: Conn, campaign: str, dimension: str, *, limit: int) -> list[Row]:
    """The values of a dimension, those with the most hires first, then the most signups: value, and how many stand at
    each milestone."""
    return await _rows(conn, _BY, {"campaign": campaign, "dimension": dimension, "limit": limit})


async def days(conn: Conn, campaign: str) -> dict[str, dict[int, int]]:
    """For each milestone how many were so many days after the one before, as far as both were seen."""
    found: dict[str, dict[int, int]] = {}
    cursor = await conn.execute(_OF, [campaign, "days"])
    for value, step, number in await cursor.fetchall():
        found.setdefault(step, {})[int(value)] = number
    return found


async def offers(conn: Conn, campaign: str, now: datetime) -> list[Row]:
    """Offers by employer, those with the most first: accepted, declined, rescinded, open, and expired by now."""
    return await _rows(conn, _OFFERS, {"campaign": campaign, "hour": _hour_after(now)})


async def at_risk(conn: Conn, campaign: str, today: date) -> int:
    """How many accepted and were to have started before today."""
    row = await (await conn.execute(_AT_RISK, [campaign, today.isoformat()])).fetchone()
    return int(row[0]) if row else 0


async def fairs(conn: Conn, campaign: str, *, limit: int) -> list[Row]:
    """A campaign's fairs by what came of them: fair, title, city, cost, cancelled, starts_at; signed_up, came, offered
    and hired: people who signed up for it or came to it."""
    return await _rows(conn, _FAIRS, {"campaign": campaign, "limit": limit})


async def openings(conn: Conn, campaign: str, now: datetime, *, of: str | None = None, limit: int) -> list[Row]:
    """A campaign's openings by employer, those `of` one of them alone: opening, employer, position, seats, how many are
    taken, and how many offers are open."""
    values = {"campaign": campaign, "employer": of, "hour": _hour_after(now), "limit": limit}
    which = "true" if of is None else "o.employer = %(employer)s"
    return await _rows(conn, _OPENINGS.format(which=which), values)


async def opening(conn: Conn, campaign: str, opening: str, now: datetime) -> Row | None:
    """One of them."""
    values = {"campaign": campaign, "opening": opening, "hour": _hour_after(now), "limit": 1}
    found = await _rows(conn, _OPENINGS.format(which="o.opening = %(opening)s"), values)
    return found[0] if found else None


async def of_one(conn: Conn, campaign: str, dimension: str, value: str) -> dict[str, int]:
    """How many stand at each milestone, of one value of a dimension."""
    return (await _rows(conn, _OF_ONE, {"campaign": campaign, "dimension": dimension, "value": value}))[0]


async def of_employer(conn: Conn, campaign: str, employer: str) -> dict[str, int]:
    """How many an employer interviewed, offered, were accepted by and hired."""
    return await of_one(conn, campaign, "employer", employer)


def _hour_after(now: datetime) -> str:
    """What ends before it, as cells say when something ends, is over."""
    return f"{int(now.timestamp()) // 3600 + 1:08}"


async def _rows(conn: Conn, query: str, values: Mapping[str, Any]) -> list[Row]:
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(query.encode(), values)
        return await cursor.fetchall()
