"""What those are told for whom a fair has no seat, once it has, and when it has none after all. Pure."""

from __future__ import annotations

from notifications.sending.kinds.to_candidates import fair_of, instead, require_news, require_part
from notifications.sending.situation import NotNow, Situation, Values
from schemas.messages import MOVED_UP


def waitlisted(situation: Situation) -> Values:
    """That the fair is full, and that a seat may come free."""
    told = _told(situation)
    if situation.place != "waiting":
        raise instead(situation, MOVED_UP, "there is a seat by now; told of it instead")
    return told


def moved_up(situation: Situation) -> Values:
    """That a seat came free."""
    told = _told(situation)
    if situation.place != "seat":
        raise NotNow("cancelled", "the seat was given up")
    return told


def moved_back(situation: Situation) -> Values:
    """That there is no seat after all, of which the candidate was told."""
    told = _told(situation)
    if situation.place != "waiting":
        raise NotNow("cancelled", "there is a seat by now")
    return told


def _told(situation: Situation) -> Values:
    require_part(situation)
    row = situation.fair_row()
    if row is None or row["cancelled"]:
        raise NotNow("cancelled", "the fair does not take place")
    if situation.now >= row["starts_at"]:
        raise NotNow("cancelled", "the fair has begun")
    require_news(situation)
    return {"fair": fair_of(situation)}
