"""The list of a campaign's candidates, by id: narrowed, searched, and as an employer may see it. Who is restricted is
not on it, and has no name."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from schemas.errors import CannotOpen, FieldError, Refused
from schemas.journey import Journey
from storage.arrays import column
from storage.database import Conn
from storage.journeys import narrowing
from storage.journeys.narrowing import Wanted
from storage.journeys.states import read, standing, standing_of
from storage.journeys.tags import open_ends
from storage.vault.keeping import PLATFORM, SEALED_WORDS
from storage.vault.process import vault
from storage.vault.restricting import SHOWN
from storage.vault.searching import asked

_SHOWN: Final = SHOWN.format(campaign="k.campaign", candidate="k.candidate")
# A journey that an earlier version stored last has the name itself.
_NAMES: Final = f"""
SELECT k.candidate, coalesce(p.name, k.name) FROM journeys k LEFT JOIN vault.person p USING (campaign, candidate)
WHERE k.campaign = %s AND k.candidate = ANY(%s::text[]) AND coalesce(p.name, k.name) IS NOT NULL AND {_SHOWN}
"""
# `k` as in sight.py, whose rule has a `j` of its own.
_LISTED: Final = f"""
SELECT k.candidate, coalesce(p.name, k.name) AS name, k.state, {standing_of("k")}, k.updated_at
FROM journeys k LEFT JOIN vault.person p USING (campaign, candidate)
WHERE k.campaign = %(campaign)s AND k.candidate > %(after)s AND k.merged_into IS NULL AND {_SHOWN}
"""
# Who is found under another of their ids: the person, by the row of the one into whom that was merged.
_ALSO: Final = f"""
SELECT k.candidate, coalesce(h.name, k.name) AS name, k.state, {standing_of("k")}, k.updated_at
FROM journeys m JOIN journeys k ON (k.campaign, k.candidate) = (m.campaign, m.merged_into)
LEFT JOIN vault.person h ON (h.campaign, h.candidate) = (k.campaign, k.candidate)
LEFT JOIN vault.person p ON (p.campaign, p.candidate) = (m.campaign, m.candidate)
WHERE m.campaign = %(campaign)s AND m.merged_into IS NOT NULL AND k.candidate > %(after)s AND {_SHOWN}
"""
# An index serves each of them by itself; joined by OR none would.
_FOUND: Final = """
SELECT DISTINCT ON (candidate) * FROM (({by_person}) UNION ALL ({by_id}) UNION ALL ({also_by_person})
    UNION ALL ({also_by_id})) AS found ORDER BY candidate LIMIT %(limit)s
"""
# Where few of many have what is asked for, going through all of them in their order takes long, and the index of tags
# gives those few at once; where many have it, it is the other way round. So a window is looked through first.
_WINDOW: Final = 20_000
_WINDOW_END: Final = """
SELECT candidate FROM journeys WHERE campaign = %(campaign)s AND candidate > %(after)s
ORDER BY candidate OFFSET %(window)s LIMIT 1
"""
_WITHIN: Final = " AND k.candidate <= %(upto)s"
_BY_TAGS: Final = """
WITH tagged AS MATERIALIZED (
    SELECT k.candidate FROM journeys k WHERE k.campaign = %(campaign)s AND k.candidate > %(after)s{tags})
"""
_TAGGED: Final = " AND k.candidate IN (SELECT candidate FROM tagged)"
_ORDERED: Final = " ORDER BY k.candidate LIMIT %(limit)s"
# An employer may see few of those who have to do with it, or nobody: so many at most are looked at for one part, in
# their order, until there are as many as are asked for.
LOOKED_AT: Final = 2_500
_AS_SEEN: Final = f"""
WITH looked_at AS MATERIALIZED (
    SELECT k.candidate FROM journeys k
    WHERE k.campaign = %(campaign)s AND k.candidate > %(after)s{{tags}} ORDER BY k.candidate LIMIT %(most)s
)
SELECT l.number, l.last, n.* FROM (SELECT count(*) AS number, max(candidate) AS last FROM looked_at) AS l
LEFT JOIN (
    SELECT o.* FROM (SELECT candidate FROM looked_at ORDER BY candidate OFFSET 0) AS e
    CROSS JOIN LATERAL ({_LISTED} AND k.candidate = e.candidate{{rule}} OFFSET 0) AS o LIMIT %(limit)s
) AS n ON true ORDER BY n.candidate
"""
# Who is found by what somebody typed, under whichever id, in no order.
_MATCHED: Final = """
SELECT candidate FROM (
    (SELECT p.candidate FROM vault.person p WHERE p.campaign = %(campaign)s{found} LIMIT %(most)s)
    UNION ALL
    (SELECT k.candidate FROM journeys k WHERE k.campaign = %(campaign)s AND k.candidate LIKE %(id)s LIMIT %(most)s)
) AS named
"""
_AMONG: Final = """
 AND k.candidate IN (SELECT coalesce(m.merged_into, m.candidate) FROM journeys m
                     WHERE m.campaign = %(campaign)s AND m.candidate = ANY(%(matched)s::text[]))"""
_MATCHES: Final = """
 AND ((true{found}) OR k.candidate LIKE %(id)s OR EXISTS (
    SELECT FROM journeys m JOIN vault.person p USING (campaign, candidate)
    WHERE m.campaign = %(campaign)s AND m.merged_into = k.candidate AND ((true{found}) OR m.candidate LIKE %(id)s)))"""


@dataclass(frozen=True, slots=True)
class Person:
    """One of the list: what is known of a candidate, `name` None where nobody told it; `standing` as it is stored."""

    candidate: str
    name: str | None
    journey: Journey
    standing: dict[str, int]
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some of a list, and after what it goes on; None at its end. It may go on where few are here, or nobody: so many
    alone are looked at for one part of what an employer sees. Then that is sealed: it is somebody whom it may not
    see."""

    people: list[Person]
    onward: str | None


async def listed(conn: Conn, campaign: str, wanted: Wanted, *, after: str = "", limit: int) -> Stretch:
    """The next candidates by id, after this one, or after what the part before said. Raises Refused for what none
    said."""
    tags, given = narrowing.narrowed(wanted)
    if wanted.sees is not None:
        after = await _opened(conn, wanted.sees, after)
    given |= {"campaign": campaign, "after": after, "limit": limit + 1}
    seen = await narrowing.seen(conn, campaign, wanted.sees, given) if wanted.sees is not None else []
    found = await narrowing.by_person(conn, campaign, asked(wanted.q), given) if wanted.q.strip() else []
    if seen:
        part = await _as_seen(conn, [*tags, seen[0]], found, seen[1], given)
        return Stretch([each for each in part.people if _has_its_end(each.journey, wanted)], part.onward)
    if found:
        return _part(await _people(conn, _searched(tags, found), given), limit)
    return _part(await _in_order(conn, tags, given), limit)


def _has_its_end(journey: Journey, wanted: Wanted) -> bool:
    """Whether one of the employer's own offers ends as asked for: those of others are none of its business."""
    if wanted.ends is None:
        return True
    first, last = wanted.ends
    return any(first <= at <= last for at in open_ends(journey, wanted.sees))


async def names(conn: Conn, campaign: str, candidates: Collection[str]) -> dict[str, str]:
    """What these candidates are called, where that is known."""
    return dict(await (await conn.execute(_NAMES, [campaign, column(list(candidates))])).fetchall())


async def _in_order(conn: Conn, tags: list[str], given: dict[str, Any]) -> list[Person]:
    """Those who have these tags."""
    narrowed = "".join([_LISTED, *tags])
    end = await (await conn.execute(_WINDOW_END, {**given, "window": _WINDOW})).fetchone() if tags else None
    if end is None:
        return await _people(conn, narrowed + _ORDERED, given)
    found = await _people(conn, narrowed + _WITHIN + _ORDERED, {**given, "upto": end[0]})
    if len(found) == given["limit"]:
        return found
    return await _people(conn, "".join([_BY_TAGS.format(tags="".join(tags)), _LISTED, _TAGGED, _ORDERED]), given)


def _searched(tags: list[str], found: list[str]) -> str:
    ways = {}
    for name, listed, id in (("", _LISTED, "k.candidate"), ("also_", _ALSO, "m.candidate")):
        narrowed = "".join([listed, *tags])
        ways[f"{name}by_id"] = "".join([narrowed, f" AND {id} LIKE %(id)s", _ORDERED])
        ways[f"{name}by_person"] = "".join([narrowed, *found, _ORDERED])
    return _FOUND.format(**ways)


async def _as_seen(conn: Conn, tags: list[str], found: list[str], rule: str, given: dict[str, Any]) -> Stretch:
    """Those of them whom an employer sees. Where few are found by what was typed, all of them are looked at; of many
    the first who have the tags."""
    given = {**given, "most": LOOKED_AT}
    if found:
        matched = "".join(found)
        query = _MATCHED.format(found=matched).encode()
        cursor = await conn.execute(query, {**given, "most": LOOKED_AT + 1}, prepare=False)
        those = [candidate for (candidate,) in await cursor.fetchall()]
        if len(those) <= LOOKED_AT:
            tags, given["matched"] = [*tags, _AMONG], column(those)
        else:
            rule = _MATCHES.format(found=matched) + rule
    query = _AS_SEEN.format(tags="".join(tags), rule=rule).encode()
    few = min(2 * given["limit"], LOOKED_AT)
    part = await _looked_at(conn, query, {**given, "most": few})
    if few == LOOKED_AT or not _is_sealed(part.onward):
        return part
    return await _looked_at(conn, query, given)  # of a few it is not told that they may not be seen


async def _looked_at(conn: Conn, query: bytes, given: dict[str, Any]) -> Stretch:
    rows = await (await conn.execute(query, given, prepare=False)).fetchall()
    number, last, *_ = rows[0]
    part = _part([_person(row) for _, _, *row in rows if row[0]], given["limit"] - 1)
    if part.onward or number < given["most"]:
        return part
    keeper = await vault().keeper(conn)
    return Stretch(part.people, keeper.seal_words(PLATFORM, _onward(given["sees"]), last))


async def _opened(conn: Conn, employer: str, after: str) -> str:
    if not _is_sealed(after):
        return after
    try:
        return (await vault().keeper(conn)).open_words(PLATFORM, _onward(employer), after) or ""
    except CannotOpen as error:
        wrong = "must be taken from a link to the next page as it is"
        raise Refused(f"after: {wrong}", [FieldError("after", wrong)]) from error


def _is_sealed(onward: str | None) -> bool:
    return onward is not None and onward.startswith(SEALED_WORDS)


def _onward(employer: str) -> str:
    return f"onward:{employer}"


def _part(found: list[Person], limit: int) -> Stretch:
    return Stretch(found[:limit], found[limit - 1].candidate if len(found) > limit else None)


async def _people(conn: Conn, query: str, given: dict[str, Any]) -> list[Person]:
    cursor = await conn.execute(query.encode(), given, prepare=False)  # planned for these values
    return [_person(row) for row in await cursor.fetchall()]


def _person(row: Sequence[Any]) -> Person:
    candidate, name, state, kept, at = row
    return Person(candidate, name, read(state), standing(kept), at)
