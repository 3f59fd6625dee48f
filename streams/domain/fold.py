"""Facts become journeys. `fold` is the definition; `merge` applies one more fact to the same effect.

What each fact type does is the table at the foot of this file.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Set
from typing import Any

from schemas.data import CandidateSignedUp
from schemas.facts import Fact
from schemas.journey import (
    Hire,
    Interview,
    Journey,
    Micros,
    Offer,
    Payment,
    Restriction,
    Stamp,
    Terms,
    Word,
    consents_of,
)
from schemas.marks import marked
from schemas.sealed import personal_names

SIGNUP = "candidate.signed_up"
KEPT = frozenset(marked(CandidateSignedUp, "kept"))  # stays when a person is erased
PERSONAL = marked(CandidateSignedUp, "personal")
ATTRIBUTES = ("locale", *marked(CandidateSignedUp, "kept"), "consent")
RETRACTION = "fact.retracted"
ERASURE = "candidate.erased"
IRREVOCABLE = frozenset({RETRACTION, ERASURE})


def fold(facts: Iterable[Fact]) -> Journey:
    """The journey that a set of one candidate's facts makes. Order and duplicates do not matter,
    as long as the facts of one identity come with the one that stands first."""
    unique: dict[tuple[str, str], Fact] = {}
    for fact in facts:
        unique.setdefault(fact.identity, fact)
    retracted = retractions(unique.values())
    journey = Journey()
    for fact in unique.values():
        if stands(fact, retracted):
            merge(journey, fact)
    return journey


def retractions(facts: Iterable[Fact]) -> set[tuple[str, str, str]]:
    """What these facts retract: (campaign, source, id) of each."""
    return {(f.campaign, f.data["source"], f.data["id"]) for f in facts if f.type == RETRACTION}


def stands(fact: Fact, retracted: Set[tuple[str, str, str]]) -> bool:
    """Whether a fact counts. Retractions and erasures can't be taken back."""
    return fact.type in IRREVOCABLE or (fact.campaign, *fact.identity) not in retracted


def merge(journey: Journey, fact: Fact) -> None:
    """Let the journey know one more fact that stands. Facts of other kinds (campaign.opened …) change nothing."""
    handler = HANDLERS.get(fact.type)
    if handler:
        at = fact.stamp
        handler(journey, at, fact.data)
        if fact.type == SIGNUP:
            _told(journey, at, personal_names(fact.event))


def is_before(at: Stamp, cut: Micros | None) -> bool:
    """Whether a word was said before the person was erased, however late it comes."""
    return cut is not None and at[0] <= cut


def _signed_up(journey: Journey, at: Stamp, data: dict[str, Any]) -> None:
    journey.first_signup = _earlier(journey.first_signup, at[0])
    journey.last_signup = _later(journey.last_signup, at)
    if "fair" in data:
        journey.fairs[data["fair"]] = _earlier(journey.fairs.get(data["fair"]), at[0])
        _among(journey.signups.setdefault(data["fair"], []), at)
    journey.erased = _is_erased(journey)
    for name in ATTRIBUTES:
        if name in data and (name in KEPT or not is_before(at, journey.cut)):
            journey.attributes[name] = _latest(journey.attributes.get(name), at, data[name])


def _consent(given: bool) -> Handler:
    """A word of consent stands among the attributes: it is the person's, and goes with the person."""

    def handle(journey: Journey, at: Stamp, data: dict[str, Any]) -> None:
        if not is_before(at, journey.cut):
            for name in consents_of(data["purpose"], data.get("employers")):
                journey.attributes[name] = _latest(journey.attributes.get(name), at, given)

    return handle


def _checked_in(journey: Journey, at: Stamp, data: dict[str, Any]) -> None:
    journey.checkins[data["fair"]] = _earlier(journey.checkins.get(data["fair"]), at[0])


def _interviewed(journey: Journey, at: Stamp, data: dict[str, Any]) -> None:
    known = journey.interviews.setdefault(data["employer"], Interview(first=at[0]))
    known.first = min(known.first, at[0])
    if "outcome" in data:
        known.outcome = _latest(known.outcome, at, data["outcome"])


def _withdrew(journey: Journey, at: Stamp, data: dict[str, Any]) -> None:
    if fair := data.get("fair"):
        journey.left[fair] = _later(journey.left.get(fair), at)
    else:
        journey.withdrew = _later(journey.withdrew, at)


def _restriction(stands: bool) -> Handler:
    def handle(journey: Journey, at: Stamp, data: dict[str, Any]) -> None:
        known = journey.restriction
        if not is_before(at, journey.cut) and (known is None or at > known.at):
            journey.restriction = Restriction(at, stands, data.get("ground"), data.get("until"))

    return handle


def _offer_status(status: str) -> Handler:
    def handle(journey: Journey, at: Stamp, data: dict[str, Any]) -> None:
        offer = journey.offers.setdefault(data["offer"], Offer(status=Word(at, status)))
        offer.status = _latest(offer.status, at, status)

    return handle


def _offer_extended(journey: Journey, at: Stamp, data: dict[str, Any]) -> None:
    _offer_status("extended")(journey, at, data)
    offer = journey.offers[data["offer"]]
    if offer.terms is None or at > offer.terms.at:
        offer.terms = Terms(
            at,
            data["employer"],
            data["position"],
            data.get("opening"),
            data.get("expires_at"),
            data.get("city"),
            start_on=data.get("start_on"),
            place=data.get("place"),
        )


def _hire_started(journey: Journey, at: Stamp, data: dict[str, Any]) -> None:
    hire = _hire(journey, at, data, "started")
    hire.started_on = _latest(hire.started_on, at, data["started_on"])
    if "position" in data:
        hire.position = _latest(hire.position, at, data["position"])


def _hire_ended(journey: Journey, at: Stamp, data: dict[str, Any]) -> None:
    _hire(journey, at, data, "ended")


def _hire(journey: Journey, at: Stamp, data: dict[str, Any], status: str) -> Hire:
    hire = journey.hires.setdefault(data["employer"], Hire(status=Word(at, status)))
    hire.status = _latest(hire.status, at, status)
    return hire


def _benefit_status(status: str) -> Handler:
    def handle(journey: Journey, at: Stamp, data: dict[str, Any]) -> None:
        journey.benefits[data["benefit"]] = _latest(journey.benefits.get(data["benefit"]), at, status)

    return handle


def _benefit_paid(journey: Journey, at: Stamp, data: dict[str, Any]) -> None:
    _benefit_status("paid")(journey, at, data)
    if "amount" in data:
        journey.payments[f"{at[1]} {at[2]}"] = Payment(at[0], str(data["amount"]))


def _told(journey: Journey, at: Stamp, names: Iterable[str]) -> None:
    """Which fact has the last word on a person's name or address; what it says is for the vault alone."""
    if not is_before(at, journey.cut):
        for name in names:
            journey.told[name] = _later(journey.told.get(name), at)


def _erased(journey: Journey, at: Stamp, data: dict[str, Any]) -> None:
    """What was said before goes, save what names nobody; a signup that was said later began a new life."""
    journey.cut = cut = max(at[0], at[0] if journey.cut is None else journey.cut)
    journey.erased = _is_erased(journey)
    if journey.restriction is not None and is_before(journey.restriction.at, cut):
        journey.restriction = None
    journey.told = {name: said for name, said in journey.told.items() if said[0] > cut}
    journey.attributes = {name: word for name, word in journey.attributes.items() if name in KEPT or word.at[0] > cut}


def _is_erased(journey: Journey) -> bool:
    if journey.cut is None:
        return journey.erased
    return journey.last_signup is None or journey.last_signup[0] <= journey.cut


def _among(stamps: list[Stamp], at: Stamp) -> None:
    """Put a stamp where it belongs, once."""
    place = bisect_left(stamps, at)
    if stamps[place : place + 1] != [at]:
        stamps.insert(place, at)


def _latest(known: Word | None, at: Stamp, value: str | int | bool) -> Word:
    return Word(at, value) if known is None or at > known.at else known


def _earlier(known: Micros | None, at: Micros) -> Micros:
    return at if known is None or at < known else known


def _later(known: Stamp | None, at: Stamp) -> Stamp:
    return at if known is None or at > known else known


Handler = Callable[[Journey, Stamp, dict[str, Any]], None]

HANDLERS: dict[str, Handler] = {
    SIGNUP: _signed_up,
    "candidate.checked_in": _checked_in,
    "consent.given": _consent(True),
    "consent.withdrawn": _consent(False),
    "candidate.interviewed": _interviewed,
    "candidate.withdrew": _withdrew,
    "candidate.restricted": _restriction(True),
    "candidate.restriction_lifted": _restriction(False),
    "offer.extended": _offer_extended,
    "offer.accepted": _offer_status("accepted"),
    "offer.declined": _offer_status("declined"),
    "offer.rescinded": _offer_status("rescinded"),
    "hire.started": _hire_started,
    "hire.ended": _hire_ended,
    "benefit.applied": _benefit_status("applied"),
    "benefit.verified": _benefit_status("verified"),
    "benefit.paid": _benefit_paid,
    "benefit.refused": _benefit_status("refused"),
    ERASURE: _erased,
}
