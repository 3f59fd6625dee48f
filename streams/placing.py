"""Where a worker begins to read: at the positions that Postgres holds, made to fit what the log still has."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from storage.database import Conn
from storage.ledger import positions
from storage.ledger.positions import Log, Span

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Placement:
    """`offsets`: where each partition is read on. `fresh` were never read; `gaps` is what the log dropped unread;
    `back` is what the log no longer has though it was applied: its end lies before our position."""

    offsets: dict[int, int]
    fresh: dict[int, int] = field(default_factory=dict)
    gaps: dict[int, Span] = field(default_factory=dict)
    back: dict[int, Span] = field(default_factory=dict)


def decide(stored: Mapping[int, int], starts: Mapping[int, int], ends: Mapping[int, int]) -> Placement:
    """Where to read on, for each partition of `starts` (its log's first offset) and `ends` (the one after its last).

    A log that ends before our position lost its end: what comes next is written at offsets that we passed already.
    """
    placement = Placement({})
    for partition, start in starts.items():
        stands = stored.get(partition)
        end = max(ends.get(partition, start), start)
        if stands is None:
            placement.fresh[partition] = start
        elif stands < start:
            placement.gaps[partition] = (stands, start)
        elif stands > end:
            placement.back[partition] = (stands, end)
        placement.offsets[partition] = start if stands is None else min(max(stands, start), end)
    return placement


class Placer:
    """Reads positions, and notes where partitions begin and what was lost. `persist` does work on a connection."""

    def __init__(self, persist: Callable[[Callable[[Conn], Awaitable[Placement]]], Awaitable[Placement]]) -> None:
        self._persist = persist

    async def place(self, at: Log, starts: Mapping[int, int], ends: Mapping[int, int]) -> dict[int, int]:
        """The offsets at which these partitions are read on. Raises DatabaseUnavailable, and Fenced when another
        worker goes on with them at this moment: ask again."""

        async def work(conn: Conn) -> Placement:
            async with conn.transaction():
                placement = decide(await positions.read(conn, at, starts), starts, ends)
                await _note(conn, at, placement)
            return placement

        placement = await self._persist(work)
        for partition, (since, upto) in placement.gaps.items():
            log.error("%s %d: the log dropped offsets %d to %d unread", at.topic, partition, since, upto - 1)
        for partition, (since, upto) in placement.back.items():
            log.warning("%s %d: the log ends at %d, before our position %d", at.topic, partition, upto, since)
        return placement.offsets


async def _note(conn: Conn, at: Log, placement: Placement) -> None:
    if placement.fresh:
        await positions.begin(conn, at, placement.fresh)
    if placement.gaps:
        await positions.note_gaps(conn, at, placement.gaps)
    if placement.back:
        await positions.move(conn, at, placement.back)
