"""Each fair's line as it is stored: who has a seat, who waits, in which order. Written by the fold's transaction.

Who changes a line of a fair with a capacity holds the fair's row of `fair_seats` from then to the end of the
transaction; only newcomers are inserted before that, whom nobody else sees as yet. So the last thing that a transaction
does is this, and to add to what all share (see streams/apply.py): the row is held for as long as a few indexed
statements take.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from schemas.journey import Stamp
from storage.arrays import columns
from storage.database import Conn
from storage.ledger.ledger import JourneyKey

FairKey = tuple[str, str]  # campaign, fair
SeatKey = tuple[str, str, str]  # campaign, candidate, fair

_FAIRS: Final = """
SELECT s.campaign, s.fair, s.capacity, s.kept, s.waiting FROM fair_seats s
JOIN unnest(%s::text[], %s::text[]) AS k(campaign, fair) USING (campaign, fair)
"""
_HOLD: Final = f"{_FAIRS} ORDER BY campaign, fair FOR UPDATE OF s"
_NOTE: Final = """
UPDATE fair_seats s SET kept = k.kept, waiting = k.waiting
FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::bigint[]) AS k(campaign, fair, kept, waiting)
WHERE (s.campaign, s.fair) = (k.campaign, k.fair)
"""
_JOIN: Final = """
INSERT INTO seats AS s (campaign, candidate, fair, line, at, source, id, waiting)
SELECT campaign, candidate, fair, hashtextextended(campaign || E'\\x1f' || fair, 0), at, source, id, waiting
FROM unnest(%s::text[], %s::text[], %s::text[], %s::bigint[], %s::text[], %s::text[], %s::bool[])
     AS k(campaign, candidate, fair, at, source, id, waiting)
ON CONFLICT (campaign, candidate, fair) DO
"""
_COME: Final = f"{_JOIN} NOTHING RETURNING campaign, candidate, fair, waiting"
# Of one who was told before, and left by a retraction.
_COME_BACK: Final = f"""
{_JOIN} UPDATE SET at = excluded.at, source = excluded.source, id = excluded.id, waiting = excluded.waiting,
    turn = nextval('seat_turns'), asked = NULL
RETURNING campaign, candidate, fair, waiting
"""
_LEAVE: Final = """
WITH old AS (
    SELECT s.campaign, s.candidate, s.fair, s.waiting, s.at IS NOT NULL AS stood, k.anew
    FROM seats s JOIN unnest(%s::text[], %s::text[], %s::text[], %s::bool[]) AS k(campaign, candidate, fair, anew)
         USING (campaign, candidate, fair)
    ORDER BY campaign, candidate, fair FOR UPDATE OF s
), out AS (
    UPDATE seats s SET at = NULL, source = NULL, id = NULL,
        told_waiting = CASE WHEN NOT old.anew THEN s.told_waiting END,
        told_by = CASE WHEN NOT old.anew THEN s.told_by END
    FROM old WHERE (s.campaign, s.candidate, s.fair) = (old.campaign, old.candidate, old.fair)
)
SELECT campaign, fair, waiting FROM old WHERE stood
"""
_FORGET: Final = """
DELETE FROM seats s USING unnest(%s::text[], %s::text[], %s::text[]) AS k(campaign, candidate, fair)
WHERE (s.campaign, s.candidate, s.fair) = (k.campaign, k.candidate, k.fair)
  AND s.at IS NULL AND s.told_waiting IS NULL
"""
_THIS_LINE: Final = """line = hashtextextended(%(campaign)s::text || E'\\x1f' || %(fair)s::text, 0)
    AND campaign = %(campaign)s::text AND fair = %(fair)s::text AND at IS NOT NULL"""
_LAST_KEPT: Final = f"""
SELECT at, source, id FROM seats WHERE {_THIS_LINE} AND NOT waiting ORDER BY at DESC, source DESC, id DESC LIMIT 1
"""
_FIRST_WAITING: Final = (
    f"SELECT at, source, id FROM seats WHERE {_THIS_LINE} AND waiting ORDER BY at, source, id LIMIT 1"
)
_TURN: Final = "UPDATE seats SET waiting = {waiting}, turn = nextval('seat_turns')"
_MOVE_BACK: Final = f"""
{_TURN.format(waiting="true")} WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM seats WHERE {_THIS_LINE} AND NOT waiting ORDER BY at DESC, source DESC, id DESC LIMIT %(most)s))
"""
_MOVE_UP: Final = f"""
{_TURN.format(waiting="false")} WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM seats WHERE {_THIS_LINE} AND waiting ORDER BY at, source, id LIMIT %(most)s))
"""
_OVERTAKE: Final = f"""
{_TURN.format(waiting="false")}
WHERE {_THIS_LINE} AND waiting AND (at, source, id) < (%(at)s, %(source)s, %(id)s)
"""
_ALL_UP: Final = f"{_TURN.format(waiting='false')} WHERE {_THIS_LINE} AND waiting"
_RESIZED: Final = """
SELECT campaign, fair, f.capacity FROM (SELECT * FROM fairs WHERE campaign = ANY(%(campaigns)s)) f
FULL JOIN (SELECT * FROM fair_seats WHERE campaign = ANY(%(campaigns)s)) s USING (campaign, fair)
WHERE f.capacity IS DISTINCT FROM s.capacity ORDER BY campaign, fair
"""
_ALL_RESIZED: Final = """
SELECT DISTINCT campaign FROM fairs f FULL JOIN fair_seats s USING (campaign, fair)
WHERE f.capacity IS DISTINCT FROM s.capacity ORDER BY campaign
"""
_RESIZE: Final = f"""
INSERT INTO fair_seats (campaign, fair, capacity, kept, waiting)
SELECT %(campaign)s::text, %(fair)s::text, %(capacity)s::bigint,
       count(*) FILTER (WHERE NOT waiting), count(*) FILTER (WHERE waiting)
FROM seats WHERE {_THIS_LINE}
ON CONFLICT (campaign, fair) DO UPDATE SET capacity = excluded.capacity
RETURNING campaign, fair, capacity, kept, waiting
"""
_STANDING: Final = """
SELECT s.campaign, s.candidate, s.fair, s.at, s.source, s.id FROM seats s
JOIN unnest(%s::text[], %s::text[]) AS k(campaign, candidate) USING (campaign, candidate) WHERE s.at IS NOT NULL
"""


class LineChange(NamedTuple):
    """A candidate stands at `at` in a fair's line from now on, or (None) not any more. `joins`: stood nowhere in it
    before; `anew`: what was told of the place before is over."""

    key: SeatKey
    at: Stamp | None
    joins: bool
    anew: bool

    @property
    def fair(self) -> FairKey:
        return self.key[0], self.key[2]


@dataclass(slots=True)
class _Fair:
    """A fair with a capacity, as full as it is by now."""

    campaign: str
    fair: str
    capacity: int
    kept: int
    waiting: int

    def note(self, waiting: bool, change: int) -> None:
        if waiting:
            self.waiting += change
        else:
            self.kept += change


async def standing(conn: Conn, keys: Iterable[JourneyKey]) -> dict[JourneyKey, dict[str, Stamp]]:
    """Where these candidates stand in the lines of fairs, as it is stored."""
    rows = await (await conn.execute(_STANDING, columns(list(keys), 2))).fetchall()
    found: dict[JourneyKey, dict[str, Stamp]] = {}
    for campaign, candidate, fair, *at in rows:
        found.setdefault((campaign, candidate), {})[fair] = (at[0], at[1], at[2])
    return found


async def resized(conn: Conn) -> list[str]:
    """The campaigns that have fairs with more or fewer seats than there were when their lines were cut."""
    return [campaign for (campaign,) in await (await conn.execute(_ALL_RESIZED)).fetchall()]


async def resize(conn: Conn, campaigns: Collection[str]) -> None:
    """Let the fairs of these campaigns have as many seats as they have now. Needs the campaigns' exclusive locks."""
    if not campaigns:
        return
    rows = await (await conn.execute(_RESIZED, {"campaigns": sorted(campaigns)})).fetchall()
    for campaign, fair, capacity in rows:
        values = {"campaign": campaign, "fair": fair, "capacity": capacity}
        if capacity is None:
            await conn.execute("DELETE FROM fair_seats WHERE campaign = %(campaign)s AND fair = %(fair)s", values)
            await conn.execute(_ALL_UP, values)
        else:
            (row,) = await (await conn.execute(_RESIZE, values)).fetchall()
            await _settle(conn, {(campaign, fair): _Fair(*row)})


async def change(conn: Conn, changes: Sequence[LineChange]) -> None:
    """Let candidates stand elsewhere in lines, and let those move up and back whom that concerns.

    Among the last things in a transaction. Needs at least the shared locks of the campaigns, so that no capacity
    changes.
    """
    if not changes:
        return
    ordered = sorted(changes, key=lambda each: each.key)
    touched = sorted({each.fair for each in ordered})
    limited = await _fairs(conn, _FAIRS, touched)
    newcomers = [each for each in ordered if each.joins]
    come = await _come(conn, _COME, newcomers, limited)
    held = await _fairs(conn, _HOLD, sorted(limited)) if limited else {}
    for key, waiting in come.items():
        if (key[0], key[2]) in held:
            held[key[0], key[2]].note(waiting, 1)
    known = [each for each in ordered if each.key not in come]
    if known:
        await _move(conn, known, held)
    await _settle(conn, held)


async def _move(conn: Conn, changes: Sequence[LineChange], held: dict[FairKey, _Fair]) -> None:
    """Those who have a row already: out of where they stood, and in again where they stand now."""
    rows = await conn.execute(_LEAVE, columns([(*each.key, each.anew) for each in changes], 4))
    for campaign, fair, waiting in await rows.fetchall():
        if (campaign, fair) in held:
            held[campaign, fair].note(waiting, -1)
    back = await _come(conn, _COME_BACK, [each for each in changes if each.at is not None], held)
    for key, waiting in back.items():
        if (key[0], key[2]) in held:
            held[key[0], key[2]].note(waiting, 1)
    await conn.execute(_FORGET, columns([each.key for each in changes if each.at is None], 3))


async def _come(
    conn: Conn, statement: Any, changes: Sequence[LineChange], limited: dict[FairKey, _Fair]
) -> dict[SeatKey, bool]:
    """Put them in line, with a seat as long as there seem to be some. Returns who was, and whether they wait."""
    if not changes:
        return {}
    free = {key: fair.capacity - fair.kept for key, fair in limited.items()}
    rows: list[tuple[Any, ...]] = []
    for each in sorted(changes, key=lambda each: each.at or (0, "", "")):
        left = free.get(each.fair)
        rows.append((*each.key, *(each.at or ()), left is not None and left <= 0))
        if left is not None:
            free[each.fair] = left - 1
    found = await (await conn.execute(statement, columns(sorted(rows), 7))).fetchall()
    return {(campaign, candidate, fair): waiting for campaign, candidate, fair, waiting in found}


async def _fairs(conn: Conn, statement: Any, keys: Collection[FairKey]) -> dict[FairKey, _Fair]:
    rows = await (await conn.execute(statement, columns(list(keys), 2))).fetchall()
    return {(row[0], row[1]): _Fair(*row) for row in rows}


async def _settle(conn: Conn, held: dict[FairKey, _Fair]) -> None:
    """Let the capacity cut each of these lines, and note how full they are."""
    for fair in held.values():
        await _cut(conn, fair)
    rows = [(each.campaign, each.fair, each.kept, each.waiting) for each in held.values()]
    if rows:
        await conn.execute(_NOTE, columns(rows, 4))


async def _cut(conn: Conn, fair: _Fair) -> None:
    """Who is beyond the cut goes back, who overtook somebody with a seat goes before, what is free goes to the first
    who wait. Each costs as much as there are people who move."""
    if fair.kept > fair.capacity:
        await _turn(conn, fair, _MOVE_BACK, fair.kept - fair.capacity, waits=True)
    if fair.waiting and fair.kept:
        await _let_overtake(conn, fair)
    if fair.waiting and fair.kept < fair.capacity:
        await _turn(conn, fair, _MOVE_UP, fair.capacity - fair.kept, waits=False)


async def _let_overtake(conn: Conn, fair: _Fair) -> None:
    values = {"campaign": fair.campaign, "fair": fair.fair}
    last = await (await conn.execute(_LAST_KEPT, values)).fetchone()
    first = await (await conn.execute(_FIRST_WAITING, values)).fetchone()
    if last is None or first is None or tuple(first) > tuple(last):
        return
    cursor = await conn.execute(_OVERTAKE, values | {"at": last[0], "source": last[1], "id": last[2]})
    fair.note(True, -cursor.rowcount)
    fair.note(False, cursor.rowcount)
    if fair.kept > fair.capacity:
        await _turn(conn, fair, _MOVE_BACK, fair.kept - fair.capacity, waits=True)


async def _turn(conn: Conn, fair: _Fair, statement: Any, most: int, *, waits: bool) -> None:
    cursor = await conn.execute(statement, {"campaign": fair.campaign, "fair": fair.fair, "most": most})
    fair.note(waits, cursor.rowcount)
    fair.note(not waits, -cursor.rowcount)
