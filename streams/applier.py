"""Applies batches until they are applied: waits out the database, repeats on conflicts, sets poison aside."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final, TypeVar

from schemas.errors import ConcurrentChange, DatabaseUnavailable
from storage import dead_letters, ledger, messages, targets
from storage.database import Conn, connect, translated
from streams.apply import Applied, apply_batch
from streams.campaigns import count_fairs
from streams.intake import Incoming

log = logging.getLogger(__name__)

RETRY: Final = (0.2, 5.0)  # seconds: the first pause, the longest
T = TypeVar("T")


class Applier:
    """Holds the worker's connection to Postgres. Calls must not overlap, save through `locked`."""

    def __init__(self, database_url: str, *, clock: Callable[[], datetime]) -> None:
        self._database_url, self._clock = database_url, clock
        self._connection: Conn | None = None
        self._lock = asyncio.Lock()

    async def apply(self, incoming: Sequence[Incoming]) -> Applied:
        """Apply a batch, however long it takes. Returns once it is committed; what can't be applied is then
        among the dead letters. Never raises but for cancellation."""
        try:
            return await self.persist(lambda conn: apply_batch(conn, incoming, now=self._clock()))
        except Exception as error:  # the type says: neither outage nor conflict, so it is this batch
            if len(incoming) == 1:
                return await self._set_aside(incoming[0], error)
            log.exception("a batch of %d can't be applied whole; taking it apart", len(incoming))
            middle = len(incoming) // 2
            return _joined(await self.apply(incoming[:middle]), await self.apply(incoming[middle:]))

    async def count_fairs(self) -> Applied:
        """Bring `fairs_held` targets up to the clock. Returns the messages that this asked for."""
        return await self.persist(self._count_fairs)

    async def persist(self, work: Callable[[Conn], Awaitable[T]]) -> T:
        """Do work on the connection until it succeeds: outages and conflicts are repeated, other errors pass."""
        pause = RETRY[0]
        while True:
            try:
                async with self._lock:
                    return await work(await self._connected())
            except ConcurrentChange:
                await asyncio.sleep(0)
            except DatabaseUnavailable as error:
                log.warning("%s; trying again in %.1f s", error, pause)
                await self.close()
                await asyncio.sleep(pause)
                pause = min(pause * 2, RETRY[1])

    async def close(self) -> None:
        """Let go of the connection; the next call opens another."""
        connection, self._connection = self._connection, None
        if connection:
            await connection.close()

    async def _connected(self) -> Conn:
        if self._connection is None or self._connection.closed:
            self._connection = await connect(self._database_url, name="worker")
        return self._connection

    async def _set_aside(self, message: Incoming, error: Exception) -> Applied:
        letter = message.dead(f"can't be applied: {type(error).__name__}: {error}")
        log.error("%s %d:%d goes to the dead letters: %s", message.topic, message.partition, message.offset, error)

        async def bury(conn: Conn) -> Applied:
            with translated():
                async with conn.transaction():
                    own = None if message.seq is None else await ledger.set_aside(conn, message.seq)
                    kept = letter if own is None else replace(letter, value=own.encode())
                    await dead_letters.bury(conn, [kept])
            return Applied(dead_letters=[kept])

        return await self.persist(bury)

    async def _count_fairs(self, conn: Conn) -> Applied:
        now, asked = self._clock(), []
        with translated():
            for campaign in await targets.campaigns_with_fairs_due(conn, now):
                async with conn.transaction():
                    await targets.lock(conn, {campaign: True})
                    asked += await messages.request(conn, await count_fairs(conn, campaign, now))
        return Applied(messages=asked)


def _joined(first: Applied, second: Applied) -> Applied:
    return Applied(
        first.facts + second.facts,
        first.messages + second.messages,
        first.dead_letters + second.dead_letters,
    )
