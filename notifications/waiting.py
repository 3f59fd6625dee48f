"""What those are told for whom a fair has no seat, and what they are told once it has. Pure."""

from __future__ import annotations

from notifications.case import Case, NotNow, Values
from notifications.fairs import described
from notifications.letters import require_part
from schemas.journey import Journey


def takes_part(journey: Journey, fair: str) -> bool:
    """Whether this candidate counts among those who need a seat."""
    return fair in journey.fairs and not journey.withdrawn and not journey.erased


def waitlisted(case: Case) -> Values:
    """That the fair is full, and that a seat may come free."""
    if case.place != "waiting":
        raise NotNow("cancelled", "there is a seat by now")
    return _told(case)


def moved_up(case: Case) -> Values:
    """That a seat came free."""
    if case.place != "seat":
        raise NotNow("cancelled", "the seat was given up")
    return _told(case)


def _told(case: Case) -> Values:
    require_part(case)
    row = case.fair_row()
    if row is None or row["cancelled"]:
        raise NotNow("cancelled", "the fair does not take place")
    if case.now >= row["starts_at"]:
        raise NotNow("cancelled", "the fair has begun")
    return {"fair": described(row, case.zone, case.locale)}
