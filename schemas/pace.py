"""The way to a target: an even pace, the same brought by each day from the start to the due date; and milestones.
Pure."""

from __future__ import annotations

from datetime import date
from decimal import Context, Decimal
from typing import Final

PERCENTS: Final = (25, 50, 75, 90, 100)  # of the goal: the milestones
# Whatever amounts may have, from 5e-324 to 1e15: as Postgres adds up, so that both see a milestone at the same sum.
_EXACT: Final = Context(prec=1000)


def even_pace(goal: float, starts_on: date | None, due: date, today: date) -> float | None:
    """What would be done by the end of today at an even pace; None where no start is known."""
    if starts_on is None or due < starts_on:
        return None
    gone = (today - starts_on).days + 1
    return goal * max(0, min(gone, (due - starts_on).days + 1)) / ((due - starts_on).days + 1)


def crossed(before: Decimal, after: Decimal, goal: Decimal) -> list[int]:
    """The milestones (percent of the goal) that lie above `before` and at or below `after`."""
    below, upto = _EXACT.multiply(before, 100), _EXACT.multiply(after, 100)
    return [percent for percent in PERCENTS if below < goal * percent <= upto]


def crossed_by(amount: Decimal, before: Decimal, goal: Decimal) -> list[int]:
    """The milestones that adding so much to `before` comes to."""
    return crossed(before, _EXACT.add(before, amount), goal)
