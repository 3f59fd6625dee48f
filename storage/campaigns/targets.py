"""Campaigns, targets, fairs and openings as they are stored, and the locks that keep a recount exact."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from schemas.pace import PERCENTS
from storage.arrays import Column, column, columns
from storage.campaigns import announcements
from storage.database import Conn
from storage.ledger.events import BESIDE
from storage.together import Statement

TargetKey = tuple[str, str]
Amounts = Mapping[TargetKey, Mapping[date, Decimal]]
Row = dict[str, Any]


class Moved(NamedTuple):
    """A target's number before and after it was added to, and the goal that it has by then."""

    before: Decimal
    after: Decimal
    goal: Decimal


_TARGETS = (
    'SELECT campaign, target, title, measure, goal, due_on, "where", progress, as_of, tally, revision FROM targets'
)
# In the order of the rows, one after another.
_LOCK = """
SELECT CASE WHEN k.exclusive THEN pg_advisory_xact_lock(hashtextextended(k.campaign, 0))
            ELSE pg_advisory_xact_lock_shared(hashtextextended(k.campaign, 0)) END
FROM unnest(%s::text[], %s::bool[]) AS k(campaign, exclusive)
"""
# Whoever changes what a campaign says of itself, among themselves: apart from those who only add to its targets.
_LOCK_OWN = """
SELECT pg_advisory_xact_lock(hashtextextended(k.campaign, 3)) FROM unnest(%s::text[]) AS k(campaign)
"""
# A process of the version before takes for granted that nobody is under way then, nor where a count ends: beside it,
# those who are under way are waited for.
_LOCK_ALONE_OR_SHARED = f"""
SELECT campaign, alone, CASE WHEN NOT alone THEN pg_advisory_xact_lock_shared(hashtextextended(campaign, 0)) END
FROM (SELECT campaign, CASE WHEN {BESIDE} THEN pg_advisory_xact_lock(hashtextextended(campaign, 0)) IS NOT NULL
                            ELSE pg_try_advisory_xact_lock(hashtextextended(campaign, 0)) END AS alone
      FROM unnest(%s::text[]) AS k(campaign) OFFSET 0) AS tried
"""
_LOCK_BESIDE = f"SELECT pg_advisory_xact_lock(hashtextextended(%s, 0)) WHERE {BESIDE}"
_BOARD = """
SELECT campaign, c.timezone, EXISTS (SELECT FROM retractions r WHERE r.campaign = k.campaign) AS retracting,
       t.target, t.title, t.measure, t.goal, t.due_on, t."where", t.tally, t.progress
FROM unnest(%s::text[]) AS k(campaign) LEFT JOIN campaigns c USING (campaign) LEFT JOIN targets t USING (campaign)
ORDER BY campaign, target
"""
_CROSSES = f"""EXISTS (SELECT FROM unnest(ARRAY{list(PERCENTS)}) AS of(percent)
    WHERE (t.progress - k.amount) * 100 < t.goal * percent AND t.goal * percent <= t.progress * 100)"""
# The targets' own rows first: those are what everybody meets in. A target that was withdrawn meanwhile has no days, and
# one that counts fairs by now has nothing of journeys: no count beside the work would take that out again.
_ADD = """
WITH moved AS (
    UPDATE targets t
    SET progress = progress + k.amount, revision = nextval('revisions'), updated_at = now()
    FROM (SELECT * FROM unnest(%s::text[], %s::text[], %s::numeric[]) AS u(campaign, target, amount)
          ORDER BY campaign, target) k
    WHERE t.campaign = k.campaign AND t.target = k.target AND t.measure <> 'fairs_held'
    RETURNING t.campaign, t.target, t.progress - k.amount AS before, t.progress AS after, t.goal, t.tally{checked}
), days AS (
    INSERT INTO target_days AS d (campaign, target, day, amount)
    SELECT k.* FROM unnest(%s::text[], %s::text[], %s::date[], %s::numeric[]) AS k(campaign, target, day, amount)
    JOIN moved USING (campaign, target)
    ON CONFLICT (campaign, target, day) DO UPDATE SET amount = d.amount + excluded.amount
)
SELECT campaign, target, before, after, goal FROM moved WHERE tally IS NULL
"""
_SHORT_OF = f", CASE WHEN t.tally IS NULL AND {_CROSSES} THEN conflict('a target came to a milestone') END"
_ADD_DAYS = """
INSERT INTO target_days AS d (campaign, target, day, amount)
SELECT * FROM unnest(%s::text[], %s::text[], %s::date[], %s::numeric[])
ON CONFLICT (campaign, target, day) DO UPDATE SET amount = d.amount + excluded.amount
"""
_SET = """
INSERT INTO targets AS t (campaign, target, title, measure, goal, due_on, "where", progress, as_of)
VALUES (%(campaign)s, %(target)s, %(title)s, %(measure)s, %(goal)s, %(due_on)s, %(where)s, %(progress)s, %(as_of)s)
ON CONFLICT (campaign, target) DO UPDATE
SET title = excluded.title, measure = excluded.measure, goal = excluded.goal, due_on = excluded.due_on,
    "where" = excluded."where", progress = excluded.progress, as_of = excluded.as_of, tally = NULL,
    revision = nextval('revisions'), updated_at = now()
"""
_REDEFINE = """
UPDATE targets SET title = %(title)s, goal = %(goal)s, due_on = %(due_on)s,
       revision = nextval('revisions'), updated_at = now()
WHERE campaign = %(campaign)s AND target = %(target)s
RETURNING tally
"""
_MILESTONES = """
INSERT INTO milestones (campaign, target, goal, percent)
SELECT * FROM unnest(%b::text[], %b::text[], %b::numeric[], %b::int[])
ON CONFLICT DO NOTHING RETURNING campaign, target, percent
"""
_CAMPAIGN = """
INSERT INTO campaigns (campaign, title, organizer, kind, starts_on, ends_on, timezone, locale, closed,
                       reply_to, contact, signup)
VALUES (%(campaign)s, %(title)s, %(organizer)s, %(kind)s, %(starts_on)s, %(ends_on)s, %(timezone)s, %(locale)s,
        %(closed)s, %(reply_to)s, %(contact)s, %(signup)s)
"""
_FAIR = """
INSERT INTO fairs (campaign, fair, title, mode, starts_at, ends_at, venue, city, url, capacity, employers, cost,
                   cancelled, reason, changes)
VALUES (%(campaign)s, %(fair)s, %(title)s, %(mode)s, %(starts_at)s, %(ends_at)s, %(venue)s, %(city)s, %(url)s,
        %(capacity)s, %(employers)s, %(cost)s, %(cancelled)s, %(reason)s, %(changes)s)
"""
_OPENING = """
INSERT INTO openings (campaign, opening, employer, position, seats)
VALUES (%(campaign)s, %(opening)s, %(employer)s, %(position)s, %(seats)s)
"""
_DUE_CAMPAIGNS = """
SELECT DISTINCT t.campaign FROM targets t JOIN fairs f USING (campaign)
WHERE t.measure = 'fairs_held' AND f.ends_at <= %s AND f.ends_at > coalesce(t.as_of, '-infinity')
"""


async def lock(conn: Conn, campaigns: Mapping[str, bool]) -> None:
    """Hold campaigns until the transaction ends: shared (False) to add to their targets, exclusive (True) to recount.

    Taken in order of their names, so that two workers can't wait for each other.
    """
    await conn.execute(_LOCK, columns(sorted(campaigns.items()), 2))


async def lock_own(conn: Conn, campaigns: Iterable[str]) -> set[str]:
    """Hold what these campaigns say of themselves until the transaction ends, waiting for nobody who only adds to their
    targets. Returns those that are held exclusively, since nobody was under way on them.

    A transaction that begins with this holds no campaign yet, and takes none otherwise.
    """
    names = column(sorted(campaigns))
    await conn.execute(_LOCK_OWN, [names])
    cursor = await conn.execute(_LOCK_ALONE_OR_SHARED, [names])
    return {campaign for campaign, alone, _ in await cursor.fetchall() if alone}


async def hold(conn: Conn, campaign: str) -> None:
    """Hold the rows of a campaign's targets until the transaction ends, all in the order in which they are added to:
    who changes one after the other waits for nobody who waits for them."""
    await conn.execute("SELECT FROM targets WHERE campaign = %s ORDER BY target FOR UPDATE", [campaign])


async def lock_beside(conn: Conn, campaign: str) -> None:
    """Hold a campaign exclusively until the transaction ends, where a process of the version before may be there."""
    await conn.execute(_LOCK_BESIDE, [campaign])


async def board_of(conn: Conn, campaigns: Iterable[str]) -> list[Row]:
    """The targets of these campaigns, a row for each, with the campaign's time zone and whether facts of it were
    retracted; a campaign without targets has one row without a target."""
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_BOARD, [column(sorted(campaigns))])
        return await cursor.fetchall()


async def targets_of(conn: Conn, campaigns: Iterable[str]) -> list[Row]:
    """The targets of these campaigns, as rows with the columns of TargetRow, and their campaigns' time zones."""
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_TARGETS + " WHERE campaign = ANY(%s) ORDER BY campaign, target", [list(campaigns)])
        return await cursor.fetchall()


async def time_zones(conn: Conn, campaigns: Iterable[str]) -> dict[str, str]:
    """The time zone of each campaign that was opened."""
    cursor = await conn.execute("SELECT campaign, timezone FROM campaigns WHERE campaign = ANY(%s)", [list(campaigns)])
    return dict(await cursor.fetchall())


async def add(conn: Conn, amounts: Amounts) -> dict[TargetKey, Moved]:
    """Add to targets, day by day. Returns how each went that changed in sum or in its days, and whose number is whole
    by now."""
    if not amounts:
        return {}
    cursor = await conn.execute(_ADD.format(checked=""), _added(amounts))
    return {(c, t): Moved(*moved) for c, t, *moved in await cursor.fetchall()}


def addition(amounts: Amounts) -> Statement:
    """The same as a statement, where no target is to come to a milestone by it. One that does, since others added
    meanwhile, is a ConcurrentChange."""
    return Statement(_ADD.format(checked=_SHORT_OF), _added(amounts)) if amounts else Statement()


def _added(amounts: Amounts) -> list[Column]:
    totals = {key: sum(days.values(), Decimal(0)) for key, days in amounts.items()}
    return [*columns([(*key, str(total)) for key, total in sorted(totals.items())], 3), *_days(amounts)]


async def put(conn: Conn, row: Row, days: Mapping[date, Decimal]) -> None:
    """Store a target's definition with a number counted anew, and its days."""
    key = (row["campaign"], row["target"])
    await conn.execute(_SET, {**row, "where": Jsonb(row["where"])})
    await conn.execute("DELETE FROM target_days WHERE campaign = %s AND target = %s", key)
    await add_days(conn, {key: days})


async def redefine(conn: Conn, row: Row) -> bool:
    """Change a target's title, goal and date; its number stays. Returns whether that is whole."""
    changed = await (await conn.execute(_REDEFINE, {**row, "where": Jsonb(row["where"])})).fetchone()
    return changed is not None and changed[0] is None


async def numbers(conn: Conn, campaign: str, wanted: Sequence[str]) -> dict[str, Decimal]:
    """The progress of these targets, by target id."""
    cursor = await conn.execute(
        "SELECT target, progress FROM targets WHERE campaign = %s AND target = ANY(%s)",
        [campaign, list(wanted)],
    )
    return dict(await cursor.fetchall())


async def drop(conn: Conn, campaign: str, targets: Sequence[str]) -> None:
    """Forget targets that were withdrawn; the facts that set them stay in the ledger."""
    await conn.execute("DELETE FROM targets WHERE campaign = %s AND target = ANY(%s)", [campaign, list(targets)])
    await conn.execute("DELETE FROM target_days WHERE campaign = %s AND target = ANY(%s)", [campaign, list(targets)])
    await announcements.withdrawn(conn, campaign, targets)


async def reach(conn: Conn, milestones: Sequence[tuple[str, str, Decimal, int]]) -> set[tuple[str, str, int]]:
    """Note milestones (campaign, target, goal, percent). Returns those that were never reached before."""
    rows = sorted(milestones)
    cursor = await conn.execute(_MILESTONES, [[row[i] for row in rows] for i in range(4)])
    return {(c, t, p) for c, t, p in await cursor.fetchall()}


async def replace_openings(conn: Conn, campaign: str, named: Collection[str], standing: Sequence[Row]) -> None:
    """Store what stands of these openings, instead of what stood before."""
    await conn.execute("DELETE FROM openings WHERE campaign = %s AND opening = ANY(%s)", [campaign, list(named)])
    async with conn.cursor() as cursor:
        await cursor.executemany(_OPENING, standing)


async def replace_campaign(conn: Conn, campaign: str, row: Row | None, fairs: Sequence[Row]) -> None:
    """Store what stands of a campaign and its fairs, instead of what stood before."""
    for table in ("campaigns", "fairs"):
        await conn.execute(f"DELETE FROM {table} WHERE campaign = %s", [campaign])
    async with conn.cursor() as cursor:
        if row:
            await cursor.execute(_CAMPAIGN, row)
        await cursor.executemany(_FAIR, [{**fair, "employers": Jsonb(fair["employers"])} for fair in fairs])


async def campaigns_with_fairs_due(conn: Conn, now: datetime) -> list[str]:
    """Campaigns where a fair ended since its `fairs_held` targets were last counted."""
    cursor = await conn.execute(_DUE_CAMPAIGNS, [now])
    return sorted(c for (c,) in await cursor.fetchall())


async def days_of(conn: Conn, campaigns: Iterable[str]) -> dict[TargetKey, dict[date, Decimal]]:
    """The days of these campaigns' targets, days at zero left out."""
    cursor = await conn.execute(
        "SELECT campaign, target, day, amount FROM target_days WHERE campaign = ANY(%s) AND amount <> 0",
        [list(campaigns)],
    )
    found: dict[TargetKey, dict[date, Decimal]] = {}
    for campaign, target, day, amount in await cursor.fetchall():
        found.setdefault((campaign, target), {})[day] = amount
    return found


async def add_days(conn: Conn, amounts: Amounts) -> None:
    """Add to the days of targets."""
    if any(amounts.values()):
        await conn.execute(_ADD_DAYS, _days(amounts))


def _days(amounts: Amounts) -> list[Column]:
    rows = sorted((c, t, day, amount) for (c, t), days in amounts.items() for day, amount in days.items())
    return columns([(c, t, day.isoformat(), str(amount)) for c, t, day, amount in rows], 4)
