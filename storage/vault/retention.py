"""How long persons are kept: what the rule looks at, read in portions, and what it said comes next."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg.rows import class_row, dict_row

from schemas.journey import Journey
from schemas.retention import RetentionOutcome, Step
from storage.arrays import columns
from storage.database import Conn
from storage.journeys.states import read
from storage.ledger.ledger import JourneyKey

# The campaign is over when its last day is, where it is. A journey is read where it changed since.
_COLUMNS: Final = """
    j.campaign, j.candidate, j.version, CASE WHEN k.version = j.version THEN NULL ELSE j.state END AS state,
    k.outcome, k.last_contact, k.asked_at, k.step, k.due_at,
    p.restricted_at, p.restricted_ground,
    p.restricted_until::timestamp AT TIME ZONE coalesce(c.timezone, 'Asia/Shanghai') AS restricted_until,
    (c.ends_on + 1)::timestamp AT TIME ZONE coalesce(c.timezone, 'Asia/Shanghai') AS ends,
    coalesce(c.timezone, 'Asia/Shanghai') AS timezone, j.merged_into,
    ARRAY(SELECT m.candidate FROM journeys m
          WHERE m.campaign = j.campaign AND m.merged_into = j.candidate ORDER BY 1)::text[] AS others
FROM journeys j
LEFT JOIN vault.retention k USING (campaign, candidate)
LEFT JOIN vault.person p USING (campaign, candidate)
LEFT JOIN campaigns c USING (campaign)
"""
_PORTION: Final = f"""
SELECT {_COLUMNS} WHERE (j.campaign, j.candidate) > (%s, %s) ORDER BY j.campaign, j.candidate LIMIT %s
"""
_DUE: Final = f"""
WITH due AS (
    SELECT campaign, candidate FROM vault.retention WHERE step IS NOT NULL AND due_at <= %s
    ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED
)
SELECT {_COLUMNS} JOIN due USING (campaign, candidate)
"""
_STORE: Final = """
INSERT INTO vault.retention AS k (campaign, candidate, outcome, last_contact, version, asked_at, step, due_at)
SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::timestamptz[], %s::int[], %s::timestamptz[], %s::text[],
                     %s::timestamptz[]) AS u(c, n, outcome, last_contact, version, asked_at, step, due_at)
ORDER BY c COLLATE "C", n COLLATE "C"
ON CONFLICT (campaign, candidate) DO UPDATE SET outcome = excluded.outcome, last_contact = excluded.last_contact,
    version = excluded.version, asked_at = greatest(k.asked_at, excluded.asked_at), step = excluded.step,
    due_at = excluded.due_at
"""
_COMING: Final = """
SELECT k.campaign, coalesce(c.title, k.campaign) AS title, k.step, k.outcome,
       greatest(k.due_at, %(now)s) AT TIME ZONE 'Asia/Shanghai' AS moment, count(*) AS number
FROM vault.retention k LEFT JOIN campaigns c USING (campaign)
"""
_GROUPS: Final = f"""
SELECT campaign, title, step, outcome, moment::date AS day, sum(number)::int AS number FROM ({_COMING}
    WHERE k.step IS NOT NULL AND k.due_at < %(until)s AND (%(among)b::text[] IS NULL OR k.campaign = ANY(%(among)b))
    GROUP BY 1, 2, 3, 4, 5) AS each
GROUP BY 1, 2, 3, 4, 5 ORDER BY day, title, campaign, step, outcome LIMIT %(limit)s
"""
_PEOPLE: Final = """
SELECT k.campaign, k.candidate, k.step, k.outcome, k.last_contact, k.due_at,
       p.restricted_at IS NOT NULL AS hidden, CASE WHEN p.restricted_at IS NULL THEN p.name END AS name
FROM vault.retention k LEFT JOIN vault.person p USING (campaign, candidate)
WHERE k.campaign = %(campaign)s AND k.step IS NOT NULL AND k.due_at < %(until)s
ORDER BY k.due_at, k.candidate LIMIT %(limit)s
"""
_OF: Final = """
SELECT outcome, last_contact, asked_at, step, due_at FROM vault.retention WHERE campaign = %s AND candidate = %s
"""


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """A person as the rule reads them. `state`: the journey, where it changed since it was last looked at; else its
    `outcome` and `last_contact` are as they were. `others`: further ids of the same person; one such has `merged_into`,
    and is kept as long as the person."""

    campaign: str
    candidate: str
    version: int
    state: bytes | None
    outcome: RetentionOutcome | None
    last_contact: datetime | None
    asked_at: datetime | None
    step: Step | None
    due_at: datetime | None
    restricted_at: datetime | None
    restricted_ground: str | None
    restricted_until: datetime | None
    ends: datetime | None
    timezone: str
    merged_into: str | None
    others: list[str]

    @property
    def key(self) -> JourneyKey:
        return (self.campaign, self.candidate)

    @property
    def ids(self) -> list[JourneyKey]:
        """The person under each of their ids."""
        return [self.key, *((self.campaign, each) for each in self.others)]

    def journey(self) -> Journey | None:
        """The journey, where it changed."""
        return None if self.state is None else read(self.state)


@dataclass(frozen=True, slots=True)
class Plan:
    """What comes next of a person; `step`: nothing where there is none."""

    campaign: str
    candidate: str
    outcome: RetentionOutcome
    last_contact: datetime | None
    version: int
    asked_at: datetime | None
    step: Step | None
    due_at: datetime | None


async def clock(conn: Conn) -> datetime:
    """What time it is by the database."""
    row = await (await conn.execute("SELECT now()")).fetchone()
    assert row
    at: datetime = row[0]
    return at


async def portion(conn: Conn, after: JourneyKey, limit: int) -> list[KnownPerson]:
    """The next persons behind this one."""
    async with conn.cursor(row_factory=class_row(KnownPerson)) as cursor:
        await cursor.execute(_PORTION, [*after, limit])
        return await cursor.fetchall()


async def due(conn: Conn, now: datetime, limit: int) -> list[KnownPerson]:
    """Some of whom something is due, held until the transaction ends; whom another holds are left out."""
    async with conn.cursor(row_factory=class_row(KnownPerson)) as cursor:
        await cursor.execute(_DUE, [now, limit])
        return await cursor.fetchall()


async def store(conn: Conn, plans: Sequence[Plan]) -> None:
    """Keep what comes next."""
    rows = [
        (p.campaign, p.candidate, p.outcome, p.last_contact, p.version, p.asked_at, p.step, p.due_at)
        for p in sorted(plans, key=lambda plan: (plan.campaign, plan.candidate))
    ]
    if rows:
        await conn.execute(_STORE, columns(rows, 8))


async def coming(
    conn: Conn, now: datetime, until: datetime, *, among: Collection[str] | None, limit: int
) -> list[dict[str, Any]]:
    """What comes before a moment, by day, campaign, step and outcome: how many persons. What is overdue comes today."""
    values = {"now": now, "until": until, "among": None if among is None else sorted(among), "limit": limit}
    return await _rows(conn, _GROUPS, values)


async def persons(conn: Conn, campaign: str, until: datetime, *, limit: int) -> list[dict[str, Any]]:
    """Of whom in a campaign something comes before a moment, the next ones first; those who are restricted without
    their names."""
    return await _rows(conn, _PEOPLE, {"campaign": campaign, "until": until, "limit": limit})


async def of(conn: Conn, campaign: str, candidate: str) -> dict[str, Any] | None:
    """What is known of how long a person is kept; None where nobody has looked yet."""
    found = await _rows(conn, _OF, [campaign, candidate])
    return found[0] if found else None


async def _rows(conn: Conn, query: str, values: Any) -> list[dict[str, Any]]:
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(query.encode(), values)
        return await cursor.fetchall()
