"""The results as a table in Markdown and as a picture. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks import pages
from benchmarks.peers.plot import Bar, bars
from benchmarks.peers.results import Fault, Score

BUSY: Final = 0.1  # of the machine
ENOUGH: Final = 100_000  # facts
ROUNDS: Final = 3

_HEADER = (
    "",
    "facts/s (least–most)",
    "processor, µs a fact",
    "of the broker, µs a fact",
    "peak memory, MB",
    "durable and queryable at the end",
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A contestant's place in the report."""

    title: str
    at_end: str
    score: Score | Fault
    ours: bool = False


def table(entries: Sequence[Entry]) -> str:
    """The entries, the fastest first; those without figures last, with the reason."""
    return pages.table(_HEADER, map(_row, ranked(entries)))


def picture(entries: Sequence[Entry], facts: int) -> str:
    """The same as bars."""
    title = f"Facts a second, {facts:,} facts drained from Apache Kafka (median, line: least to most)"
    return bars(title, [_bar(entry) for entry in ranked(entries)], "/s")


def cautions(facts: int, rounds: int, others: float) -> str:
    """Why these figures are not to be relied on; empty when nothing speaks against them."""
    reasons = []
    if others > BUSY:
        reasons.append(f"other programs had {others:.0%} of the machine")
    if facts < ENOUGH:
        reasons.append("so few facts measure the start of each (a JVM still compiles) more than its pace")
    if rounds < ROUNDS:
        reasons.append("too few rounds to tell chance from difference")
    return f"**Don't compare these figures:** {'; '.join(reasons)}.\n\n" if reasons else ""


def ranked(entries: Sequence[Entry]) -> list[Entry]:
    return sorted(entries, key=lambda entry: -entry.score.rate if isinstance(entry.score, Score) else 0.0)


def _row(entry: Entry) -> Sequence[str]:
    title = f"**{entry.title}**" if entry.ours else entry.title
    if isinstance(entry.score, Fault):
        return (title, *"–" * 4, entry.score.reason)
    of = entry.score
    failed = f" (rounds without figures: {len(of.faults)}, {of.faults[0]})" if of.faults else ""
    rates = f"{of.rate:,.0f} ({of.lowest:,.0f}–{of.highest:,.0f})"
    return (title, rates, f"{of.processor:.0f}", f"{of.broker:.0f}", f"{of.memory:,.0f}", entry.at_end + failed)


def _bar(entry: Entry) -> Bar:
    if isinstance(entry.score, Fault):
        return Bar(entry.title, None, note="no figures: see the table", ours=entry.ours)
    return Bar(entry.title, entry.score.rate, entry.score.lowest, entry.score.highest, ours=entry.ours)
