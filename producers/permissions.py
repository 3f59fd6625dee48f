"""What a key may post. An employer's: its own offers, interviews and hires with candidates whom it sees, the signups
of candidates of its own, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from schemas.access import Caller, is_reserved
from schemas.facts import Fact
from storage import ledger, sight
from storage.database import Conn
from storage.ledger import JourneyKey, OfferKey

NAMES_EMPLOYER: Final = frozenset(
    {"candidate.interviewed", "offer.extended", "hire.started", "hire.ended", "opening.set"}
)
EXTENDS: Final = "offer.extended"
OFFERS: Final = frozenset({EXTENDS, "offer.accepted", "offer.declined", "offer.rescinded"})
RETRACTS: Final = "fact.retracted"
SIGNS_UP: Final = "candidate.signed_up"


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a fact may not be posted, and which of its fields says so."""

    field: str
    reason: str


CLOSED_CAMPAIGN: Final = Fault("data.campaign", "is none that you may speak of")
RESERVED_SOURCE: Final = Fault("source", "is what the platform itself speaks under; give a source of your own")


def reserved(caller: Caller, facts: Iterable[Fact], *, own: bool = False) -> dict[tuple[str, str], Fault]:
    """Which facts speak under what only the platform itself may, or of a campaign that the caller may not enter: an
    organizer may post all others."""
    known = list(facts)
    found = {fact.identity: RESERVED_SOURCE for fact in known if is_reserved(fact.source) and not own}
    return found | {fact.identity: CLOSED_CAMPAIGN for fact in known if not caller.enters(fact.campaign)}


async def faults(
    conn: Conn, caller: Caller, facts: Iterable[Fact], *, own: bool = False
) -> dict[tuple[str, str], Fault]:
    """Which facts the caller may not post, by identity, with the reason. Organizers may post all that is not the
    platform's own word; `own`: it is, since the caller speaks by a form of ours.

    An employer is told the same of a candidate whom it may not see as of one who does not exist.
    """
    known = list(facts)
    found = reserved(caller, known, own=own)
    if caller.role == "organizer":
        return found
    employer = caller.employer or ""
    seen = await sight.visible(conn, employer, {(f.campaign, f.candidate) for f in known if f.candidate is not None})
    offers = await _offers_by(conn, known)
    posted = await ledger.posted_by(conn, [_retracted(f) for f in known if f.type == RETRACTS], caller.poster)
    for fact in known:
        if reason := _fault(caller, fact, seen, offers, posted):
            found.setdefault(fact.identity, Fault("type", reason))
    return found


def _fault(
    caller: Caller,
    fact: Fact,
    seen: set[JourneyKey],
    offers: dict[OfferKey, set[str]],
    posted: set[tuple[str, str]],
) -> str | None:
    if fact.type == RETRACTS:
        return None if _retracted(fact) in posted else "your key may retract only what it posted itself"
    if fact.type not in NAMES_EMPLOYER | OFFERS | {SIGNS_UP}:
        return f"an employer's key may not post {fact.type}; ask the organizer"
    if fact.candidate is not None and (fact.campaign, fact.candidate) not in seen:
        return f"there is no candidate {fact.candidate} about whom your key may post"
    return _fault_of_words(caller, fact, offers)


def _fault_of_words(caller: Caller, fact: Fact, offers: dict[OfferKey, set[str]]) -> str | None:
    """What is wrong with a fact about a candidate whom the caller sees."""
    if fact.type == SIGNS_UP and not str(fact.candidate).startswith(f"{caller.employer}:"):
        return f"an employer's key signs up its own candidates only: their ids begin with {caller.employer}:"
    if fact.type in NAMES_EMPLOYER and fact.data["employer"] != caller.employer:
        return f"your key stands for {caller.employer}; it can't speak for {fact.data['employer']}"
    if fact.type in OFFERS and offers[_offer(fact)] != {caller.employer}:
        return f"{fact.data['offer']} is no offer of {caller.employer} to this candidate"
    return None


async def _offers_by(conn: Conn, facts: list[Fact]) -> dict[OfferKey, set[str]]:
    """Who extended the offers that these facts speak of, in the ledger or in these facts themselves."""
    asked = [fact for fact in facts if fact.type in OFFERS]
    found = await ledger.offers_by(conn, [_offer(fact) for fact in asked])
    for fact in asked:
        employers = found.setdefault(_offer(fact), set())
        if fact.type == EXTENDS:
            employers.add(fact.data["employer"])
    return found


def _offer(fact: Fact) -> OfferKey:
    return (fact.campaign, fact.candidate or "", fact.data["offer"])


def _retracted(fact: Fact) -> tuple[str, str]:
    return (fact.data["source"], fact.data["id"])
