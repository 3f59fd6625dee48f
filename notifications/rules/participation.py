"""Who takes part in a fair. Pure."""

from __future__ import annotations

from schemas.journey import Journey


def takes_part(journey: Journey, fair: str) -> bool:
    """Whether this candidate counts among those who need a seat: signed up for it, and has not withdrawn since."""
    return journey.in_line(fair) is not None
