"""What an earlier version left in the clear is sealed: journeys first, since they tell who was erased and when."""

from __future__ import annotations

from dataclasses import dataclass

from schemas.errors import ConcurrentChange
from storage.database import Conn, translated
from storage.ledger.ledger import JourneyKey
from storage.vault import in_clear
from streams.seating import START, catch_up

MOST_TRIES = 5


@dataclass(slots=True)
class Sealed:
    facts: int = 0
    journeys: int = 0
    messages: int = 0


async def seal_all(conn: Conn) -> Sealed:
    """Seal everything, in portions of their own transactions. Harmless to break off and to call again."""
    done = Sealed()
    done.journeys = (await in_clear.count(conn)).journeys
    last: JourneyKey | None = START
    while last is not None:
        last = await _next_journeys(conn, last)
    after = 0
    while found := await in_clear.seal_facts(conn, after):
        after, sealed = found
        done.facts += sealed
    while count := await in_clear.empty_messages(conn):
        done.messages += count
    return done


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
