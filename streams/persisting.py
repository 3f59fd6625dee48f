"""Work on a connection to Postgres, repeated until it is done: outages are waited out, conflicts tried again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Final, TypeVar

from schemas.errors import ConcurrentChange, DatabaseUnavailable, NotNew, StatementTooLong
from storage.database import Conn, connect, translated

log = logging.getLogger(__name__)

RETRY: Final = (0.2, 5.0)  # seconds: the first pause of an outage, the longest
CONFLICT: Final = (0.005, 1.0)  # the same after a conflict
T = TypeVar("T")


class Persistence:
    """One connection, opened when it is wanted. Work on it is done one after the other."""

    def __init__(
        self,
        database_url: str,
        *,
        name: str,
        jitter: Callable[[], float],
        pulse: Callable[[str | None], None] = lambda waits_for: None,
        anew: Callable[[], None] = lambda: None,
    ) -> None:
        """`jitter` gives a factor around 1, so that two that are in conflict don't meet again. `pulse` is told that
        work gets on, or what it waits for. `anew` is called when a connection takes the place of one that broke: a
        crash may have taken back what was read of the database before."""
        self._database_url, self._name, self._jitter, self._pulse = database_url, name, jitter, pulse
        self._anew, self._had_one = anew, False
        self._connection: Conn | None = None
        self._lock = asyncio.Lock()
        self.conflicts = 0
        self.outages = 0
        self.repeats: dict[int, list[int]] = {}  # partition → conflicts, outages

    async def persist(
        self, work: Callable[[Conn], Awaitable[T]], *, can_be_less: bool = False, of: Iterable[int] = ()
    ) -> T:
        """Do work until it succeeds, however long that takes; errors that are neither outage nor conflict pass, and
        StatementTooLong when the caller can ask for less. `of`: the partitions that it is about."""
        pause, conflict = RETRY[0], CONFLICT[0]
        while True:
            try:
                done = await self.attempt(work)
                self._pulse(None)
                return done
            except NotNew as error:
                log.debug("%s; applied as what may be known", error)
            except ConcurrentChange as error:
                self.conflicts += 1
                self._note(of, 0)
                log.log(logging.WARNING if conflict >= CONFLICT[1] else logging.DEBUG, "%s; trying again", error)
                self._pulse("another worker that changes the same")
                await asyncio.sleep(conflict * self._jitter())
                conflict = min(conflict * 2, CONFLICT[1])
            except DatabaseUnavailable as error:
                if can_be_less and isinstance(error, StatementTooLong):
                    raise
                self.outages += 1
                self._note(of, 1)
                log.warning("%s; trying again in %.1f s", error, pause)
                self._pulse("the database")
                await asyncio.sleep(pause)
                pause = min(pause * 2, RETRY[1])

    def _note(self, partitions: Iterable[int], kind: int) -> None:
        for partition in partitions:
            self.repeats.setdefault(partition, [0, 0])[kind] += 1

    async def attempt(self, work: Callable[[Conn], Awaitable[T]]) -> T:
        """Do work once. After DatabaseUnavailable the connection is another one."""
        try:
            async with self._lock:
                conn = await self._connected()
                with translated():
                    return await work(conn)
        except DatabaseUnavailable:
            await self.close()
            raise

    async def close(self) -> None:
        """Let go of the connection; the next call opens another."""
        connection, self._connection = self._connection, None
        if connection:
            await connection.close()

    async def _connected(self) -> Conn:
        if self._connection is None or self._connection.closed:
            self._connection = await connect(self._database_url, name=self._name)
            if self._had_one:
                self._anew()
            self._had_one = True
        return self._connection
