"""What those are told for whom a fair has no seat, and what they are told once it has. Pure."""

from __future__ import annotations

from notifications.sending.fair_words import described
from notifications.sending.kinds.to_candidates import require_part
from notifications.sending.situation import NotNow, Situation, Values


def waitlisted(situation: Situation) -> Values:
    """That the fair is full, and that a seat may come free."""
    if situation.place != "waiting":
        raise NotNow("cancelled", "there is a seat by now")
    return _told(situation)


def moved_up(situation: Situation) -> Values:
    """That a seat came free."""
    if situation.place != "seat":
        raise NotNow("cancelled", "the seat was given up")
    return _told(situation)


def _told(situation: Situation) -> Values:
    require_part(situation)
    row = situation.fair_row()
    if row is None or row["cancelled"]:
        raise NotNow("cancelled", "the fair does not take place")
    if situation.now >= row["starts_at"]:
        raise NotNow("cancelled", "the fair has begun")
    return {"fair": described(row, situation.zone, situation.locale)}
