"""Whether Kafka takes a fact: measured as it is published, against what the topic takes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from psycopg_pool import AsyncConnectionPool

from schemas.facts import Fact
from schemas.topics import FACT_BYTES, FACTS, RECORD_OVERHEAD
from storage.database import Conn, borrowed
from storage.ledger import ledger, topics
from storage.vault.sealing import growth

KNOWN_FOR: Final = 10.0  # seconds until the topic's limit is looked up again


class Fitting:
    """Tells which facts are too large. `clock` counts seconds."""

    def __init__(self, pool: AsyncConnectionPool[Conn], clock: Callable[[], float]) -> None:
        self._pool, self._clock = pool, clock
        self._limit, self._until = FACT_BYTES, 0.0
        self._looking = asyncio.Lock()

    async def faults(self, facts: Sequence[Fact], posted: int) -> dict[tuple[str, str], str]:
        """Which of the facts in a request of `posted` bytes Kafka would not take, by identity, with the reason."""
        limit = await self._largest()
        if not facts or posted * 2 < limit:  # an event grows by half at the most
            return {}
        async with borrowed(self._pool) as conn:
            sizes = await ledger.published_sizes(conn, facts)
        whole = {
            f.identity: n + growth(f.event) + len(f.key.encode()) + RECORD_OVERHEAD
            for f, n in zip(facts, sizes, strict=True)
        }
        return {
            identity: f"is a record of {size} bytes as it is published, and Kafka takes {limit} at most here"
            for identity, size in whole.items()
            if size > limit
        }

    async def _largest(self) -> int:
        if self._clock() >= self._until:
            async with self._looking:
                await self._look()
        return self._limit

    async def _look(self) -> None:
        if self._clock() >= self._until:
            async with borrowed(self._pool) as conn:
                self._limit = await topics.largest_record(conn, FACTS) or FACT_BYTES
            self._until = self._clock() + KNOWN_FOR
