"""Journeys as they are stored, each with a version, so that two writers can't overwrite one another."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from schemas.errors import ConcurrentChange
from schemas.journey import Journey
from storage.arrays import Column, Value, columns, documents, split
from storage.database import Conn
from storage.journeys import merging
from storage.journeys.tags import employers, offer_ends, tags
from storage.ledger.ledger import JourneyKey

BETWEEN: Final = "\u2028"  # stands in no value, and is no control character, which would be written with more work
_LOAD = """
SELECT j.campaign, j.candidate, j.version, j.state, j.drawn FROM journeys j
JOIN unnest(%s::text[], %s::text[]) AS k(campaign, candidate) USING (campaign, candidate)
"""
# Counted by Postgres: an answer that is asked for among others has rows, or it is none.
_STORE = f"""
WITH stored AS (
INSERT INTO journeys AS j (campaign, candidate, version, state, standing, employers, drawn, tags, offer_ends, tagged,
                           merged_into)
SELECT c, p, v, convert_to(s, 'UTF8'), m::jsonb, coalesce(string_to_array(e, '{BETWEEN}'), '{{}}'), v,
       coalesce(string_to_array(t, '{BETWEEN}'), '{{}}'), o, v, i
FROM unnest(%s::text[], %s::text[], %s::int[], %s::text[], %s::text[], %s::timestamptz[], %s::text[], {split()},
            {split()}) AS n(c, p, v, e, t, o, i, s, m)
ON CONFLICT (campaign, candidate) DO UPDATE
SET version = excluded.version, state = excluded.state, name = NULL, standing = excluded.standing,
    employers = excluded.employers, drawn = excluded.drawn, tags = excluded.tags, offer_ends = excluded.offer_ends,
    tagged = excluded.tagged, merged_into = excluded.merged_into, updated_at = now()
WHERE j.version = excluded.version - 1
RETURNING 1
)
SELECT count(*) FROM stored
"""
_SCAN = 'SELECT candidate, state FROM journeys WHERE campaign = %s ORDER BY candidate COLLATE "C"'
_SCAN_SIZE = 2000
_BEHIND = """
SELECT campaign, candidate FROM journeys WHERE (campaign, candidate) > (%s, %s) AND drawn IS DISTINCT FROM version
ORDER BY campaign, candidate LIMIT %s
"""

_UNTAGGED = """
SELECT campaign, candidate, version, state, standing FROM journeys
WHERE (campaign, candidate) > (%s, %s) AND tagged IS DISTINCT FROM version ORDER BY campaign, candidate LIMIT %s
"""
# What a worker writes meanwhile has its tags.
_TAG = f"""
UPDATE journeys j SET tags = coalesce(string_to_array(n.t, '{BETWEEN}'), '{{}}'), offer_ends = n.o, tagged = j.version
FROM unnest(%s::text[], %s::text[], %s::int[], %s::text[], %s::timestamptz[]) AS n(c, p, v, t, o)
WHERE (j.campaign, j.candidate) = (n.c, n.p) AND j.version = n.v
"""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Journey).decode


@dataclass(slots=True)
class Stored:
    """A journey and the version that was read; 0: there is no row yet. `whole`: this version of Yinfeng wrote it.
    One of another may lack what is known of a journey since, and is to be folded anew."""

    version: int
    journey: Journey
    whole: bool = True


async def load(conn: Conn, keys: Iterable[JourneyKey]) -> dict[JourneyKey, Stored]:
    """The journeys of these candidates; an empty one at version 0 where none is stored."""
    wanted = list(keys)
    cursor = await conn.execute(_LOAD, columns(wanted, 2), binary=True)
    there = {
        (campaign, candidate): Stored(version, _decode(state), drawn == version)
        for campaign, candidate, version, state, drawn in await cursor.fetchall()
    }
    return {key: there.get(key) or Stored(0, Journey()) for key in wanted}


async def carried(conn: Conn, keys: Iterable[JourneyKey]) -> dict[JourneyKey, tuple[JourneyKey, Stored]]:
    """For each of these candidates the journey of the person, and under whose id it is stored: their own, but for those
    who were merged into another. Those of one person share one journey."""
    heads = await merging.heads(conn, keys)
    stored = await load(conn, sorted(set(heads.values())))
    return {key: (head, stored[head]) for key, head in heads.items()}


async def unknown(conn: Conn, campaign: str, candidate: str) -> bool:
    """Whether nothing was ever said of a candidate."""
    return (await load(conn, [(campaign, candidate)]))[campaign, candidate].version == 0


async def store(conn: Conn, changed: Mapping[JourneyKey, tuple[Stored, dict[str, int]]]) -> None:
    """Write journeys, each with its standing milestones. Raises ConcurrentChange when one was written meanwhile."""
    if not changed:
        return
    row = await (await conn.execute(_STORE, _columns(sorted(changed.items())))).fetchone()
    if row is None or row[0] != len(changed):
        raise ConcurrentChange("a journey was changed by another worker")


async def behind(conn: Conn, after: JourneyKey, most: int) -> list[JourneyKey]:
    """Some of the journeys that another version of Yinfeng wrote last, the next ones after this."""
    cursor = await conn.execute(_BEHIND, [*after, most])
    return [(campaign, candidate) for campaign, candidate in await cursor.fetchall()]


def _columns(rows: list[tuple[JourneyKey, tuple[Stored, dict[str, int]]]]) -> list[Column]:
    named = [_row(key, stored, standing) for key, (stored, standing) in rows]
    states = documents(_encode(stored.journey) for _, (stored, _) in rows)
    return [*columns(named, 7), states, documents(_encode(standing) for _, (_, standing) in rows)]


def _row(key: JourneyKey, stored: Stored, standing: Mapping[str, int]) -> tuple[Value, ...]:
    journey = stored.journey
    named = BETWEEN.join(sorted(employers(journey))) or None
    tagged = _tagged(key[1], journey, standing)
    return (*key, stored.version + 1, named, tagged, offer_ends(journey), journey.merged_into)


async def tag_more(conn: Conn, after: JourneyKey, most: int) -> JourneyKey | None:
    """Tag some of the journeys that another version of Yinfeng wrote last, the next ones after this. Returns after
    which to go on; None when nothing is left."""
    found = await (await conn.execute(_UNTAGGED, [*after, most])).fetchall()
    rows = [(key, version, _decode(state), standing) for *key, version, state, standing in found]
    told = [(*key, version, _tagged(key[1], j, standing), offer_ends(j)) for key, version, j, standing in rows]
    await conn.execute(_TAG, columns(told, 5))
    return (found[-1][0], found[-1][1]) if found else None


def _tagged(candidate: str, journey: Journey, standing: Mapping[str, int]) -> str | None:
    return BETWEEN.join(tags(candidate, journey, standing)) or None


async def scan(conn: Conn, campaign: str) -> AsyncIterator[tuple[str, Journey]]:
    """Every (candidate, journey) of a campaign by candidate, read in portions. Call it inside a transaction."""
    async with conn.cursor(name="journeys_scan") as cursor:
        cursor.itersize = _SCAN_SIZE
        await cursor.execute(_SCAN, [campaign])
        async for candidate, state in cursor:
            yield candidate, _decode(state)
