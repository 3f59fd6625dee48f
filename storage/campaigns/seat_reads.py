"""How full fairs are, and where somebody stands in line, for those who only look."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from storage.database import Conn

_FULL: Final = "SELECT capacity, kept, waiting FROM fair_seats WHERE campaign = %s AND fair = %s"
_STANDS: Final = """
SELECT s.fair, s.waiting, CASE WHEN s.waiting THEN (
    SELECT count(*) FROM seats o WHERE o.line = s.line AND o.campaign = s.campaign AND o.fair = s.fair
      AND o.at IS NOT NULL AND o.waiting AND (o.at, o.source, o.id) <= (s.at, s.source, s.id)) END
FROM seats s WHERE s.campaign = %(campaign)s AND s.at IS NOT NULL AND s.candidate = coalesce(
    (SELECT merged_into FROM journeys WHERE campaign = %(campaign)s AND candidate = %(candidate)s), %(candidate)s)
ORDER BY s.fair
"""


@dataclass(frozen=True, slots=True)
class Fullness:
    """How full a fair is: `kept` of `capacity` seats are taken, and so many wait. No capacity (None): there is room for
    everybody, and nobody counts."""

    capacity: int | None
    kept: int = 0
    waiting: int = 0

    @property
    def left(self) -> int | None:
        """Seats that who signs up now would have; None: as many as there are people."""
        return None if self.capacity is None else max(self.capacity - self.kept, 0)


@dataclass(frozen=True, slots=True)
class SeatStanding:
    """How a candidate stands at a fair. `number`: the place on the waiting list, from 1; None: there is a seat."""

    waiting: bool
    number: int | None


async def fullness(conn: Conn, campaign: str, fair: str) -> Fullness:
    """How full a fair is by the facts that are applied."""
    row = await (await conn.execute(_FULL, [campaign, fair])).fetchone()
    return Fullness(*row) if row else Fullness(None)


async def standing(conn: Conn, campaign: str, candidate: str) -> dict[str, SeatStanding]:
    """How a candidate stands at each fair whose line they are in."""
    rows = await (await conn.execute(_STANDS, {"campaign": campaign, "candidate": candidate})).fetchall()
    return {fair: SeatStanding(waiting, number) for fair, waiting, number in rows}
