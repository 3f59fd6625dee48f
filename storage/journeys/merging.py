"""Who are one person: the latest word on each pair of candidates, and whose row carries their journey."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from schemas.facts import Fact
from storage.arrays import column, columns
from storage.database import Conn
from storage.ledger.events import WHOLE, read_event
from storage.ledger.ledger import JourneyKey

# Campaign, one and other in the order of their ids; into whom, and the stamp of the fact, where a word stands; stands.
MergeAround = tuple[str, str, str, str | None, int | None, str | None, str | None, bool]

_SAID: Final = f"""
SELECT {WHOLE} FROM facts f JOIN unnest(%s::text[], %s::text[]) AS k(campaign, candidate)
  ON f.campaign = k.campaign AND f.candidate = k.candidate
WHERE f.type = ANY(%s::text[]) AND NOT EXISTS (SELECT FROM pending p WHERE p.seq = f.seq)
"""
_PUT: Final = """
INSERT INTO merges (campaign, one, other, "into", at, source, id, stands)
SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::text[], %s::text[], %s::bool[])
ON CONFLICT (campaign, one, other) DO UPDATE SET "into" = excluded."into", at = excluded.at, source = excluded.source,
    id = excluded.id, stands = excluded.stands
"""
_AROUND: Final = """
WITH RECURSIVE reached(campaign, candidate) AS (
    SELECT * FROM unnest(%s::text[], %s::text[])
    UNION
    SELECT r.campaign, n.candidate FROM reached r CROSS JOIN LATERAL (
        SELECT other FROM merges m WHERE m.campaign = r.campaign AND m.one = r.candidate AND m.stands
        UNION ALL SELECT one FROM merges m WHERE m.campaign = r.campaign AND m.other = r.candidate AND m.stands
    ) AS n(candidate)
)
SELECT m.campaign, m.one, m.other, m."into", m.at, m.source, m.id, m.stands
FROM reached r JOIN merges m ON m.campaign = r.campaign AND m.one = r.candidate AND m.stands
"""
_CIRCLES: Final = """
WITH RECURSIVE reached(first, candidate) AS (
    SELECT c, c FROM unnest(%(candidates)s::text[]) AS c
    UNION
    SELECT r.first, n.candidate FROM reached r CROSS JOIN LATERAL (
        SELECT other FROM merges m WHERE m.campaign = %(campaign)s AND m.one = r.candidate
        UNION ALL SELECT one FROM merges m WHERE m.campaign = %(campaign)s AND m.other = r.candidate
    ) AS n(candidate)
)
SELECT array_agg(candidate ORDER BY candidate COLLATE "C") FROM reached GROUP BY first
"""
# Both have a row of their own, and neither stands under the other's.
_IDLE: Final = """
SELECT m.one, m.other, m."into", m.source, m.id FROM merges m
JOIN journeys a ON (a.campaign, a.candidate) = (m.campaign, m.one)
JOIN journeys b ON (b.campaign, b.candidate) = (m.campaign, m.other)
WHERE m.campaign = %(campaign)s AND m.stands
  AND coalesce(a.merged_into, a.candidate) <> coalesce(b.merged_into, b.candidate)
  AND (%(ids)s::text[] IS NULL OR m.one = ANY(%(ids)s::text[]) OR m.other = ANY(%(ids)s::text[]))
ORDER BY m.one, m.other LIMIT %(limit)s
"""
_CROWDED: Final = """
WITH found AS (
    SELECT campaign, merged_into AS head FROM journeys
    WHERE merged_into IS NOT NULL AND (campaign, merged_into) > (%s, %s)
    GROUP BY campaign, merged_into HAVING count(*) >= %s ORDER BY campaign, merged_into LIMIT 1
)
SELECT f.campaign, f.head, m.source, m.id FROM found f JOIN merges m
    ON m.campaign = f.campaign AND m.stands AND f.head IN (m.one, m.other) LIMIT 1
"""
_CAMPAIGNS: Final = "SELECT DISTINCT campaign FROM merges WHERE %(candidate)s IN (one, other) ORDER BY campaign"
_HEADS: Final = """
SELECT j.campaign, j.candidate, j.merged_into FROM journeys j
JOIN unnest(%s::text[], %s::text[]) AS k(campaign, candidate) USING (campaign, candidate)
WHERE j.merged_into IS NOT NULL
"""
# What a worker of the version before united while it ran beside this one; its time is set in storage/beats.py.
_UNITE_ANEW: Final = """
WITH due AS (
    DELETE FROM secrets WHERE name = 'united_anew_at' AND convert_from(value, 'UTF8')::timestamptz <= now() RETURNING 1
)
UPDATE journeys h SET drawn = NULL FROM journeys m
WHERE EXISTS (SELECT FROM due) AND m.merged_into IS NOT NULL
  AND (h.campaign, h.candidate) = (m.campaign, m.merged_into)
"""
_MEMBERS: Final = """
SELECT campaign, candidate, merged_into FROM journeys j
JOIN unnest(%s::text[], %s::text[]) AS k(campaign, merged_into) USING (campaign, merged_into)
ORDER BY campaign, candidate COLLATE "C"
"""


async def said(conn: Conn, candidates: Iterable[JourneyKey], types: Collection[str]) -> list[Fact]:
    """The applied facts of these types under these candidates' ids, retracted ones among them."""
    cursor = await conn.execute(_SAID, [*columns(list(candidates), 2), column(sorted(types))])
    return [read_event(event) for (event,) in await cursor.fetchall()]


async def put(conn: Conn, rows: Sequence[MergeAround]) -> None:
    """Store what is said of pairs now. Needs their campaigns' exclusive locks."""
    ordered: list[MergeAround] = sorted(rows, key=lambda row: row[:3])
    await conn.execute(_PUT, columns(ordered, 8))


async def around(conn: Conn, candidates: Iterable[JourneyKey]) -> list[MergeAround]:
    """The pairs that stand and hang together with these candidates, however many lie between."""
    return await (await conn.execute(_AROUND, columns(list(candidates), 2))).fetchall()


async def circles(conn: Conn, campaign: str, candidates: Collection[str]) -> list[tuple[str, ...]]:
    """Each of these candidates with all of whom it was ever said, over however many, that they are the same person or
    are not; those who belong together once."""
    values = {"campaign": campaign, "candidates": column(sorted(candidates))}
    return sorted({tuple(found) for (found,) in await (await conn.execute(_CIRCLES, values)).fetchall()})


@dataclass(frozen=True, slots=True)
class Idle:
    """A word that two are one person, of no effect since that person would have too many ids; `source` and `id`: its
    fact's."""

    candidate: str
    into: str
    source: str
    id: str


async def idle(conn: Conn, campaign: str, ids: Collection[str] | None = None, *, limit: int = 100) -> list[Idle]:
    """Words on merging that stand and have no effect: all of a campaign, or those on some candidates."""
    among = None if ids is None else column(sorted(ids))
    rows = await (await conn.execute(_IDLE, {"campaign": campaign, "ids": among, "limit": limit})).fetchall()
    return [Idle(other if into == one else one, into, source, id) for one, other, into, source, id in rows]


async def crowded(conn: Conn, after: JourneyKey, most: int) -> tuple[JourneyKey, tuple[str, str]] | None:
    """The next person of more ids than `most`, as a version before let there be, by the one under which they stand, and
    a fact that says who is one person with it; None when there is none."""
    row = await (await conn.execute(_CROWDED, [*after, most])).fetchone()
    return ((row[0], row[1]), (row[2], row[3])) if row else None


async def unite_anew(conn: Conn) -> None:
    """Once no worker of the version before is there any more, let the journeys of several be drawn anew."""
    await conn.execute(_UNITE_ANEW)


async def heads(conn: Conn, candidates: Iterable[JourneyKey]) -> dict[JourneyKey, JourneyKey]:
    """For each of these candidates, whose row carries their journey: their own, but for those who were merged."""
    wanted = list(candidates)
    if not wanted:
        return {}
    cursor = await conn.execute(_HEADS, columns(wanted, 2))
    merged = {(campaign, candidate): (campaign, head) for campaign, candidate, head in await cursor.fetchall()}
    return {key: merged.get(key, key) for key in wanted}


async def campaigns_of(conn: Conn, candidate: str) -> list[str]:
    """Where it was said of a candidate of this id who they are."""
    cursor = await conn.execute(_CAMPAIGNS, {"candidate": candidate})
    return [campaign for (campaign,) in await cursor.fetchall()]


async def of_persons(conn: Conn, candidates: Iterable[JourneyKey]) -> list[JourneyKey]:
    """All candidates who are the same persons as these, in their order."""
    return sorted({each for found in (await members(conn, candidates)).values() for each in found})


async def members(conn: Conn, candidates: Iterable[JourneyKey]) -> dict[JourneyKey, list[JourneyKey]]:
    """For each of these candidates all who are the same person, the head first; themselves alone where nobody is."""
    known = await heads(conn, candidates)
    if not known:
        return {}
    cursor = await conn.execute(_MEMBERS, columns(sorted(set(known.values())), 2))
    found: dict[JourneyKey, list[JourneyKey]] = {head: [head] for head in known.values()}
    for campaign, candidate, head in await cursor.fetchall():
        found[campaign, head].append((campaign, candidate))
    return {key: found[head] for key, head in known.items()}
