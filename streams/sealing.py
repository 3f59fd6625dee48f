"""What an earlier version left in the clear is sealed: journeys first, since they tell who was erased and when. By a
command at once, or by a worker beside its work."""

from __future__ import annotations

from typing import Final

from schemas.errors import ConcurrentChange
from storage.database import Conn, translated
from storage.ledger.ledger import JourneyKey
from storage.vault import in_clear
from storage.vault.in_clear import PARTS, InClear
from streams.catching_up import START, catch_up

MOST_TRIES: Final = 5


async def seal_all(conn: Conn) -> InClear:
    """Seal everything, in portions of their own transactions; returns how much. Harmless to break off and to call
    again."""
    done = InClear(journeys=(await in_clear.count(conn)).journeys)
    last: JourneyKey | None = START
    while last is not None:
        last = await _next_journeys(conn, last)
    beside = Beside()
    while found := await beside.seal_some(conn):
        what, sealed = found
        setattr(done, what, getattr(done, what) + sealed)
    return done


class Beside:
    """Goes through all that may be in the clear, a stretch at a time; later, through what is new since."""

    def __init__(self) -> None:
        self._part, self._after = 0, dict.fromkeys(range(len(PARTS)), 0)

    async def seal_some(self, conn: Conn) -> tuple[str, int] | None:
        """Seal the next stretch. Returns of what, and how many; None when all was gone through: then it begins
        again."""
        while self._part < len(PARTS):
            part, after = PARTS[self._part], self._after[self._part]
            end = await in_clear.last(conn, part)
            if after >= end:
                self._part += 1
                continue
            upto, sealed = await in_clear.seal_stretch(conn, part, after)
            self._after[self._part] = min(upto, end)
            if part.table is None:
                self._part += 1
            return part.what, sealed
        self._part = 0
        self._after.update((nth, 0) for nth, part in enumerate(PARTS) if part.table is None)
        return None


async def _next_journeys(conn: Conn, after: JourneyKey) -> JourneyKey | None:
    """A worker may change the same journeys."""
    for attempt in range(MOST_TRIES):
        try:
            with translated():
                return await catch_up(conn, after)
        except ConcurrentChange:
            if attempt == MOST_TRIES - 1:
                raise
    return None
