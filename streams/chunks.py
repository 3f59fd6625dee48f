"""Chunks of a log: consecutive records of one partition, and the offsets between which they lie. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from storage.ledger.positions import Span
from streams.intake import Incoming


@dataclass(frozen=True, slots=True)
class Chunk:
    """Records of one partition, in order. They are all that lies from `since` to before `upto`: what has no record
    there (a transaction's marks, what was compacted away) needs none. `epoch` says for which reading they were read."""

    partition: int
    since: int
    upto: int
    records: tuple[Incoming, ...]
    epoch: int = 0


def records_of(chunks: Iterable[Chunk]) -> list[Incoming]:
    """The records of all chunks, in their order."""
    return [record for chunk in chunks for record in chunk.records]


def spans_of(chunks: Iterable[Chunk]) -> dict[int, Span]:
    """From where to where these chunks go in each partition. A partition's chunks must follow one another."""
    spans: dict[int, Span] = {}
    for chunk in chunks:
        since, upto = spans.get(chunk.partition, (chunk.since, chunk.since))
        assert upto == chunk.since, f"a hole in partition {chunk.partition}: {upto} to {chunk.since}"
        spans[chunk.partition] = (since, chunk.upto)
    return spans


def halves(chunks: Sequence[Chunk]) -> tuple[list[Chunk], list[Chunk]]:
    """The same records as two batches that follow one another, each with half of them."""
    left = (sum(len(chunk.records) for chunk in chunks) + 1) // 2
    first: list[Chunk] = []
    second: list[Chunk] = []
    for chunk in chunks:
        if left >= len(chunk.records) and not second:
            first.append(chunk)
            left -= len(chunk.records)
        elif left > 0 and not second:
            before, after = _cut(chunk, left)
            first.append(before)
            second.append(after)
        else:
            second.append(chunk)
    return first, second


def _cut(chunk: Chunk, after: int) -> tuple[Chunk, Chunk]:
    middle = chunk.records[after - 1].offset + 1
    return (
        Chunk(chunk.partition, chunk.since, middle, chunk.records[:after], chunk.epoch),
        Chunk(chunk.partition, middle, chunk.upto, chunk.records[after:], chunk.epoch),
    )
