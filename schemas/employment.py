"""What a journey says of where somebody is to work, and where they do."""

from __future__ import annotations

from schemas.journey import Journey, Terms


def accepted(journey: Journey) -> list[tuple[str, Terms]]:
    """The offers that somebody accepted, as far as their terms are known: id and terms."""
    return [(id, o.terms) for id, o in journey.offers.items() if o.terms is not None and o.status.value == "accepted"]


def works_at(journey: Journey) -> list[str]:
    """The employers of the hires that stand."""
    return [employer for employer, hire in journey.hires.items() if hire.status.value == "started"]
