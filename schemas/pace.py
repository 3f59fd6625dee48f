"""The way to a target: an even pace, the same brought by each day from the start to the due date; and milestones.
Pure."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Final

PERCENTS: Final = (25, 50, 75, 90, 100)  # of the goal: the milestones


def even_pace(goal: float, starts_on: date | None, due: date, today: date) -> float | None:
    """What would be done by the end of today at an even pace; None where no start is known."""
    if starts_on is None or due < starts_on:
        return None
    gone = (today - starts_on).days + 1
    return goal * max(0, min(gone, (due - starts_on).days + 1)) / ((due - starts_on).days + 1)


def crossed(before: Decimal, after: Decimal, goal: Decimal) -> list[int]:
    """The milestones (percent of the goal) that lie above `before` and at or below `after`."""
    return [percent for percent in PERCENTS if before * 100 < goal * percent <= after * 100]
