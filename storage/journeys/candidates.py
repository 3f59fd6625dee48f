"""What is read of one candidate: the journey, what happened in the order of the world, the messages."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.rows import dict_row

from schemas.journey import Journey
from storage.arrays import column
from storage.database import Conn
from storage.journeys.states import read, standing, standing_of
from storage.ledger.events import WHOLE, read_event
from storage.messages import sealed
from storage.messages.of_facts import id_of, source_of
from storage.vault.process import vault

Row = dict[str, Any]
TimelinePlace = tuple[datetime, str, str]  # time, source, id: where in a timeline

_LOAD = f"""
SELECT j.candidate, h.candidate, h.state, {standing_of("h")}, h.employers, h.updated_at FROM journeys j
JOIN journeys h ON (h.campaign, h.candidate) = (j.campaign, coalesce(j.merged_into, j.candidate))
WHERE j.campaign = %s AND j.candidate = ANY(%s::text[])
"""
_LOAD_MANY = """
SELECT j.candidate, h.state FROM journeys j
JOIN journeys h ON (h.campaign, h.candidate) = (j.campaign, coalesce(j.merged_into, j.candidate))
WHERE j.campaign = %s AND j.candidate = ANY(%s::text[])
"""
# What an employer sees of its own candidates: what is theirs or nobody's, never another employer's offers.
_TIMELINE = f"""
SELECT f.time, f.type, f.source, f.id, {WHOLE} AS event, nullif(f.posted_by, '') AS posted_by, f.received_at,
       coalesce((SELECT k.name FROM keys k WHERE 'key:' || k.key = f.posted_by),
                (SELECT a.name FROM accounts a WHERE 'account:' || a.account = f.posted_by)) AS poster,
       EXISTS (SELECT FROM retractions r WHERE (r.campaign, r.source, r.id) = (f.campaign, f.source, f.id)) AS retracted
FROM facts f
WHERE f.campaign = %(campaign)s AND f.candidate = ANY(%(candidates)s::text[])
  AND NOT EXISTS (SELECT FROM pending p WHERE p.seq = f.seq)
  AND (%(employer)s::text IS NULL OR f.event->'data'->>'employer' = %(employer)s
       OR f.event->'data'->>'offer' = ANY(%(offers)s)
       OR f.type IN ('candidate.signed_up', 'candidate.checked_in', 'candidate.withdrew', 'candidate.erased'))
  AND (%(time)s::timestamptz IS NULL OR (f.time, f.source, f.id) > (%(time)s, %(source)s, %(id)s))
ORDER BY f.time, f.source, f.id LIMIT %(limit)s
"""
_SOME = "SELECT state FROM journeys WHERE campaign = %s LIMIT %s"
_MESSAGES = f"""
SELECT id, recipient AS "to", channel, kind AS template, locale, subject, status, reason,
       coalesce(attempts, 0) AS attempts, {id_of("m")} AS fact, {source_of("m")} AS source, requested_at, sent_at,
       campaign, candidate, sealed
FROM messages m WHERE campaign = %s AND candidate = ANY(%s::text[]) ORDER BY id LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class KnownCandidate:
    """The journey of the person that a candidate is, as it is stored, and under whose id; `standing` is milestone →
    microseconds since 1970."""

    head: str
    journey: Journey
    standing: dict[str, int]
    employers: list[str]
    updated_at: datetime


async def load(conn: Conn, campaign: str, candidate: str) -> KnownCandidate | None:
    """What is known of a candidate, under whichever of their ids; None where nothing is."""
    return (await load_each(conn, campaign, [candidate])).get(candidate)


async def load_each(conn: Conn, campaign: str, candidates: Sequence[str]) -> dict[str, KnownCandidate]:
    """The same of each of these candidates of whom something is known."""
    rows = await (await conn.execute(_LOAD, [campaign, column(candidates)])).fetchall()
    persons = {head: KnownCandidate(head, read(state), standing(kept), *more) for _, head, state, kept, *more in rows}
    await vault().embody(conn, {(campaign, head): each.journey for head, each in persons.items()})
    return {candidate: persons[head] for candidate, head, *_ in rows}


async def load_many(conn: Conn, campaign: str, candidates: Sequence[str]) -> dict[str, Journey]:
    """The journeys of these candidates, without what is personal."""
    cursor = await conn.execute(_LOAD_MANY, [campaign, column(candidates)])
    return {candidate: read(state) for candidate, state in await cursor.fetchall()}


async def some(conn: Conn, campaign: str, *, limit: int) -> list[Journey]:
    """Journeys of a campaign, without what is personal: as many as there are, in no order."""
    cursor = await conn.execute(_SOME, [campaign, limit])
    return [read(state) for (state,) in await cursor.fetchall()]


async def timeline(
    conn: Conn,
    campaign: str,
    candidates: Collection[str],
    *,
    employer: str | None = None,
    offers: list[str] | None = None,
    after: TimelinePlace | None = None,
    limit: int,
) -> list[Row]:
    """The applied facts about these candidates, who are one person, in order of the world's time; retracted ones are
    marked.

    With `employer`, without the interviews, offers (those of `offers` are its own) and hires of others.
    """
    time, source, id = after or (None, None, None)
    values = {
        "campaign": campaign,
        "candidates": column(sorted(candidates)),
        "employer": employer,
        "offers": offers or [],
        "time": time,
        "source": source,
        "id": id,
        "limit": limit,
    }
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_TIMELINE, values)
        rows = await cursor.fetchall()
    opened = await vault().open(conn, [read_event(row.pop("event")) for row in rows])
    return [{**row, "data": fact.data} for row, fact in zip(rows, opened, strict=True)]


async def messages(conn: Conn, campaign: str, candidates: Collection[str], *, limit: int) -> list[Row]:
    """The messages to these candidates, who are one person, each with its state; `fact` and `source` are the fact that
    asked for it."""
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_MESSAGES, [campaign, column(sorted(candidates)), limit])
        rows = await cursor.fetchall()
    reader = await vault().reader(conn, [(campaign, each) for each in candidates])
    return [_without_key(row) for row in sealed.opened_rows(reader, rows, reader="to")]


def _without_key(row: Row) -> Row:
    del row["campaign"], row["candidate"]
    return row
