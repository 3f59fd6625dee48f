"""Who may be the same person: candidates with the same telephone number, address, or name, school and year of
graduation, as far as the vault knows them by keyed hashes. Who is restricted or erased is not among them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from storage.arrays import column
from storage.database import Conn

Alike = Literal["phone", "email", "namesake"]
ALIKE: Final[tuple[Alike, ...]] = ("phone", "email", "namesake")
WINDOW: Final = 20_000  # candidates looked through at a time

# By one kind of hash. Who was merged stands for the person, who is not suggested to be themselves.
_PAIRS: Final = """
SELECT x.head AS one, y.head AS other, '{alike}' AS alike FROM vault.person a
JOIN vault.person b ON b.campaign = a.campaign AND b.{alike} = a.{alike} AND {side}
JOIN journeys j ON (j.campaign, j.candidate) = (a.campaign, a.candidate)
JOIN journeys k ON (k.campaign, k.candidate) = (b.campaign, b.candidate)
CROSS JOIN LATERAL (SELECT coalesce(j.merged_into, j.candidate) AS head) AS x
CROSS JOIN LATERAL (SELECT coalesce(k.merged_into, k.candidate) AS head) AS y
WHERE a.campaign = %(campaign)s AND a.{alike} IS NOT NULL AND {among} AND x.head <> y.head
  AND a.restricted_at IS NULL AND b.restricted_at IS NULL
  AND NOT EXISTS (SELECT FROM apart n WHERE n.campaign = a.campaign
      AND ((n.one, n.other) IN ((x.head, y.head), (y.head, x.head))
           OR (n.one, n.other) IN ((a.candidate, b.candidate), (b.candidate, a.candidate))))
"""
_WITHIN: Final = " UNION ALL ".join(
    _PAIRS.format(
        alike=each,
        side="b.candidate > a.candidate",
        among="a.candidate > %(after)s AND (%(upto)s::text IS NULL OR a.candidate <= %(upto)s)",
    )
    for each in ALIKE
)
_OF_ONE: Final = " UNION ALL ".join(
    _PAIRS.format(alike=each, side="b.candidate <> a.candidate", among="a.candidate = ANY(%(ids)s::text[])")
    for each in ALIKE
)
_GATHERED: Final = """
SELECT one, other, array_agg(DISTINCT alike ORDER BY alike) FROM ({}) AS found
GROUP BY one, other ORDER BY one, other LIMIT %(limit)s
"""
_WINDOW_END: Final = """
SELECT candidate FROM vault.person WHERE campaign = %(campaign)s AND candidate > %(after)s
ORDER BY candidate OFFSET %(window)s LIMIT 1
"""
_APART: Final = """
INSERT INTO apart (campaign, one, other, said_by) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two candidates who may be the same person, and what of them is alike."""

    one: str
    other: str
    alike: tuple[Alike, ...]


async def within(conn: Conn, campaign: str, after: str, *, limit: int) -> tuple[list[Pair], str | None]:
    """The pairs among the next candidates by id, so many at most, and after whom to go on; None at the end."""
    values = {"campaign": campaign, "after": after, "window": WINDOW}
    end = await (await conn.execute(_WINDOW_END, values)).fetchone()
    upto = end[0] if end else None
    found = await _pairs(conn, _WITHIN, {**values, "upto": upto, "limit": limit})
    return found, upto


async def of(conn: Conn, campaign: str, ids: list[str], *, limit: int) -> list[Pair]:
    """Who may be the same person as this one of these ids, who is the `one` of each pair."""
    return await _pairs(conn, _OF_ONE, {"campaign": campaign, "ids": column(ids), "limit": limit})


async def set_apart(conn: Conn, campaign: str, one: str, other: str, *, said_by: str) -> None:
    """They are not the same person: they are not suggested again."""
    await conn.execute(_APART, [campaign, *sorted((one, other)), said_by])


async def _pairs(conn: Conn, query: str, values: dict[str, object]) -> list[Pair]:
    cursor = await conn.execute(_GATHERED.format(query).encode(), values)
    found: dict[tuple[str, ...], Pair] = {}
    for one, other, alike in await cursor.fetchall():
        found.setdefault(tuple(sorted((one, other))), Pair(one, other, tuple(alike)))
    return list(found.values())
