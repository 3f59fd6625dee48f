"""Whether more waits than one sender gets done in a while."""

from __future__ import annotations

from typing import Final

from psycopg_pool import AsyncConnectionPool

from notifications.sending.route import Chance, Route
from storage.database import Conn, borrowed
from storage.messages import claiming

MUCH: Final = 5  # turns of a route: what takes less is done by the time that a further sender has begun


class Backlog:
    """What is due of the routes of one sender."""

    def __init__(self, pool: AsyncConnectionPool[Conn], chance: Chance) -> None:
        self._pool, self._chance = pool, chance

    async def look(self, route: Route, settled: int) -> None:
        """Say so where so much waits that it takes many turns like the last one, which settled so many, unless others
        need the processor more, as they may since this turn began."""
        most = MUCH * settled
        async with borrowed(self._pool) as conn:
            await self._chance.drain.look(conn)
            if self._chance.drain.goes_on:
                return
            waiting = await claiming.waiting(conn, route.kinds, most=most)
        if waiting >= most:
            self._chance.much()
