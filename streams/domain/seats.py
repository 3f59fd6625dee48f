"""Who stands in which fair's line, and what a change of a journey moves there. Pure.

A line is ordered by the signups for its fair; the fair's capacity cuts it: who stands before the cut has a seat, who
stands after it waits.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from schemas.facts import Fact
from schemas.journey import Journey, Stamp


class Move(NamedTuple):
    """A candidate comes to stand at this signup in a fair's line; None: leaves it. `anew`: as one who was told nothing
    of it, since a withdrawal lies between."""

    fair: str
    at: Stamp | None
    anew: bool


def lines(journey: Journey) -> dict[str, Stamp]:
    """Where a candidate stands, in each fair's line."""
    return {fair: at for fair in journey.signups if (at := journey.in_line(fair)) is not None}


def moves(was: Mapping[str, Stamp], journey: Journey, facts: Collection[Fact]) -> list[Move]:
    """What changed in the lines, of a candidate who stood so before these facts."""
    now = lines(journey)
    if was == now:
        return []
    return [
        Move(fair, now.get(fair), _anew(was.get(fair), now.get(fair), journey.signed_off(fair), journey, facts))
        for fair in sorted(was.keys() | now.keys())
        if was.get(fair) != now.get(fair)
    ]


def _anew(was: Stamp | None, now: Stamp | None, off: Stamp | None, journey: Journey, facts: Collection[Fact]) -> bool:
    """Who withdrew knows that the seat is gone, and is told anew when signing up again. A retraction tells nobody, and
    neither does a withdrawal that is learned of after the signup that came after it."""
    if was is None or journey.erased:
        return journey.erased
    if journey.cut is not None and was[0] <= journey.cut:
        return True
    return off is not None and off > was and (now is None or any(fact.stamp == now for fact in facts))
