"""The burn-up chart as geometry: coordinates in a box of WIDTH by HEIGHT, the origin at the top left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

WIDTH: Final = 1000
HEIGHT: Final = 300
MOST_VALUES: Final = 60
_HEADROOM: Final = 1.06

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Chart:
    """`line`, `area` and `pace` are points for SVG's polyline and polygon; `goal_y` and `today_x` are where to draw
    the goal and today (None: outside). `first` and `last` are the days at both ends. `values`: what is read at some of
    the days, at most MOST_VALUES."""

    line: str
    area: str
    pace: str
    goal_y: float
    today_x: float | None
    first: date
    last: date
    values: tuple[ChartValue, ...] = ()


@dataclass(frozen=True, slots=True)
class ChartValue:
    """The sum at the end of a day, at `x` and `y` (percent of the box); `left` and `width`: where a pointer is nearest
    to it."""

    day: date
    number: float
    x: float
    y: float
    left: float
    width: float


def burn_up(
    days: Sequence[tuple[date, Decimal]], *, goal: float, starts_on: date | None, due_on: date, today: date
) -> Chart:
    """Progress summed up day by day against a straight line to the goal. `days` are differences, in order."""
    known = [day for day, _ in days]
    first = min([starts_on or today, due_on, *known[:1]])
    last = max([due_on, first, *known[-1:]])
    total = float(sum((amount for _, amount in days), Decimal(0)))
    top = max(goal, total, *_sums(days)) * _HEADROOM or 1.0
    span = max((last - first).days, 1)

    def at(day: date, number: float) -> tuple[float, float]:
        return round(WIDTH * (day - first).days / span, 1), round(HEIGHT * (1 - number / top), 1)

    end = max([min(today, last), *known[-1:]])
    steps = _steps(days, first, end)
    line = [at(day, number) for day, number in steps]
    area = [(line[0][0], HEIGHT), *line, (line[-1][0], HEIGHT)]
    return Chart(
        line=_points(line),
        area=_points(area),
        pace=_points([at(max(first, min(starts_on or first, due_on)), 0), at(due_on, goal)]),
        goal_y=at(first, goal)[1],
        today_x=at(today, 0)[0] if first <= today <= last else None,
        first=first,
        last=last,
        values=_values(steps, first, end, span, top),
    )


def _values(steps: list[tuple[date, float]], first: date, end: date, span: int, top: float) -> tuple[ChartValue, ...]:
    """Every so many days the sum, and at the end."""
    every = -(-((end - first).days + 1) // MOST_VALUES)
    sums, found, width = dict(steps), [], 100 * every / span
    number = 0.0
    for gone in range((end - first).days + 1):
        day = first + timedelta(days=gone)
        number = sums.get(day, number)
        if (end - day).days % every == 0:
            x = 100 * gone / span
            left = max(x - width / 2, 0.0)
            y = 100 * (1 - number / top)
            found.append(ChartValue(day, number, *(round(n, 2) for n in (x, y, left, min(width, 100 - left)))))
    return tuple(found)


def chart_of(
    target: dict[str, Any], days: Sequence[tuple[date, Decimal]], starts_on: date | None, today: date
) -> Chart:
    """The chart of a target (an entry with `goal` and `due_on`)."""
    return burn_up(days, goal=float(target["goal"]), starts_on=starts_on, due_on=target["due_on"], today=today)


def _steps(days: Sequence[tuple[date, Decimal]], first: date, end: date) -> list[tuple[date, float]]:
    """The sum at the end of each day on which it changed, level in between."""
    found, total = [(first, 0.0)], 0.0
    for day, amount in days:
        found.append((day, total))
        total += float(amount)
        found.append((day, total))
    if end > found[-1][0]:
        found.append((end, total))
    return found


def _sums(days: Sequence[tuple[date, Decimal]]) -> list[float]:
    return [number for _, number in _steps(days, date.min, date.min)]


def _points(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:g},{y:g}" for x, y in points)
