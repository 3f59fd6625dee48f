"""Who may be the same person: candidates with the same telephone number, address, or name, school and year of
graduation, as far as the vault knows them by keyed hashes. Who is restricted or erased is not among them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from storage.arrays import column
from storage.database import Conn

Alike = Literal["phone", "email", "namesake"]
ALIKE: Final[tuple[Alike, ...]] = ("phone", "email", "namesake")
WINDOW: Final = 4_000  # candidates looked through at a time
WINDOWS: Final = 5  # of these at most for one look, where nobody is found

# By one kind of hash. Who was merged stands for the person, who is not suggested to be themselves. Where many have the
# same, as with a school's telephone number, each is compared with the next three alone: the pairs of all would be too
# many to look through, let alone to read.
_WITHIN_ONE: Final = """
SELECT n.one, n.other, '{alike}' AS alike FROM (
    SELECT head AS one, unnest(ARRAY[lead(head, 1) OVER w, lead(head, 2) OVER w, lead(head, 3) OVER w]) AS other
    FROM {alike}_of WINDOW w AS (PARTITION BY hash ORDER BY head)
) AS n
WHERE n.other IS NOT NULL AND n.one > %(after)s AND (%(upto)s::text IS NULL OR n.one <= %(upto)s)
  AND (least(n.one, n.other), greatest(n.one, n.other)) NOT IN (TABLE kept_apart)
"""
# Each hash is looked up by its index, whatever is known of the table's size: right after many came, nothing is. Of
# those that one candidate alone has, which are most, the index tells as much; they are in its order, in which it is
# quick.
_SHARED: Final = """
{alike}_of AS MATERIALIZED (
    SELECT DISTINCT h.hash, coalesce(j.merged_into, j.candidate) AS head
    FROM (
        SELECT d.hash FROM (
            SELECT DISTINCT {alike} AS hash FROM among WHERE {alike} IS NOT NULL ORDER BY {alike} OFFSET 0
        ) AS d
        WHERE (SELECT count(*) FROM (
            SELECT FROM vault.person q WHERE q.campaign = %(campaign)s AND q.{alike} = d.hash LIMIT 2
        ) AS two) > 1 OFFSET 0
    ) AS h
    CROSS JOIN LATERAL (
        SELECT array_agg(p.candidate) AS candidates FROM vault.person p
        WHERE p.campaign = %(campaign)s AND p.{alike} = h.hash AND p.restricted_at IS NULL
    ) AS same
    CROSS JOIN LATERAL unnest(same.candidates) AS u(candidate)
    JOIN journeys j ON j.campaign = %(campaign)s AND j.candidate = u.candidate
    WHERE cardinality(same.candidates) > 1
)
"""
_AMONG: Final = """
among AS MATERIALIZED (
    SELECT phone, email, namesake FROM vault.person
    WHERE campaign = %(campaign)s AND candidate > %(after)s AND (%(upto)s::text IS NULL OR candidate <= %(upto)s)
    UNION ALL
    SELECT p.phone, p.email, p.namesake FROM journeys m JOIN vault.person p USING (campaign, candidate)
    WHERE m.campaign = %(campaign)s AND m.merged_into > %(after)s
      AND (%(upto)s::text IS NULL OR m.merged_into <= %(upto)s)
)
"""
_KEPT_APART: Final = """
kept_apart AS MATERIALIZED (
    SELECT least(h.one, h.other), greatest(h.one, h.other) FROM apart n
    LEFT JOIN journeys x ON (x.campaign, x.candidate) = (n.campaign, n.one)
    LEFT JOIN journeys y ON (y.campaign, y.candidate) = (n.campaign, n.other)
    CROSS JOIN LATERAL (SELECT coalesce(x.merged_into, n.one), coalesce(y.merged_into, n.other)) AS h(one, other)
    WHERE n.campaign = %(campaign)s
)
"""
_OF: Final = """
SELECT x.head AS one, y.head AS other, '{alike}' AS alike FROM vault.person a
JOIN vault.person b ON b.campaign = a.campaign AND b.{alike} = a.{alike} AND b.candidate <> a.candidate
JOIN journeys j ON (j.campaign, j.candidate) = (a.campaign, a.candidate)
JOIN journeys k ON (k.campaign, k.candidate) = (b.campaign, b.candidate)
CROSS JOIN LATERAL (SELECT coalesce(j.merged_into, j.candidate) AS head) AS x
CROSS JOIN LATERAL (SELECT coalesce(k.merged_into, k.candidate) AS head) AS y
WHERE a.campaign = %(campaign)s AND a.{alike} IS NOT NULL AND a.candidate = ANY(%(ids)s::text[]) AND x.head <> y.head
  AND a.restricted_at IS NULL AND b.restricted_at IS NULL
  AND (least(x.head, y.head), greatest(x.head, y.head)) NOT IN (TABLE kept_apart)
"""
_GATHERED: Final = """
WITH {} SELECT one, other, array_agg(DISTINCT alike ORDER BY alike) FROM ({}) AS found
GROUP BY one, other ORDER BY one, other LIMIT %(limit)s
"""
WITHIN: Final = _GATHERED.format(
    ", ".join([_AMONG, _KEPT_APART, *(_SHARED.format(alike=each) for each in ALIKE)]),
    " UNION ALL ".join(_WITHIN_ONE.format(alike=each) for each in ALIKE),
)
_OF_ONE: Final = _GATHERED.format(_KEPT_APART, " UNION ALL ".join(_OF.format(alike=each) for each in ALIKE))
_WINDOW_END: Final = """
SELECT candidate FROM vault.person WHERE campaign = %(campaign)s AND candidate > %(after)s
ORDER BY candidate OFFSET %(window)s LIMIT 1
"""
_APART: Final = """
INSERT INTO apart (campaign, one, other, said_by) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class AlikePair:
    """Two candidates who may be the same person, and what of them is alike."""

    one: str
    other: str
    alike: tuple[Alike, ...]


async def within(conn: Conn, campaign: str, after: str, *, limit: int) -> tuple[list[AlikePair], str | None]:
    """The pairs among the next candidates by id, so many at most, each under the first of its two ids, and after whom
    to go on; None at the end."""
    found: list[AlikePair] = []
    onward: str | None = after
    for _ in range(WINDOWS):
        values = {"campaign": campaign, "after": onward, "window": WINDOW}
        end = await (await conn.execute(_WINDOW_END, values)).fetchone()
        onward = end[0] if end else None
        found = await _pairs(conn, WITHIN, {**values, "upto": onward, "limit": limit})
        if found or onward is None:
            break
    return found, onward


async def of(conn: Conn, campaign: str, ids: list[str], *, limit: int) -> list[AlikePair]:
    """Who may be the same person as this one of these ids, who is the `one` of each pair."""
    return await _pairs(conn, _OF_ONE, {"campaign": campaign, "ids": column(ids), "limit": limit})


async def set_apart(conn: Conn, campaign: str, one: str, other: str, *, said_by: str) -> None:
    """They are not the same person: they are not suggested again."""
    await conn.execute(_APART, [campaign, *sorted((one, other)), said_by])


async def _pairs(conn: Conn, query: str, values: dict[str, object]) -> list[AlikePair]:
    cursor = await conn.execute(query.encode(), values)
    found: dict[tuple[str, ...], AlikePair] = {}
    for one, other, alike in await cursor.fetchall():
        found.setdefault(tuple(sorted((one, other))), AlikePair(one, other, tuple(alike)))
    return list(found.values())
