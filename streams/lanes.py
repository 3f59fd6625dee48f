"""Chunks applied in lanes side by side: while one lane waits for Postgres, another computes.

Each lane has partitions of its own and a connection of its own, so that its chunks are applied in their order, and two
lanes are to one another what two workers are. A lane takes at once whatever waits for it: one fact alone is not kept
waiting for others, and where many come the batches grow by themselves.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

import faust

from schemas.errors import Fenced
from streams.applier import Applier
from streams.apply import Applied
from streams.chunks import Chunk
from streams.flow import Flow

log = logging.getLogger(__name__)


class Lane:
    """Applies the chunks that are put into it, at most `most` in one transaction."""

    def __init__(self, flow: Flow, applier: Applier, *, most: int) -> None:
        self._flow, self._applier, self._most = flow, applier, most
        self._waiting: asyncio.Queue[Chunk] = asyncio.Queue()

    def put(self, chunk: Chunk) -> None:
        """Have a chunk applied. How many wait is the flow's to bound."""
        self._waiting.put_nowait(chunk)

    async def run(self, told: Callable[[Applied], None], end: Callable[[Exception], Awaitable[None]]) -> None:
        """Apply until cancelled. `told` of what each batch did; `end` of an error that no record's values led to,
        which is raised then."""
        while True:
            chunks = [await self._waiting.get()]
            while len(chunks) < self._most and not self._waiting.empty():
                chunks.append(self._waiting.get_nowait())
            try:
                told(await self._apply(chunks))
            except Exception as error:
                await end(error)
                raise

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
        """Have a chunk applied, in the lane of its partition."""
        self._lanes[chunk.partition % len(self._lanes)].put(chunk)

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
