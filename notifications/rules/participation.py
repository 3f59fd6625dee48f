"""Who takes part in a fair. Pure."""

from __future__ import annotations

from schemas.journey import Journey


def takes_part(journey: Journey, fair: str) -> bool:
    """Whether this candidate counts among those who need a seat."""
    return fair in journey.fairs and not journey.withdrawn and not journey.erased
