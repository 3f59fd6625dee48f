"""What the audit compares with the facts: every derived row as it is stored."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
from psycopg.rows import dict_row

from schemas.facts import Fact
from schemas.journey import Journey, Stamp
from schemas.messages import MessageRequest
from storage.arrays import column, columns
from storage.database import Conn, Horizon
from storage.ledger.events import WHOLE, read_event
from storage.messages import reasons
from storage.messages.of_facts import fact_of
from storage.messages.transitions import LETS_GO_AGAIN

Row = dict[str, Any]


# In the order of the database's own collation, whatever it is: so the indexes serve.
_BOUND = """
SELECT candidate FROM facts WHERE campaign = %s AND candidate > %s ORDER BY candidate OFFSET %s LIMIT 1
"""
_FACTS = f"""
SELECT f.candidate, {WHOLE} FROM facts f
WHERE f.campaign = %(campaign)s AND f.candidate > %(after)s
  AND NOT EXISTS (SELECT FROM pending p WHERE p.seq = f.seq)
"""
_COLUMNS = """
SELECT candidate, state, standing, employers, drawn IS DISTINCT FROM version OR tagged IS DISTINCT FROM version,
       s.fairs, s.stamps,
       (SELECT ARRAY[p.name IS NOT NULL, p.profile IS NOT NULL, p.restricted_at IS NOT NULL] FROM vault.person p
        WHERE (p.campaign, p.candidate) = (j.campaign, j.candidate)) AS known, tags, offer_ends, merged_into
FROM journeys j LEFT JOIN LATERAL (
    SELECT array_agg(fair ORDER BY fair) AS fairs, jsonb_agg(jsonb_build_array(at, source, id) ORDER BY fair) AS stamps
    FROM seats WHERE (campaign, candidate) = (j.campaign, j.candidate) AND at IS NOT NULL) s ON true
"""
_BETWEEN = f"{_COLUMNS} WHERE campaign = %(campaign)s AND candidate > %(after)s {{upto}}"
_OF = f"{_COLUMNS} WHERE campaign = %s AND candidate = ANY(%s::text[])"
_UPTO = "AND candidate <= %(upto)s"
# Who is known in the vault must have a journey that was told so.
_STRANGERS = """
SELECT candidate FROM vault.person p WHERE campaign = %s AND (name IS NOT NULL OR profile IS NOT NULL)
  AND NOT EXISTS (SELECT FROM journeys j WHERE (j.campaign, j.candidate) = (p.campaign, p.candidate)) ORDER BY 1
"""
_HORIZON = "SELECT pg_snapshot_xmin(pg_current_snapshot())::xid::text"
_CHANGED = "SELECT candidate FROM journeys WHERE campaign = %s AND age(xmin) <= age(%s::text::xid)"
_CAMPAIGN = """
SELECT title, organizer, kind, starts_on, ends_on, timezone, locale, closed, reply_to, contact, signup
FROM campaigns WHERE campaign = %s
"""
_FAIRS = """
SELECT fair, title, mode, starts_at, ends_at, venue, city, url, capacity, employers, cost, cancelled, reason, changes
FROM fairs WHERE campaign = %s
"""
# Drawn anew from who stands in line, which is compared journey by journey, and the fair's capacity.
_CUT = """
WITH lined AS (
    SELECT s.fair, s.candidate, s.waiting, f.capacity,
           row_number() OVER (PARTITION BY s.fair ORDER BY s.at, s.source COLLATE "C", s.id COLLATE "C") AS nth
    FROM seats s LEFT JOIN fairs f USING (campaign, fair) WHERE s.campaign = %(campaign)s AND s.at IS NOT NULL
)
SELECT fair, candidate, waiting FROM lined WHERE waiting <> coalesce(nth > capacity, false) ORDER BY fair, nth
"""
_FULL = """
SELECT fair, s.capacity, s.kept, s.waiting, f.capacity, coalesce(n.kept, 0), coalesce(n.waiting, 0)
FROM (SELECT * FROM fair_seats WHERE campaign = %(campaign)s) s
FULL JOIN (SELECT fair, capacity FROM fairs WHERE campaign = %(campaign)s AND capacity IS NOT NULL) f USING (fair)
LEFT JOIN (SELECT fair, count(*) FILTER (WHERE NOT waiting) AS kept, count(*) FILTER (WHERE waiting) AS waiting
           FROM seats WHERE campaign = %(campaign)s AND at IS NOT NULL GROUP BY fair) n USING (fair)
ORDER BY fair
"""
_STRAY = """
SELECT fair, candidate FROM seats s WHERE campaign = %(campaign)s AND at IS NOT NULL
  AND NOT EXISTS (SELECT FROM journeys j WHERE (j.campaign, j.candidate) = (s.campaign, s.candidate))
"""
_EMPLOYERS = "SELECT employer, name, name_en, city, url, reply_to, contact FROM employers WHERE campaign = %s"
_OPENINGS = "SELECT opening, employer, position, seats FROM openings WHERE campaign = %s"
_MILESTONES = "SELECT target, goal, percent FROM milestones WHERE campaign = %s"
_RETRACTIONS_APART = """
WITH said AS (
    SELECT f.event->'data'->>'source' AS source, f.event->'data'->>'id' AS id FROM facts f
    WHERE f.campaign = %(campaign)s AND f.type = 'fact.retracted'
      AND NOT EXISTS (SELECT FROM pending p WHERE p.seq = f.seq)
), noted AS (SELECT source, id FROM retractions WHERE campaign = %(campaign)s)
(TABLE said EXCEPT TABLE noted) UNION ALL (TABLE noted EXCEPT TABLE said) ORDER BY 1, 2
"""
# The latest word on each pair of candidates, in the order of the facts.
_MERGES_APART = """
WITH words AS (
    SELECT least(f.candidate COLLATE "C", i.name COLLATE "C") AS one,
           greatest(f.candidate COLLATE "C", i.name COLLATE "C") AS other,
           i.name AS "into", (extract(epoch FROM f.time) * 1000000)::bigint AS at, f.source, f.id,
           f.type = 'candidate.merged' AS stands
    FROM facts f CROSS JOIN LATERAL (SELECT f.event->'data'->>'into' AS name) AS i
    WHERE f.campaign = %(campaign)s AND f.type IN ('candidate.merged', 'candidate.unmerged')
      AND NOT EXISTS (SELECT FROM pending p WHERE p.seq = f.seq)
      AND NOT EXISTS (SELECT FROM retractions r WHERE (r.campaign, r.source, r.id) = (f.campaign, f.source, f.id))
), said AS (
    SELECT DISTINCT ON (one, other) * FROM words
    ORDER BY one, other, at DESC, source COLLATE "C" DESC, id COLLATE "C" DESC
), noted AS (SELECT one, other, "into", at, source, id, stands FROM merges
           WHERE campaign = %(campaign)s AND at IS NOT NULL)
SELECT one, other FROM ((TABLE said EXCEPT TABLE noted) UNION ALL (TABLE noted EXCEPT TABLE said)) AS apart
GROUP BY one, other ORDER BY one, other
"""
# Facts that came before a version that knows a kind, or beside its first hour, asked for none of that kind.
_MISSING = """
SELECT k.key
FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[])
     AS k(short, wide, key, kind, source, fact)
WHERE NOT EXISTS (SELECT FROM messages m WHERE m.dedupe_key = ANY(ARRAY[k.short, k.wide, k.key]))
  AND NOT EXISTS (
    SELECT FROM facts f JOIN secrets s ON s.name = 'asked_since:' || k.kind
    WHERE (f.source, f.id) = (k.source, k.fact) AND f.received_at < convert_from(s.value, 'UTF8')::timestamptz)
"""
_UNFOUNDED = f"""
SELECT m.id FROM messages m WHERE m.campaign = %s AND (m.asked_by IS NOT NULL OR m.fact IS NOT NULL)
  AND NOT EXISTS (SELECT FROM {fact_of("m")} AS f)
"""
_ASTRAY = "SELECT p.seq FROM pending p WHERE NOT EXISTS (SELECT FROM facts f WHERE f.seq = p.seq)"
# Between two sendings somebody must have let it go again.
_SENT_TWICE = """
SELECT DISTINCT message FROM (
    SELECT a.message, a.status, a.cause, count(*) FILTER (WHERE a.status = 'requested' AND a.cause = ANY(%s))
           OVER (PARTITION BY a.message ORDER BY a.id) AS life
    FROM message_attempts a JOIN messages m ON m.id = a.message WHERE m.campaign = %s) AS told
WHERE status = 'sent' AND cause IS DISTINCT FROM 'provider' GROUP BY message, life HAVING count(*) > 1 ORDER BY message
"""

_decode = msgspec.json.Decoder(Journey).decode


@dataclass(frozen=True, slots=True)
class StoredJourney:
    """A row of journeys: the journey, and what is drawn from it for those who only read; where its candidate stands in
    the lines of fairs. `behind`: another version of Yinfeng wrote it, it waits to be drawn anew. `named`, `reached`:
    the vault has a name of the person, or anything at all; `hidden`: it shows nothing of them."""

    journey: Journey
    standing: dict[str, int]
    employers: list[str]
    behind: bool = False
    seats: Mapping[str, Stamp] = field(default_factory=dict)
    named: bool = False
    reached: bool = False
    hidden: bool = False
    tags: list[str] = field(default_factory=list)
    offer_ends: datetime | None = None
    merged_into: str | None = None


async def bound(conn: Conn, campaign: str, after: str, facts: int) -> str | None:
    """The candidate with whom so many facts of those after `after` are read; None when there are fewer."""
    row = await (await conn.execute(_BOUND, [campaign, after, facts])).fetchone()
    return row[0] if row else None


async def facts_between(conn: Conn, campaign: str, after: str, upto: str | None) -> dict[str, list[Fact]]:
    """The applied facts of candidates after one, up to another, by candidate."""
    query = f"{_FACTS} AND f.{_UPTO[4:]}" if upto is not None else _FACTS
    found: dict[str, list[Fact]] = {}
    cursor = await conn.execute(query, {"campaign": campaign, "after": after, "upto": upto})
    for candidate, event in await cursor.fetchall():
        found.setdefault(candidate, []).append(read_event(event))
    return found


async def journeys_between(conn: Conn, campaign: str, after: str, upto: str | None) -> dict[str, StoredJourney]:
    """The journeys of candidates after one, up to another."""
    query = _BETWEEN.format(upto=_UPTO if upto is not None else "")
    return _journeys(await (await conn.execute(query, {"campaign": campaign, "after": after, "upto": upto})).fetchall())


async def journeys_of(conn: Conn, campaign: str, candidates: Sequence[str]) -> dict[str, StoredJourney]:
    """The journeys of these candidates."""
    return _journeys(await (await conn.execute(_OF, [campaign, column(candidates)])).fetchall())


async def horizon(conn: Conn) -> Horizon:
    """The oldest transaction that is not over."""
    row = await (await conn.execute(_HORIZON)).fetchone()
    assert row is not None
    return str(row[0])


async def changed(conn: Conn, campaign: str, since: Horizon) -> list[str]:
    """The candidates whose journey was written by a transaction that was not over then, or began later."""
    return [candidate for (candidate,) in await (await conn.execute(_CHANGED, [campaign, since])).fetchall()]


async def campaign_row(conn: Conn, campaign: str) -> Row | None:
    """The particulars of a campaign."""
    rows = await _rows(conn, _CAMPAIGN, campaign)
    return rows[0] if rows else None


async def fairs(conn: Conn, campaign: str) -> dict[str, Row]:
    """A campaign's fairs."""
    return {row["fair"]: row for row in await _rows(conn, _FAIRS, campaign)}


async def seats(conn: Conn, campaign: str) -> list[str]:
    """What of a campaign's seats does not follow from who is in line and from the capacities, in words."""
    values = {"campaign": campaign}
    cut = await (await conn.execute(_CUT, values)).fetchall()
    full = await (await conn.execute(_FULL, values)).fetchall()
    stray = await (await conn.execute(_STRAY, values)).fetchall()
    return [
        *(f"{fair}: {who} {'waits' if waiting else 'has a seat'}, and should not" for fair, who, waiting in cut),
        *(f"{fair}: stored {row[:3]} but there are {row[3:]} seats, kept and waiting"
          for fair, *row in full if row[:3] != row[3:]),
        *(f"{fair}: {who} is in line without a journey" for fair, who in stray),
    ]  # fmt: skip


async def strangers(conn: Conn, campaign: str) -> list[str]:
    """Of whom the vault knows something, though they have no journey."""
    return [candidate for (candidate,) in await (await conn.execute(_STRANGERS, [campaign])).fetchall()]


async def employers(conn: Conn, campaign: str) -> dict[str, Row]:
    """What is said of a campaign's employers."""
    return {row["employer"]: row for row in await _rows(conn, _EMPLOYERS, campaign)}


async def openings(conn: Conn, campaign: str) -> dict[str, Row]:
    """A campaign's openings."""
    return {row["opening"]: row for row in await _rows(conn, _OPENINGS, campaign)}


async def milestones(conn: Conn, campaign: str) -> set[tuple[str, Decimal, int]]:
    """The milestones that were reached: (target, goal, percent)."""
    cursor = await conn.execute(_MILESTONES, [campaign])
    return {(target, goal, percent) for target, goal, percent in await cursor.fetchall()}


async def retractions_apart(conn: Conn, campaign: str) -> list[tuple[str, str]]:
    """What facts retract and is not noted as retracted, or the other way round: (source, id)."""
    cursor = await conn.execute(_RETRACTIONS_APART, {"campaign": campaign})
    return [(source, id) for source, id in await cursor.fetchall()]


async def merges_apart(conn: Conn, campaign: str) -> list[tuple[str, str]]:
    """The pairs of candidates of whom facts say otherwise than it is noted whether they are one person."""
    cursor = await conn.execute(_MERGES_APART, {"campaign": campaign})
    return [(one, other) for one, other in await cursor.fetchall()]


async def unasked(conn: Conn, requests: Collection[MessageRequest]) -> list[str]:
    """Which of these reasons no message was asked for, by their keys."""
    rows = [
        (*reasons.forms(each.dedupe_key, each.campaign, each.candidate), each.kind, each.source, each.fact)
        for each in requests
    ]
    cursor = await conn.execute(_MISSING, columns(rows, 6))
    return [key for (key,) in await cursor.fetchall()]


async def unfounded(conn: Conn, campaign: str) -> list[int]:
    """Messages whose fact is not in the ledger."""
    return [id for (id,) in await (await conn.execute(_UNFOUNDED, [campaign])).fetchall()]


async def sent_twice(conn: Conn, campaign: str) -> list[int]:
    """Messages that went more than once though nobody let them."""
    return [id for (id,) in await (await conn.execute(_SENT_TWICE, [list(LETS_GO_AGAIN), campaign])).fetchall()]


async def astray(conn: Conn) -> list[int]:
    """Numbers in the outbox that no fact of the ledger has."""
    return [seq for (seq,) in await (await conn.execute(_ASTRAY)).fetchall()]


def _journeys(rows: Iterable[tuple[Any, ...]]) -> dict[str, StoredJourney]:
    found = {}
    for candidate, state, standing, employers, behind, fairs, stamps, known, tags, offer_ends, merged_into in rows:
        seats = {fair: (at, source, id) for fair, (at, source, id) in zip(fairs or (), stamps or (), strict=True)}
        drawn = {"tags": tags or [], "offer_ends": offer_ends, "merged_into": merged_into}
        found[candidate] = StoredJourney(_decode(state), standing, employers, behind, seats, *(known or ()), **drawn)
    return found


async def _rows(conn: Conn, query: str, campaign: str) -> list[Row]:
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(query, [campaign])
        return await cursor.fetchall()
