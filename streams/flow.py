"""How a worker's reading of the facts stands: where each partition goes on, and how much waits to be applied.

State without I/O: the transport asks what it may read and tells what it read, the agent tells what was applied.
An *epoch* is a reading from known positions. It ends whenever these may no longer hold (a rebalance, a batch that was
fenced off, records that don't follow one another); what was read in an earlier one is dropped, since it is read again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from storage.ledger.positions import Log
from streams.chunks import Chunk
from streams.intake import incoming_of


class Flow:
    """The reading of one topic, in chunks of up to `chunk_size` records, of which so many (`together`) of a partition
    come one after another. While `limit` records wait, none is read."""

    def __init__(self, *, limit: int, chunk_size: int, together: int = 1) -> None:
        self._limit, self._chunk_size, self._together = limit, chunk_size, together
        self._epoch, self._waiting, self._holding = 0, 0, False
        self._log: Log | None = None
        self._next: dict[int, int] = {}
        self._applied: dict[int, int] = {}
        self._roomy = asyncio.Event()
        self._roomy.set()

    @property
    def epoch(self) -> int:
        """The reading that goes on now."""
        return self._epoch

    @property
    def log(self) -> Log | None:
        """The log that is read; None before any partition was placed."""
        return self._log

    def restart(self) -> None:
        """End this reading: every partition is to be placed anew."""
        self._epoch += 1
        self._waiting, self._holding = 0, False
        self._next.clear()
        self._roomy.set()

    def hold(self) -> None:
        """Read nothing more until all that waits is applied, then restart: what waits may be gone from the log."""
        self._holding = True
        self._settle()

    @property
    def idle(self) -> bool:
        """Whether all that was read is applied."""
        return self._waiting == 0

    @property
    def waiting(self) -> int:
        """How many records were read, and are not applied."""
        return self._waiting

    @property
    def has_little(self) -> bool:
        """Whether less than a chunk waits: what is read now is applied at once."""
        return self._waiting < self._chunk_size

    @property
    def has_room(self) -> bool:
        """Whether more may be read now."""
        return self._waiting < self._limit and not self._holding

    async def wait_for_room(self, seconds: float) -> bool:
        """Wait until more may be read, but no longer than this. Returns whether it may."""
        if not self.has_room:
            self._roomy.clear()
            try:
                await asyncio.wait_for(self._roomy.wait(), seconds)
            except TimeoutError:
                return False
        return self.has_room

    def unplaced(self, partitions: set[int]) -> set[int]:
        """Which of these have no place from which to read on."""
        return partitions - self._next.keys()

    def place(self, log: Log, offsets: Mapping[int, int]) -> bool:
        """Read on from here: partition → offset. False, and a new epoch, when others are read from another log."""
        if self._next and log != self._log:
            self.restart()
            return False
        self._log = log
        self._next.update(offsets)
        return True

    def expected(self, partition: int) -> int | None:
        """The offset from which this partition goes on; None when it was not placed."""
        return self._next.get(partition)

    def cut(self, records: Mapping[int, Sequence[Any]]) -> Iterator[Chunk]:
        """What was read, as chunks, round-robin over the partitions. Each chunk given waits from then on.

        Of a log that is far behind, as much of a partition comes in a row as a batch holds: facts of one candidate lie
        near one another there, and a batch reads and writes each journey once, however many of its facts it has.
        """
        longest, turn = max(map(len, records.values()), default=0), self._chunk_size * self._together
        for start in range(0, longest, turn):
            for partition, found in records.items():
                for at in range(start, min(start + turn, len(found)), self._chunk_size):
                    yield self._chunk(partition, found[at : at + self._chunk_size])

    def done(self, chunk: Chunk) -> None:
        """A chunk was applied, or dropped."""
        if chunk.epoch == self._epoch:
            self._waiting -= len(chunk.records)
            self._settle()

    def applied(self, chunks: Sequence[Chunk]) -> None:
        """Chunks were committed: others may be told how far we are."""
        for chunk in chunks:
            self._applied[chunk.partition] = chunk.upto

    def untold(self, partition: int) -> int | None:
        """How far a partition was applied since this was asked last; None when no further."""
        return self._applied.pop(partition, None)

    def _settle(self) -> None:
        if self._holding and not self._waiting:
            self.restart()
        elif self.has_room:
            self._roomy.set()

    def _chunk(self, partition: int, portion: Sequence[Any]) -> Chunk:
        since, upto = self._next[partition], portion[-1].offset + 1
        self._next[partition] = upto
        self._waiting += len(portion)
        return Chunk(partition, since, upto, incoming_of(portion), self._epoch)
