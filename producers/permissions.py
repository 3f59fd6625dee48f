"""What a key may post. An employer's: its own offers, interviews and hires with candidates whom it sees, the signups
of candidates of its own, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from schemas.access import Caller, is_reserved
from schemas.facts import Fact
from storage.database import Conn
from storage.journeys import merging, sight
from storage.ledger import posters
from storage.ledger.ledger import JourneyKey
from storage.ledger.posters import OfferKey, OpeningKey

SETS_OPENING: Final = "opening.set"
NAMES_EMPLOYER: Final = frozenset(
    {"candidate.interviewed", "offer.extended", "hire.started", "hire.ended", SETS_OPENING}
)
EXTENDS: Final = "offer.extended"
OFFERS: Final = frozenset({EXTENDS, "offer.accepted", "offer.declined", "offer.rescinded"})
RETRACTS: Final = "fact.retracted"
SIGNS_UP: Final = "candidate.signed_up"


@dataclass(frozen=True, slots=True)
class _Known:
    """What a caller's facts are held against: the candidates whom it sees, all ids of those whom it signs up, whose the
    offers and the openings are, and what it posted of the facts that are to be retracted."""

    seen: set[JourneyKey]
    ids: dict[JourneyKey, list[JourneyKey]]
    offers: dict[OfferKey, set[str]]
    openings: dict[OpeningKey, set[str]]
    posted: set[tuple[str, str]]


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
    said = list(facts)
    found = reserved(caller, said, own=own)
    if caller.role == "organizer":
        return found
    known = await _look_up(conn, caller, said)
    for fact in said:
        if reason := _fault(caller, fact, known):
            found.setdefault(fact.identity, Fault("type", reason))
    return found


async def _look_up(conn: Conn, caller: Caller, facts: list[Fact]) -> _Known:
    about = {(fact.campaign, fact.candidate) for fact in facts if fact.candidate is not None}
    return _Known(
        await sight.visible(conn, caller.employer or "", about),
        await merging.members(conn, [(fact.campaign, fact.candidate or "") for fact in facts if fact.type == SIGNS_UP]),
        await _offers_by(conn, facts),
        await posters.openings_of(conn, [_opening(fact) for fact in facts if fact.type == SETS_OPENING]),
        await posters.posted_by(conn, [_retracted(fact) for fact in facts if fact.type == RETRACTS], caller.poster),
    )


def _fault(caller: Caller, fact: Fact, known: _Known) -> str | None:
    if fact.type == RETRACTS:
        return None if _retracted(fact) in known.posted else "your key may retract only what it posted itself"
    if fact.type not in NAMES_EMPLOYER | OFFERS | {SIGNS_UP}:
        return f"an employer's key may not post {fact.type}; ask the organizer"
    if fact.candidate is not None and (fact.campaign, fact.candidate) not in known.seen:
        return f"there is no candidate {fact.candidate} about whom your key may post"
    return _fault_of_words(caller, fact, known)


def _fault_of_words(caller: Caller, fact: Fact, known: _Known) -> str | None:
    """What is wrong with a fact that is about no candidate, or about one whom the caller sees."""
    if fact.type == SIGNS_UP and not str(fact.candidate).startswith(f"{caller.employer}:"):
        return f"an employer's key signs up its own candidates only: their ids begin with {caller.employer}:"
    if fact.type == SIGNS_UP and not _all_own(caller, known.ids[fact.campaign, fact.candidate or ""]):
        return f"{fact.candidate} is one person with a candidate who is not yours; ask the organizer to change them"
    if fact.type in NAMES_EMPLOYER and fact.data["employer"] != caller.employer:
        return f"your key stands for {caller.employer}; it can't speak for {fact.data['employer']}"
    if fact.type in OFFERS and known.offers[_offer(fact)] != {caller.employer}:
        return f"{fact.data['offer']} is no offer of {caller.employer} to this candidate"
    if fact.type == SETS_OPENING and not known.openings.get(_opening(fact), set()) <= {caller.employer}:
        return f"{fact.data['opening']} is no opening of {caller.employer}; give yours an id of its own"
    return None


def _all_own(caller: Caller, ids: Iterable[JourneyKey]) -> bool:
    """Whether nobody else signed this person up: else the caller's word would say where all mails to them go, and who
    may see them."""
    return all(candidate.startswith(f"{caller.employer}:") for _, candidate in ids)


async def _offers_by(conn: Conn, facts: list[Fact]) -> dict[OfferKey, set[str]]:
    """Who extended the offers that these facts speak of, in the ledger or in these facts themselves."""
    asked = [fact for fact in facts if fact.type in OFFERS]
    found = await posters.offers_by(conn, [_offer(fact) for fact in asked])
    for fact in asked:
        employers = found.setdefault(_offer(fact), set())
        if fact.type == EXTENDS:
            employers.add(fact.data["employer"])
    return found


def _offer(fact: Fact) -> OfferKey:
    return (fact.campaign, fact.candidate or "", fact.data["offer"])


def _opening(fact: Fact) -> OpeningKey:
    return (fact.campaign, fact.data["opening"])


def _retracted(fact: Fact) -> tuple[str, str]:
    return (fact.data["source"], fact.data["id"])
