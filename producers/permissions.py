"""What an employer's key may post: facts about its own offers, interviews and hires, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from schemas.access import Caller
from schemas.facts import Fact
from storage import ledger
from storage.database import Conn

NAMES_EMPLOYER: Final = frozenset(
    {"candidate.interviewed", "offer.extended", "hire.started", "hire.ended", "opening.set"}
)
ANSWERS_OFFER: Final = frozenset({"offer.accepted", "offer.declined", "offer.rescinded"})
RETRACTS: Final = "fact.retracted"

OfferKey = tuple[str, str, str]


async def faults(conn: Conn, caller: Caller, facts: Iterable[Fact]) -> dict[tuple[str, str], str]:
    """Which facts the caller may not post, by identity, with the reason. Organizers may post all."""
    if caller.role == "organizer":
        return {}
    known = list(facts)
    offers = await _own_offers(conn, caller, known)
    posted = await ledger.posted_by(conn, [_retracted(f) for f in known if f.type == RETRACTS], f"key:{caller.key}")
    found = {fact.identity: _fault(caller, fact, offers, posted) for fact in known}
    return {identity: reason for identity, reason in found.items() if reason}


def _fault(caller: Caller, fact: Fact, offers: set[OfferKey], posted: set[tuple[str, str]]) -> str | None:
    if fact.type in NAMES_EMPLOYER:
        if fact.data["employer"] != caller.employer:
            return f"your key stands for {caller.employer}; it can't speak for {fact.data['employer']}"
        return None
    if fact.type in ANSWERS_OFFER:
        return (
            None if _offer(fact) in offers else f"{caller.employer} has no offer {fact.data['offer']} to this candidate"
        )
    if fact.type == RETRACTS:
        return None if _retracted(fact) in posted else "your key may retract only what it posted itself"
    return f"an employer's key may not post {fact.type}; ask the organizer"


async def _own_offers(conn: Conn, caller: Caller, facts: list[Fact]) -> set[OfferKey]:
    asked = [_offer(fact) for fact in facts if fact.type in ANSWERS_OFFER]
    here = {
        _offer(fact) for fact in facts if fact.type == "offer.extended" and fact.data["employer"] == caller.employer
    }
    return here | await ledger.offers_of(conn, asked, caller.employer or "")


def _offer(fact: Fact) -> OfferKey:
    return (fact.campaign, fact.candidate or "", fact.data["offer"])


def _retracted(fact: Fact) -> tuple[str, str]:
    return (fact.data["source"], fact.data["id"])
