"""Whether more waits than one sender gets done in a while."""

from __future__ import annotations

from typing import Final

from psycopg_pool import AsyncConnectionPool

from notifications.sending.inflow import Inflow
from notifications.sending.route import Chance, Route
from storage.database import Conn, borrowed
from storage.ledger import ledger
from storage.messages import claiming

MUCH: Final = 5  # turns of a route: what takes less is done by the time that a further sender has begun


class Backlog:
    """What is due of the routes of one sender."""

    def __init__(self, pool: AsyncConnectionPool[Conn], chance: Chance) -> None:
        self._pool, self._chance, self._inflow = pool, chance, Inflow()

    async def look(self, route: Route, settled: int) -> None:
        """Say so where so much waits that it takes many turns like the last one, which settled so many, unless facts
        pour in: any worker's."""
        most = MUCH * settled
        async with borrowed(self._pool) as conn:
            waiting = await claiming.waiting(conn, route.kinds, most=most)
            last = await ledger.last_number(conn)
        if not self._inflow.pours(last, self._chance.clock()) and waiting >= most:
            self._chance.much()
