"""Post a story at a chosen pace. Time, sleep and the way of posting are handed in."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from yinfeng.demo.events import Event

DEFAULT_SPEED = 3.6  # campaign days a second: the year in 90 seconds
BATCH = 500
_TICK = 0.1  # seconds; posting more often than this gains nothing that an eye could see
_DAY = 86_400.0
_AT_ONCE = float("inf")
_KEPT_REJECTIONS = 100


class Posted(Protocol):
    """What posting a batch came to, as `POST /v1/events` tells it."""

    @property
    def accepted(self) -> int: ...
    @property
    def duplicates(self) -> int: ...
    @property
    def rejected(self) -> Sequence[Any]: ...


@dataclass(slots=True)
class Played:
    """How far the story has come. `at`: the campaign's time; `rejections`: the first 100 of the rejected."""

    total: int
    posted: int = 0
    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0
    at: datetime | None = None
    rejections: list[Any] = field(default_factory=list)


def play(
    facts: Sequence[Event],
    post: Callable[[list[Event]], Posted],
    *,
    speed: float | None = DEFAULT_SPEED,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
    on_progress: Callable[[Played], None],
    batch: int = BATCH,
) -> Played:
    """Post `facts` in their order, `speed` campaign days a second (0 or None: as fast as `post` takes them).

    `clock` gives seconds that only grow; `on_progress` is called after each batch with the same `Played` that
    is returned at the end. A poster that is slower than the pace is never skipped over: the story just takes
    longer. Raises ValueError for a negative or not finite speed, and whatever `post` raises.
    """
    if speed and not 0 < speed < float("inf"):
        raise ValueError("speed must be a number of days a second, 0 or more; 0 plays as fast as possible")
    moments = _moments(facts)
    seconds = [(moment - moments[0]).total_seconds() / _DAY / (speed or _AT_ONCE) for moment in moments]
    played = Played(total=len(facts))
    start = clock()
    while played.posted < len(facts):
        wait = start + seconds[played.posted] - clock()
        if wait > 0:
            sleep(max(wait, _TICK))
        due = max(bisect_right(seconds, clock() - start), played.posted + 1)
        for chunk in _chunks(facts, played.posted, due, batch):
            _count(played, chunk, post(chunk))
            played.at = moments[played.posted - 1]
            on_progress(played)
    return played


def _moments(facts: Sequence[Event]) -> list[datetime]:
    """When each fact is due, in campaign time: its own time, but never before the fact ahead of it."""
    moments: list[datetime] = []
    for fact in facts:
        moment = datetime.fromisoformat(fact["time"])
        moments.append(max(moment, moments[-1]) if moments else moment)
    return moments


def _chunks(facts: Sequence[Event], start: int, end: int, size: int) -> Iterator[list[Event]]:
    for first in range(start, end, size):
        yield list(facts[first : min(first + size, end)])


def _count(played: Played, chunk: list[Event], posted: Posted) -> None:
    played.posted += len(chunk)
    played.accepted += posted.accepted
    played.duplicates += posted.duplicates
    played.rejected += len(posted.rejected)
    room = _KEPT_REJECTIONS - len(played.rejections)
    played.rejections += list(posted.rejected)[: max(room, 0)]
