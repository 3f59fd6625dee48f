"""What the dashboard reads: campaigns, their targets and days, fairs, openings, the funnel. Nothing is written here.

Lists are read by keyset: `after` is the last key of the page before, so that no row is told twice or left out
when others come in between.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from psycopg.rows import dict_row

from schemas.fields import FUNNEL
from storage.arrays import column
from storage.database import Conn
from storage.journeys.states import stands

Row = dict[str, Any]

# A campaign may have targets before it is opened: facts come in any order.
_PARTICULARS = """
SELECT n.campaign, coalesce(c.title, n.campaign) AS title, c.campaign IS NOT NULL AS opened, c.organizer, c.kind,
       c.starts_on, c.ends_on, coalesce(c.timezone, 'Asia/Shanghai') AS timezone,
       coalesce(c.locale, 'zh-CN') AS locale, coalesce(c.closed, false) AS closed,
       c.reply_to, c.contact, coalesce(c.signup, 'open') AS signup
"""
_CAMPAIGNS = (
    "WITH n AS (SELECT campaign FROM campaigns UNION SELECT campaign FROM targets)"
    + _PARTICULARS
    + " FROM n LEFT JOIN campaigns c USING (campaign) WHERE n.campaign > %s"
    + " AND (%b::text[] IS NULL OR n.campaign = ANY(%b::text[])) ORDER BY n.campaign LIMIT %s"
)
_CAMPAIGN = (
    "WITH n AS (SELECT %(campaign)s::text AS campaign)"
    + _PARTICULARS
    + """
FROM n LEFT JOIN campaigns c USING (campaign)
WHERE c.campaign IS NOT NULL
   OR EXISTS (SELECT FROM targets WHERE campaign = %(campaign)s)
   OR EXISTS (SELECT FROM journeys WHERE campaign = %(campaign)s)
   OR EXISTS (SELECT FROM fairs WHERE campaign = %(campaign)s)
   OR EXISTS (SELECT FROM openings WHERE campaign = %(campaign)s)
   OR EXISTS (SELECT FROM employers WHERE campaign = %(campaign)s)
"""
)
_TARGETS = """
SELECT campaign, target, title, measure, goal, progress, due_on, "where", tally IS NOT NULL AS counting, revision
FROM targets
"""
_ALL_TARGETS = """
SELECT t.campaign, target, t.title, measure, goal, progress, due_on, "where", tally IS NOT NULL AS counting, revision,
       c.starts_on, coalesce(c.timezone, 'Asia/Shanghai') AS timezone
FROM targets t LEFT JOIN campaigns c USING (campaign) ORDER BY revision
"""
_FUNNEL = (
    "SELECT "
    + ", ".join(f"count(*) FILTER (WHERE {stands(step, '')}) AS {step}" for step in FUNNEL)
    + " FROM journeys WHERE campaign = %s"
)
_FAIRS = """
SELECT fair, title, mode, starts_at, ends_at, venue, city, url, f.capacity, employers, cost, cancelled, reason,
       s.kept AS seats_taken, s.waiting
FROM fairs f LEFT JOIN fair_seats s USING (campaign, fair)
WHERE campaign = %s AND (%s::text IS NULL OR fair = %s) ORDER BY starts_at, fair LIMIT %s
"""
_LATEST_FAIRS = """
SELECT f.campaign, f.fair, f.title, f.starts_at, coalesce(c.title, f.campaign) AS called,
       coalesce(c.timezone, 'Asia/Shanghai') AS timezone
FROM fairs f LEFT JOIN campaigns c USING (campaign)
WHERE NOT f.cancelled AND (%(among)s::text[] IS NULL OR f.campaign = ANY(%(among)s::text[]))
ORDER BY f.starts_at DESC, f.campaign, f.fair LIMIT %(limit)s
"""
_FAIR_NUMBERS = """
SELECT count(*) AS scheduled, count(*) FILTER (WHERE cancelled) AS cancelled,
       count(*) FILTER (WHERE NOT cancelled AND ends_at <= %(now)s) AS held,
       count(*) FILTER (WHERE NOT cancelled AND ends_at > %(now)s) AS coming
FROM fairs WHERE campaign = %(campaign)s
"""
_FAIRS_HELD = """
SELECT count(*) AS held FROM fairs
WHERE campaign = %(campaign)s AND NOT cancelled AND ends_at <= %(now)s
  AND (%(employers)s::text[] IS NULL OR employers ?| %(employers)s::text[])
  AND (%(fairs)s::text[] IS NULL OR fair = ANY(%(fairs)s::text[]))
"""
_OPENINGS = """
SELECT opening, employer, position, seats FROM openings
WHERE campaign = %(campaign)s AND (%(of)s::text IS NULL OR employer = %(of)s)
ORDER BY employer, position, opening LIMIT %(limit)s
"""
_DAYS = """
SELECT target, day, amount FROM target_days
WHERE campaign = %s AND target = ANY(%s) AND amount <> 0 ORDER BY target, day
"""


async def campaigns(conn: Conn, *, after: str = "", limit: int, among: Collection[str] | None = None) -> list[Row]:
    """Campaigns by id, only those `among` some: campaign, title, opened, organizer, kind, starts_on, ends_on,
    timezone, locale, closed, reply_to, contact, signup.

    One that only its targets tell of is `opened: False`, its title its id, its dates None.
    """
    only = None if among is None else list(among)
    return await _rows(conn, _CAMPAIGNS, [after, only, only, limit])


async def campaign(conn: Conn, name: str) -> Row | None:
    """One campaign, the same columns; None where nothing is known of it."""
    found = await _rows(conn, _CAMPAIGN, {"campaign": name})
    return found[0] if found else None


async def targets(conn: Conn, name: str, *, after: str = "", limit: int) -> list[Row]:
    """A campaign's targets by id (see `entry`)."""
    query = _TARGETS + " WHERE campaign = %s AND target > %s ORDER BY target LIMIT %s"
    return [entry(row) for row in await _rows(conn, query, [name, after, limit])]


async def targets_of(conn: Conn, names: list[str]) -> dict[str, list[Row]]:
    """The targets of several campaigns, those due first at the head."""
    query = _TARGETS + " WHERE campaign = ANY(%s) ORDER BY due_on, goal DESC, target"
    found: dict[str, list[Row]] = {name: [] for name in names}
    for row in await _rows(conn, query, [names]):
        found[row["campaign"]].append(entry(row))
    return found


async def all_targets(conn: Conn) -> list[Row]:
    """Every target that stands, in order of revision, with its campaign's starts_on and timezone. They are few
    (hundreds)."""
    return [entry(row) for row in await _rows(conn, _ALL_TARGETS, [])]


async def scanned_funnel(conn: Conn, name: str) -> dict[str, int]:
    """How many of a campaign's candidates stand at each milestone now, counted from the journeys: for as long as its
    breakdowns are not whole."""
    return (await _rows(conn, _FUNNEL, [name]))[0]


async def fairs(conn: Conn, name: str, *, limit: int) -> list[Row]:
    """A campaign's fairs in order of time, cancelled ones too; with a capacity, how many seats are taken and how many
    people wait."""
    found = await _rows(conn, _FAIRS, [name, None, None, limit])
    return [{**row, "cost": None if row["cost"] is None else plain(row["cost"])} for row in found]


async def fair(conn: Conn, name: str, fair: str) -> Row | None:
    """One of them, whatever its state."""
    return next((row for row in await _rows(conn, _FAIRS, [name, fair, fair, 1])), None)


async def latest_fairs(conn: Conn, *, among: Collection[str] | None, limit: int) -> list[Row]:
    """Fairs of all campaigns, or of those `among` some, the latest first: campaign, fair, title, starts_at, and what
    the campaign is `called`, with its timezone."""
    only = None if among is None else column(sorted(among))
    return await _rows(conn, _LATEST_FAIRS, {"among": only, "limit": limit})


async def fair_numbers(conn: Conn, name: str, now: datetime) -> dict[str, int]:
    """How many of a campaign's fairs are scheduled in all, cancelled, held by now and still coming."""
    return (await _rows(conn, _FAIR_NUMBERS, {"campaign": name, "now": now}))[0]


async def fairs_held(conn: Conn, name: str, employers: list[str] | None, fairs: list[str] | None, now: datetime) -> int:
    """How many of a campaign's fairs are over and were not cancelled; with `employers`, in which one of them took
    part; with `fairs`, of these."""
    among = {"employers": employers, "fairs": fairs}
    asked = {key: None if ids is None else column(ids) for key, ids in among.items()} | {"campaign": name, "now": now}
    return int((await _rows(conn, _FAIRS_HELD, asked))[0]["held"])


async def openings(conn: Conn, name: str, *, of: str | None = None, limit: int) -> list[Row]:
    """A campaign's openings by employer, those `of` one of them alone."""
    return await _rows(conn, _OPENINGS, {"campaign": name, "of": of, "limit": limit})


async def days(conn: Conn, name: str, wanted: list[str]) -> dict[str, list[tuple[date, Decimal]]]:
    """What each day in the world added to these targets, by target, days in order: a burn-up as differences."""
    found: dict[str, list[tuple[date, Decimal]]] = {target: [] for target in wanted}
    cursor = await conn.execute(_DAYS, [name, wanted])
    for target, day, amount in await cursor.fetchall():
        found[target].append((day, amount))
    return found


def entry(row: Row) -> Row:
    """A target as the world is told of it: campaign, target, title, measure, goal, progress, due_on (a date),
    where, counting (the number is not whole as yet), revision; numbers as JSON writes them."""
    return {**row, "goal": plain(row["goal"]), "progress": plain(row["progress"])}


def plain(value: Decimal) -> int | float:
    """A number as JSON writes it: whole where it is whole."""
    return int(value) if value == int(value) else float(value)


async def _rows(conn: Conn, query: str, values: Any) -> list[Row]:
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(query.encode(), values)
        return await cursor.fetchall()
