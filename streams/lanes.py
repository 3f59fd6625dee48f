"""Chunks applied in lanes side by side: while one lane waits for Postgres, another computes.

Each lane has a connection of its own. A lane that is free takes what waits longest, of partitions that no other lane is
at: so a partition's chunks are applied in their order, two lanes are to one another what two workers are, and none
stands idle while another has much of two partitions before it. Where few facts come, the first lane takes them all:
shared out they would be more transactions, with as much work in each. One fact alone is not kept waiting for others,
and where many come the batches grow by themselves.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
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


class Queues:
    """Chunks that no lane has yet, those of a partition in their order."""

    def __init__(self) -> None:
        self._of: dict[int, deque[tuple[int, Chunk]]] = {}  # each with its number among all that came
        self._records: Counter[int] = Counter()
        self._taken: set[int] = set()
        self._came = 0

    @property
    def records(self) -> int:
        """How many records may be taken now."""
        return sum(count for partition, count in self._records.items() if partition not in self._taken)

    def put(self, chunk: Chunk) -> None:
        """One more waits."""
        self._came += 1
        self._of.setdefault(chunk.partition, deque()).append((self._came, chunk))
        self._records[chunk.partition] += len(chunk.records)

    def take(self, most: int) -> list[Chunk]:
        """As many as it takes to have `most` records, of the partition that waits longest; where these are few, of the
        next ones too: those that hold one or two each, since few facts come, must not make batches small. No more of
        these partitions is given before they are put back. None where only such wait."""
        chunks: list[Chunk] = []
        records = 0
        for partition in sorted(self._of.keys() - self._taken, key=lambda partition: self._of[partition][0]):
            if records >= min(FEW, most):
                break  # other lanes take the rest
            waiting, before = self._of[partition], records
            while waiting and records < most:
                chunks.append(waiting.popleft()[1])
                records += len(chunks[-1].records)
            self._taken.add(partition)
            self._records[partition] -= records - before
            if not waiting:
                del self._of[partition], self._records[partition]
        return chunks

    def put_back(self, partitions: Iterable[int]) -> None:
        """More of these may be given."""
        self._taken.difference_update(partitions)


class Lane:
    """Applies a batch at a time."""

    def __init__(self, flow: Flow, applier: Applier) -> None:
        self._flow, self._applier = flow, applier
        self._given: asyncio.Queue[list[Chunk]] = asyncio.Queue(1)
        self._began = math.inf  # it has nothing
        self.records = 0

    @property
    def is_free(self) -> bool:
        """Whether it may be given a batch."""
        return self._began == math.inf

    @property
    def took(self) -> float:
        """Seconds since it began with what it has."""
        return asyncio.get_running_loop().time() - self._began

    def give(self, chunks: list[Chunk]) -> None:
        """Have a batch applied by a lane that is free."""
        self._began = asyncio.get_running_loop().time()
        self.records = sum(len(chunk.records) for chunk in chunks)
        self._given.put_nowait(chunks)

    async def run(self, told: Callable[[Applied], None], freed: Callable[[set[int]], None]) -> None:
        """Apply until cancelled. `told` of what each batch did; `freed` when the chunks of these partitions are
        applied, or dropped."""
        while True:
            chunks = await self._given.get()
            told(await self._apply(chunks))
            self._began, self.records = math.inf, 0
            freed({chunk.partition for chunk in chunks})

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
    """All lanes of a worker, one for each applier. A batch has about `most` records."""

    def __init__(self, flow: Flow, appliers: Sequence[Applier], *, most: int) -> None:
        self._lanes, self._most = [Lane(flow, applier) for applier in appliers], most
        self._waiting = Queues()
        self._later: asyncio.TimerHandle | None = None
        self._running: list[asyncio.Task[None]] = []

    def put(self, chunk: Chunk) -> None:
        """Have a chunk applied. How many wait is the flow's to bound."""
        self._waiting.put(chunk)
        self._share_out()

    def _share_out(self) -> None:
        """Give what waits to lanes that are free: to the first as long as it gets done with all of it."""
        first, *others = self._lanes
        if first.is_free:
            self._give(first)
        if self._waiting.records + first.records >= FEW or first.took >= LONG:
            for lane in others:
                if lane.is_free:
                    self._give(lane)
        elif self._waiting.records and not first.is_free:
            self._look_later()

    def _give(self, lane: Lane) -> None:
        if chunks := self._waiting.take(self._most):
            lane.give(chunks)

    def _look_later(self) -> None:
        """The first lane may be held up by somebody's lock."""
        if self._later is None:
            self._later = asyncio.get_running_loop().call_later(LONG, self._look)

    def _look(self) -> None:
        self._later = None
        self._share_out()

    def _freed(self, partitions: set[int]) -> None:
        self._waiting.put_back(partitions)
        self._share_out()

    def attach(
        self, app: faust.App, told: Callable[[Applied], None], end: Callable[[Exception], Awaitable[None]]
    ) -> None:
        """Let them run with the app. `told` of what each batch did; `end` of an error that no record's values led to,
        which is raised then."""

        async def run_one(lane: Lane) -> None:
            try:
                await lane.run(told, self._freed)
            except Exception as error:
                await end(error)
                raise

        async def run() -> None:
            self._running = [asyncio.create_task(run_one(lane)) for lane in self._lanes]
            await asyncio.gather(*self._running)

        app.task(run)

    async def stop(self) -> None:
        """Give up what is being applied: nothing of it is committed, and it is read again."""
        if self._later is not None:
            self._later.cancel()
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
