"""Chunks of a log: consecutive records of one partition, and the offsets between which they lie. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from storage.ledger.positions import Span
from streams.intake import Incoming

MOST_BATCHES: Final = 4  # that one is taken apart to, by what it is about


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


def by_subject(chunks: Sequence[Chunk]) -> list[list[Chunk]]:
    """The same records as batches that follow one another, what is about campaigns apart from what is about candidates:
    so those who wait for a campaign's lock do so while the campaign is changed, not while candidates are. A record's
    key says which it is; it may be anybody's word, and then the batch is only slower. Where that would be many batches,
    it is one."""
    runs: dict[int, list[tuple[bool, list[Chunk]]]] = {}
    for chunk in chunks:
        of = runs.setdefault(chunk.partition, [])
        for of_campaign, part in _runs(chunk):
            if of and of[-1][0] == of_campaign:
                of[-1][1].append(part)
            else:
                of.append((of_campaign, [part]))
    batches: list[list[Chunk]] = []
    of_campaign = False
    while any(runs.values()) and len(batches) <= MOST_BATCHES:
        next_ones = [of.pop(0)[1] for of in runs.values() if of and of[0][0] is of_campaign]
        batches += [[part for parts in next_ones for part in parts]] if next_ones else []
        of_campaign = not of_campaign
    return batches if len(batches) <= MOST_BATCHES else [list(chunks)]


def _runs(chunk: Chunk) -> Iterator[tuple[bool, Chunk]]:
    since = chunk.since
    alike = [(of_campaign, tuple(records)) for of_campaign, records in groupby(chunk.records, key=_is_of_campaign)]
    for nth, (of_campaign, records) in enumerate(alike or [(False, ())], 1):
        upto = records[-1].offset + 1 if nth < len(alike) else chunk.upto
        yield of_campaign, Chunk(chunk.partition, since, upto, records, chunk.epoch)
        since = upto


def _is_of_campaign(record: Incoming) -> bool:
    return record.key is not None and b"/" not in record.key


def _cut(chunk: Chunk, after: int) -> tuple[Chunk, Chunk]:
    middle = chunk.records[after - 1].offset + 1
    return (
        Chunk(chunk.partition, chunk.since, middle, chunk.records[:after], chunk.epoch),
        Chunk(chunk.partition, middle, chunk.upto, chunk.records[after:], chunk.epoch),
    )
