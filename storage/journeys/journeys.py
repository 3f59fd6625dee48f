"""Journeys as they are stored, each with a version, so that two writers can't overwrite one another."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from schemas.errors import ConcurrentChange
from schemas.journey import Journey
from storage.arrays import Column, column, columns, cut, strung
from storage.database import Conn
from storage.journeys import merging, states
from storage.journeys.tags import employers, offer_ends, tags
from storage.ledger.events import BESIDE
from storage.ledger.ledger import JourneyKey

BETWEEN: Final = "\u2028"  # stands in no value, and is no control character, which would be written with more work
# The row of no candidate tells whether a process of the version before reads what is written. It may be any of them:
# where Postgres reads with several processes, rows come in no order.
_LOAD = f"""
SELECT j.campaign, j.candidate, j.version, j.state, j.drawn, NULL::bool FROM journeys j
JOIN unnest(%s::text[], %s::text[]) AS k(campaign, candidate) USING (campaign, candidate)
UNION ALL SELECT NULL, NULL, NULL, NULL, NULL, {BESIDE}
"""
# Counted by Postgres: an answer that is asked for among others has rows, or it is none.
_STORE = f"""
WITH stored AS (
INSERT INTO journeys AS j (campaign, candidate, version, state, standing, reached, employers, drawn, tags, offer_ends,
                           tagged, merged_into)
SELECT c, p, v, {cut("state")}, m::jsonb, r::bigint[], coalesce(string_to_array(e, '{BETWEEN}'), '{{}}'), v,
       coalesce(string_to_array(t, '{BETWEEN}'), '{{}}'), o, v, i
FROM unnest(%(campaigns)s::text[], %(candidates)s::text[], %(versions)s::int[], %(employers)s::text[],
            %(tags)s::text[], %(ends)s::timestamptz[], %(merged)s::text[], %(standing)s::text[], %(reached)s::text[],
            %(state_at)s::int[], %(state_size)s::int[]) AS n(c, p, v, e, t, o, i, m, r, state_at, state_size)
ON CONFLICT (campaign, candidate) DO UPDATE
SET version = excluded.version, state = excluded.state, name = NULL, standing = excluded.standing,
    reached = excluded.reached, employers = excluded.employers, drawn = excluded.drawn, tags = excluded.tags,
    offer_ends = excluded.offer_ends, tagged = excluded.tagged, merged_into = excluded.merged_into, updated_at = now()
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

# What another version stored last; and, once none is there that reads no other, what is not packed as yet.
_UNTAGGED = f"""
SELECT j.campaign, j.candidate, version, state, {states.standing_of("j")}, {BESIDE} FROM journeys j
WHERE (campaign, candidate) > (%s, %s)
  AND (tagged IS DISTINCT FROM version OR ({states.IS_PLAIN.format("j.")} AND NOT {BESIDE}))
ORDER BY campaign, candidate LIMIT %s
"""
# What a worker writes meanwhile has its tags.
_TAG = f"""
UPDATE journeys j SET tags = coalesce(string_to_array(n.t, '{BETWEEN}'), '{{}}'), offer_ends = n.o, tagged = j.version,
    state = {cut("state")}, standing = n.m::jsonb, reached = n.r::bigint[]
FROM unnest(%(campaigns)s::text[], %(candidates)s::text[], %(versions)s::int[], %(tags)s::text[],
            %(ends)s::timestamptz[], %(standing)s::text[], %(reached)s::text[], %(state_at)s::int[],
            %(state_size)s::int[]) AS n(c, p, v, t, o, m, r, state_at, state_size)
WHERE (j.campaign, j.candidate) = (n.c, n.p) AND j.version = n.v
"""


@dataclass(slots=True)
class Stored:
    """A journey and the version that was read; 0: there is no row yet. `whole`: this version of Yinfeng wrote it.
    One of another may lack what is known of a journey since, and is to be folded anew. `plain`: it is to be written as
    a process of the version before reads it, since one may be there."""

    version: int
    journey: Journey
    whole: bool = True
    plain: bool = False


async def load(conn: Conn, keys: Iterable[JourneyKey]) -> dict[JourneyKey, Stored]:
    """The journeys of these candidates; an empty one at version 0 where none is stored."""
    wanted = list(keys)
    cursor = await conn.execute(_LOAD, columns(wanted, 2), binary=True)
    rows = await cursor.fetchall()
    plain = next(beside for *_, state, _, beside in rows if state is None)
    there = {
        (campaign, candidate): Stored(version, states.read(state), drawn == version, plain)
        for campaign, candidate, version, state, drawn, _ in rows
        if state is not None
    }
    return {key: there.get(key) or Stored(0, Journey(), plain=plain) for key in wanted}


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
    rows = sorted(changed.items())
    drawn = [_drawn(key[1], stored.journey, standing, plain=stored.plain) for key, (stored, standing) in rows]
    given = _columns([(key, stored.version + 1) for key, (stored, _) in rows], drawn)
    given["employers"] = column([BETWEEN.join(sorted(employers(each.journey))) or None for _, (each, _) in rows])
    given["merged"] = column([each.journey.merged_into for _, (each, _) in rows])
    row = await (await conn.execute(_STORE, given)).fetchone()
    if row is None or row[0] != len(changed):
        raise ConcurrentChange("a journey was changed by another worker")


async def behind(conn: Conn, after: JourneyKey, most: int) -> list[JourneyKey]:
    """Some of the journeys that another version of Yinfeng wrote last, the next ones after this."""
    cursor = await conn.execute(_BEHIND, [*after, most])
    return [(campaign, candidate) for campaign, candidate in await cursor.fetchall()]


async def tag_more(conn: Conn, after: JourneyKey, most: int) -> JourneyKey | None:
    """Tag some of the journeys that another version of Yinfeng wrote last, the next ones after this, and pack them
    where nobody reads what is plain any more. Returns after which to go on; None when nothing is left."""
    found = await (await conn.execute(_UNTAGGED, [*after, most])).fetchall()
    drawn = [
        _drawn(candidate, states.read(state), states.standing(kept), plain=plain)
        for _, candidate, _, state, kept, plain in found
    ]
    await conn.execute(_TAG, _columns([((campaign, candidate), v) for campaign, candidate, v, *_ in found], drawn))
    return (found[-1][0], found[-1][1]) if found else None


class _Drawn(NamedTuple):
    """What stands in a journey's row beside its key and version. Of `standing` and `reached` there is one."""

    state: bytes
    tags: str | None
    ends: datetime | None
    standing: str | None
    reached: str | None


def _drawn(candidate: str, journey: Journey, standing: dict[str, int], *, plain: bool) -> _Drawn:
    tagged = BETWEEN.join(tags(candidate, journey, standing, plain=plain)) or None
    ends = offer_ends(journey)
    if plain:
        return _Drawn(states.plain(journey), tagged, ends, states.plain(standing).decode(), None)
    return _Drawn(states.packed(journey), tagged, ends, None, states.kept(standing))


def _columns(keys: Sequence[tuple[JourneyKey, int]], drawn: Sequence[_Drawn]) -> dict[str, Column]:
    """The parameters that both statements take: `keys` with the version, and what stands in their rows."""
    return {
        "campaigns": column([campaign for (campaign, _), _ in keys]),
        "candidates": column([candidate for (_, candidate), _ in keys]),
        "versions": column([version for _, version in keys]),
        "tags": column([each.tags for each in drawn]),
        "ends": column([each.ends for each in drawn]),
        "standing": column([each.standing for each in drawn]),
        "reached": column([each.reached for each in drawn]),
        **strung("state", [each.state for each in drawn]),
    }


async def scan(conn: Conn, campaign: str) -> AsyncIterator[tuple[str, Journey]]:
    """Every (candidate, journey) of a campaign by candidate, read in portions. Call it inside a transaction."""
    async with conn.cursor(name="journeys_scan") as cursor:
        cursor.itersize = _SCAN_SIZE
        await cursor.execute(_SCAN, [campaign])
        async for candidate, state in cursor:
            yield candidate, states.read(state)
