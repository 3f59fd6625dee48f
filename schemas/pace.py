"""The even pace toward a target: the same brought by each day from the start to the due date. Pure."""

from __future__ import annotations

from datetime import date


def even_pace(goal: float, starts_on: date | None, due: date, today: date) -> float | None:
    """What would be done by the end of today at an even pace; None where no start is known."""
    if starts_on is None or due < starts_on:
        return None
    gone = (today - starts_on).days + 1
    return goal * max(0, min(gone, (due - starts_on).days + 1)) / ((due - starts_on).days + 1)
