"""What the rounds come to: medians, and what was wrong. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Run:
    """One contestant in one round. `seconds` from the first fact until the numbers are right; processor seconds of
    its own processes, of the broker, and of what else ran on the machine; `memory` at its peak, in MB."""

    seconds: float
    processor: float
    broker: float
    others: float
    memory: float


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a round has no figures."""

    reason: str


Round = Run | Fault


@dataclass(frozen=True, slots=True)
class Score:
    """A contestant's medians: facts a second (with the least and the most), µs of processor a fact, its own and the
    broker's, MB. `faults` are the rounds without figures."""

    rate: float
    lowest: float
    highest: float
    processor: float
    broker: float
    memory: float
    faults: tuple[str, ...] = ()


def score(rounds: Sequence[Round], facts: int) -> Score | Fault:
    """The medians of the rounds that went well; a Fault when none did."""
    good = [each for each in rounds if isinstance(each, Run)]
    faults = tuple(each.reason for each in rounds if isinstance(each, Fault))
    if not good:
        return Fault(faults[0] if faults else "was not tried")
    rates = [facts / run.seconds for run in good]
    return Score(
        rate=median(rates),
        lowest=min(rates),
        highest=max(rates),
        processor=median(run.processor for run in good) * 1e6 / facts,
        broker=median(run.broker for run in good) * 1e6 / facts,
        memory=median(run.memory for run in good),
        faults=faults,
    )


def others_share(rounds: Mapping[str, Sequence[Round]], cores: int) -> float:
    """What part of the machine other programs had while the contestants ran: 0 to 1."""
    runs = [each for tries in rounds.values() for each in tries if isinstance(each, Run)]
    had = sum(run.seconds for run in runs) * cores
    return max(0.0, sum(run.others for run in runs) / had) if had else 0.0


def wrong(said: Mapping[str, int], wanted: Mapping[str, int]) -> str | None:
    """In words how numbers differ from those that must come out; None when they are right."""
    differing = [
        f"{name} {said.get(name, 0):,} instead of {number:,}"
        for name, number in wanted.items()
        if said.get(name) != number
    ]
    return "wrong: " + ", ".join(differing) if differing else None
