"""Chunks applied in lanes side by side: while one lane waits for Postgres, another computes.

Each lane has a connection of its own, and a partition of which something waits in a lane stays there: so its chunks
are applied in their order, and two lanes are to one another what two workers are. Where few facts come, the first lane
takes them all: shared out they would be more transactions, with as much work in each. A lane takes at once whatever
waits for it: one fact alone is not kept waiting for others, and where many come the batches grow by themselves.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import faust

from schemas.errors import Fenced
from streams.applier import Applier
from streams.apply import Applied
from streams.chunks import Chunk
from streams.flow import Flow

log = logging.getLogger(__name__)

FEW: Final = 200  # records that a lane may have while it takes all that comes
LONG: Final = 0.1  # seconds that a batch may take meanwhile


class Lane:
    """Applies the chunks that are put into it, in one transaction as many as it takes to have `most` records: those
    that hold one or two each, since few facts come, must not make batches small."""

    def __init__(self, flow: Flow, applier: Applier, *, most: int) -> None:
        self._flow, self._applier, self._most = flow, applier, most
        self._waiting: asyncio.Queue[Chunk] = asyncio.Queue()
        self._chunks: Counter[int] = Counter()
        self._began = math.inf
        self.records = 0

    def has(self, partition: int) -> bool:
        """Whether something of this partition waits here, or is being applied."""
        return partition in self._chunks

    @property
    def is_quick(self) -> bool:
        """Whether it may take more: it has little, and is not held up by somebody's lock."""
        return self.records < FEW and asyncio.get_running_loop().time() - self._began < LONG

    def put(self, chunk: Chunk) -> None:
        """Have a chunk applied. How many wait is the flow's to bound."""
        self._chunks[chunk.partition] += 1
        self.records += len(chunk.records)
        self._waiting.put_nowait(chunk)

    async def run(self, told: Callable[[Applied], None], end: Callable[[Exception], Awaitable[None]]) -> None:
        """Apply until cancelled. `told` of what each batch did; `end` of an error that no record's values led to,
        which is raised then."""
        while True:
            chunks = [await self._waiting.get()]
            while sum(len(chunk.records) for chunk in chunks) < self._most and not self._waiting.empty():
                chunks.append(self._waiting.get_nowait())
            self._began = asyncio.get_running_loop().time()
            try:
                told(await self._apply(chunks))
            except Exception as error:
                await end(error)
                raise
            self._forget(chunks)

    def _forget(self, chunks: Sequence[Chunk]) -> None:
        self._chunks.subtract(chunk.partition for chunk in chunks)
        self._chunks, self._began = +self._chunks, math.inf
        self.records -= sum(len(chunk.records) for chunk in chunks)

    async def _apply(self, chunks: Sequence[Chunk]) -> Applied:
        """Apply those chunks that belong to the reading that goes on; the others are read again."""
        ours = [chunk for chunk in chunks if chunk.epoch == self._flow.epoch]
        try:
            if not ours or self._flow.log is None:
                return Applied()
            applied = await self._applier.apply(self._flow.log, ours)
            self._flow.applied(ours)
            return applied
        except Fenced as error:
            log.info("a batch is dropped and read again: %s", error)
            self._flow.restart()
            return Applied()
        finally:
            for chunk in ours:
                self._flow.done(chunk)


class Lanes:
    """All lanes of a worker, one for each applier."""

    def __init__(self, flow: Flow, appliers: Sequence[Applier], *, most: int) -> None:
        self._lanes = [Lane(flow, applier, most=most) for applier in appliers]
        self._running: list[asyncio.Task[None]] = []

    def put(self, chunk: Chunk) -> None:
        """Have a chunk applied, after those of its partition that are in a lane already."""
        busy = (lane for lane in self._lanes if lane.has(chunk.partition))
        (next(busy, None) or self._free_one()).put(chunk)

    def _free_one(self) -> Lane:
        first = self._lanes[0]
        return first if first.is_quick else min(self._lanes, key=lambda lane: lane.records)

    def attach(
        self, app: faust.App, told: Callable[[Applied], None], end: Callable[[Exception], Awaitable[None]]
    ) -> None:
        """Let them run with the app."""

        async def run() -> None:
            self._running = [asyncio.create_task(lane.run(told, end)) for lane in self._lanes]
            await asyncio.gather(*self._running)

        app.task(run)

    async def stop(self) -> None:
        """Give up what is being applied: nothing of it is committed, and it is read again."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
