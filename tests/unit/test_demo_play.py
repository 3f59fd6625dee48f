"""The demo's player: order, pace and counts, on a clock that moves only when somebody sleeps."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import pytest

from yinfeng.demo import Played, Story, park_story, play

Event = dict[str, Any]


@pytest.fixture(scope="module")
def village() -> Story:
    return park_story(today=date(2026, 11, 23), candidates=200)


@dataclass
class Result:
    accepted: int
    duplicates: int = 0
    rejected: list[str] = field(default_factory=list)


class Stage:
    """A clock that moves only when somebody sleeps (or posting takes time), and a poster that remembers."""

    def __init__(self, cost: float = 0.0) -> None:
        self.now, self.cost = 1000.0, cost
        self.batches: list[tuple[float, list[Event]]] = []
        self.slept = 0

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.slept += 1
        self.now += seconds

    def post(self, batch: list[Event]) -> Result:
        self.batches.append((self.now - 1000.0, batch))
        self.now += self.cost
        return Result(len(batch))

    def play(self, facts: list[Event], **options: Any) -> Played:
        seen: list[int] = []
        played = play(
            facts,
            self.post,
            clock=self.clock,
            sleep=self.sleep,
            on_progress=lambda p: seen.append(p.posted),
            **options,
        )
        assert seen == sorted(seen)
        assert len(seen) == len(self.batches)
        return played

    @property
    def posted(self) -> list[Event]:
        return [event for _, batch in self.batches for event in batch]


@pytest.mark.parametrize("speed", [0, None])
def test_as_fast_as_possible_never_sleeps(village: Story, speed: float | None) -> None:
    stage = Stage()
    played = stage.play(village.facts, speed=speed, batch=100)
    assert stage.posted == village.facts
    assert stage.slept == 0
    assert max(len(batch) for _, batch in stage.batches) == 100
    assert (played.posted, played.accepted, played.total) == (len(village.facts),) * 3


@pytest.mark.parametrize("cost", [0.0, 0.7])
def test_facts_come_at_their_pace(village: Story, cost: float) -> None:
    stage = Stage(cost)
    stage.play(village.facts, speed=4.0)
    assert stage.posted == village.facts
    start = datetime.fromisoformat(village.facts[0]["time"])
    for second, batch in stage.batches:
        ahead = [(datetime.fromisoformat(e["time"]) - start).total_seconds() / 86400 / 4 - second for e in batch]
        assert max(ahead) < 1e-6
    year = (datetime.fromisoformat(village.facts[-1]["time"]) - start).days / 4
    assert stage.batches[-1][0] == pytest.approx(year, abs=2)


def test_a_slow_poster_loses_nothing(village: Story) -> None:
    stage = Stage(cost=500.0)
    stage.play(village.facts, speed=50, batch=10)
    assert stage.posted == village.facts


def test_duplicates_and_rejections_are_counted(village: Story) -> None:
    def never(seconds: float) -> None:
        raise AssertionError(seconds)

    def post(batch: list[Event]) -> Result:
        return Result(len(batch) - 2, duplicates=1, rejected=["no"])

    played = play(village.facts, post, speed=0, clock=float, sleep=never, on_progress=lambda _: None, batch=4)
    batches = -(-len(village.facts) // 4)
    assert (played.duplicates, played.rejected, len(played.rejections)) == (batches, batches, 100)


def test_nothing_to_play() -> None:
    assert Stage().play([]).posted == 0


@pytest.mark.parametrize("speed", [-1, float("inf"), float("nan")])
def test_odd_speeds_are_refused(speed: float) -> None:
    with pytest.raises(ValueError, match="speed"):
        Stage().play([], speed=speed)
