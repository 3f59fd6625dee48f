"""How a target stands, as numbers and a word: pure, with today passed in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from schemas.pace import even_pace

AHEAD: Final = 1.1  # of what an even pace would have brought by today
BEHIND: Final = 0.9


@dataclass(frozen=True, slots=True)
class Standing:
    """`percent` of the goal may exceed 100; `share` (0-100) is the bar's length. `expected` is what an even pace from
    the campaign's start to the due date would have brought by the end of today; None where no start is known.
    `word` is counting (what stood before the target was set is not counted as yet), reached, missed, ahead, on_pace or
    behind; None where there is no pace to compare with.
    """

    percent: float
    share: float
    days_left: int
    expected: float | None
    expected_share: float | None
    word: str | None


def standing(target: dict[str, Any], starts_on: date | None, today: date) -> Standing:
    """How this target (an entry with `goal`, `progress`, `due_on`, `counting`) stands today."""
    goal, progress, due = float(target["goal"]), float(target["progress"]), target["due_on"]
    percent = 100 * progress / goal
    expected = even_pace(goal, starts_on, due, today)
    return Standing(
        percent=percent,
        share=round(max(0.0, min(100.0, percent)), 3),
        days_left=(due - today).days,
        expected=expected,
        expected_share=None if expected is None else round(min(100.0, 100 * expected / goal), 3),
        word="counting" if target["counting"] else _word(progress, goal, expected, late=today > due),
    )


def stood(targets: list[dict[str, Any]], campaign: dict[str, Any], now: datetime) -> list[dict[str, Any]]:
    """The targets of a campaign, each with its `standing` now."""
    today = day_in(campaign["timezone"], now)
    return [row | {"standing": standing(row, campaign["starts_on"], today)} for row in targets]


def day_in(timezone: str, now: datetime) -> date:
    """The day that it is there."""
    return now.astimezone(ZoneInfo(timezone)).date()


def _word(progress: float, goal: float, expected: float | None, *, late: bool) -> str | None:
    if progress >= goal:
        return "reached"
    if late:
        return "missed"
    if not expected:
        return None
    if progress >= expected * AHEAD:
        return "ahead"
    return "on_pace" if progress >= expected * BEHIND else "behind"
