"""What people were told of their seats, beside how these stand: who is to be told, and who was.

Who changes rows of a fair with a capacity holds the fair's row of `fair_seats`, as the fold does, which does so last.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from schemas.kinds import TELLING_OF_SEATS
from schemas.messages import SeatWord
from storage.arrays import columns
from storage.campaigns.seats import FairKey
from storage.database import Conn
from storage.ledger.ledger import JourneyKey
from storage.messages.of_facts import params_of

Key = tuple[str, Any, str | None]  # campaign, fair, candidate
PORTION: Final = 2000  # people who are told at a time

_OF: Final = """
SELECT s.campaign, s.fair, s.candidate, s.waiting, s.told_waiting, s.told_by, s.turn FROM seats s
JOIN unnest(%s::text[], %s::text[], %s::text[]) AS k(campaign, fair, candidate) USING (campaign, fair, candidate)
WHERE s.at IS NOT NULL
"""
_HOLD: Final = """
SELECT FROM fair_seats s JOIN unnest(%s::text[], %s::text[]) AS k(campaign, fair) USING (campaign, fair)
ORDER BY campaign, fair FOR UPDATE OF s
"""
_WORDS: Final = "(VALUES {}) AS w(kind, waiting)".format(
    ", ".join(f"('{kind}', {word == 'waiting'})" for kind, word in TELLING_OF_SEATS.items())
)
# Who was merged into another is told of the seat that the person has there.
_TELLING: Final = f"""
SELECT m.id, m.campaign, coalesce(j.merged_into, m.candidate) AS candidate, said.params->>'fair' AS fair, w.waiting,
       m.sent_at
FROM messages m JOIN {_WORDS} USING (kind) LEFT JOIN journeys j USING (campaign, candidate)
CROSS JOIN LATERAL (SELECT {params_of("m")} AS params OFFSET 0) AS said
WHERE said.params ? 'fair' AND m.status IN ('sent', 'delivered', 'bounced', 'dropped', 'complained', 'unknown')
"""
_TOLD_NOW: Final = f"{_TELLING} AND m.id = ANY(%s::bigint[])"
_TOLD: Final = """
WITH held AS (
    SELECT s.campaign, s.candidate, s.fair, t.id, t.waiting
    FROM seats s JOIN unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::bool[])
         AS t(id, campaign, candidate, fair, waiting) USING (campaign, candidate, fair)
    ORDER BY campaign, candidate, fair FOR UPDATE OF s
)
UPDATE seats s SET told_waiting = held.waiting, told_by = held.id FROM held
WHERE (s.campaign, s.candidate, s.fair) = (held.campaign, held.candidate, held.fair)
"""
_EVER_TOLD: Final = f"""
SELECT DISTINCT ON (campaign, candidate, fair) told.id, campaign, candidate, fair, told.waiting
FROM ({_TELLING} AND (m.campaign, m.candidate) IN (SELECT * FROM unnest(%s::text[], %s::text[]))) AS told
JOIN seats s USING (campaign, candidate, fair) WHERE s.told_by IS NULL
ORDER BY campaign, candidate, fair, sent_at DESC NULLS FIRST, id DESC
"""
_UNTOLD: Final = """
WITH held AS (
    SELECT s.campaign, s.candidate, s.fair FROM seats s WHERE s.campaign = %(campaign)s AND s.fair = %(fair)s
      AND at IS NOT NULL AND told_waiting <> waiting AND asked IS DISTINCT FROM turn
    ORDER BY campaign, candidate, fair LIMIT %(most)s FOR UPDATE
)
UPDATE seats s SET asked = turn FROM held
WHERE (s.campaign, s.candidate, s.fair) = (held.campaign, held.candidate, held.fair)
RETURNING s.candidate, s.waiting, s.turn
"""
_LIKELY: Final = """
SELECT EXISTS (SELECT FROM seats WHERE campaign = %(campaign)s AND fair = %(fair)s
               AND at IS NOT NULL AND told_waiting <> waiting AND asked IS DISTINCT FROM turn)
"""
_ANEW: Final = """
UPDATE seats SET turn = nextval('seat_turns')
WHERE campaign = %(campaign)s AND fair = %(fair)s AND at IS NOT NULL AND told_waiting <> waiting
"""


@dataclass(frozen=True, slots=True)
class Seat:
    """How a candidate stands at a fair, what they were told of it last and by which message, and which turn this is."""

    stands: SeatWord
    told: SeatWord | None = None
    told_by: int | None = None
    turn: int = 0


@dataclass(frozen=True, slots=True)
class Untold:
    """Somebody who was told otherwise than it stands."""

    candidate: str
    stands: SeatWord
    turn: int


async def of(conn: Conn, keys: Collection[Key]) -> dict[Key, Seat]:
    """The seats of these candidates, as far as they are in line."""
    if not keys:
        return {}
    rows = await (await conn.execute(_OF, columns(list(keys), 3))).fetchall()
    return {
        (campaign, fair, candidate): Seat(_word(waiting), None if told is None else _word(told), by, turn)
        for campaign, fair, candidate, waiting, told, by, turn in rows
    }


async def note(conn: Conn, ids: Sequence[int]) -> None:
    """Note what these messages told, which went or may have gone. The last thing in a transaction."""
    rows = await (await conn.execute(_TOLD_NOW, columns([(id,) for id in ids], 1))).fetchall()
    told = sorted((row[:5] for row in rows), key=lambda row: row[0])
    if told:
        await _hold(conn, ((campaign, fair) for _, campaign, _, fair, _ in told))
        await conn.execute(_TOLD, columns(told, 5))


async def learn(conn: Conn, keys: Sequence[JourneyKey]) -> None:
    """Note what these candidates were told before it was noted with their seats."""
    told = await (await conn.execute(_EVER_TOLD, columns(keys, 2))).fetchall()
    if told:
        await conn.execute(_TOLD, columns(told, 5))


async def untold(conn: Conn, fair: FairKey) -> list[Untold]:
    """Some of those who were told otherwise than it stands, each turn of theirs once. Within a transaction."""
    values = {"campaign": fair[0], "fair": fair[1], "most": PORTION}
    row = await (await conn.execute(_LIKELY, values)).fetchone()
    if row is None or not row[0]:
        return []
    await _hold(conn, [fair])
    rows = await (await conn.execute(_UNTOLD, values)).fetchall()
    return [Untold(candidate, _word(waiting), turn) for candidate, waiting, turn in sorted(rows)]


async def ask_anew(conn: Conn, fair: FairKey) -> None:
    """Let those be told who were not while their fair stood otherwise. Within a transaction."""
    await _hold(conn, [fair])
    await conn.execute(_ANEW, {"campaign": fair[0], "fair": fair[1]})


async def _hold(conn: Conn, fairs: Iterable[FairKey]) -> None:
    await conn.execute(_HOLD, columns(sorted(set(fairs)), 2))


def _word(waiting: bool) -> SeatWord:
    return "waiting" if waiting else "seat"
