"""What an employer's key may post: facts about its own offers, interviews and hires, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from schemas.access import Caller
from schemas.facts import Fact
from storage import ledger
from storage.database import Conn
from storage.ledger import OfferKey

NAMES_EMPLOYER: Final = frozenset(
    {"candidate.interviewed", "offer.extended", "hire.started", "hire.ended", "opening.set"}
)
EXTENDS: Final = "offer.extended"
OFFERS: Final = frozenset({EXTENDS, "offer.accepted", "offer.declined", "offer.rescinded"})
RETRACTS: Final = "fact.retracted"


async def faults(conn: Conn, caller: Caller, facts: Iterable[Fact]) -> dict[tuple[str, str], str]:
    """Which facts the caller may not post, by identity, with the reason. Organizers may post all."""
    if caller.role == "organizer":
        return {}
    known = list(facts)
    offers = await _offers_by(conn, known)
    posted = await ledger.posted_by(conn, [_retracted(f) for f in known if f.type == RETRACTS], f"key:{caller.key}")
    found = {fact.identity: _fault(caller, fact, offers, posted) for fact in known}
    return {identity: reason for identity, reason in found.items() if reason}


def _fault(caller: Caller, fact: Fact, offers: dict[OfferKey, set[str]], posted: set[tuple[str, str]]) -> str | None:
    if fact.type in NAMES_EMPLOYER and fact.data["employer"] != caller.employer:
        return f"your key stands for {caller.employer}; it can't speak for {fact.data['employer']}"
    if fact.type in OFFERS and offers[_offer(fact)] != {caller.employer}:
        return f"{fact.data['offer']} is no offer of {caller.employer} to this candidate"
    if fact.type == RETRACTS and _retracted(fact) not in posted:
        return "your key may retract only what it posted itself"
    if fact.type in NAMES_EMPLOYER | OFFERS | {RETRACTS}:
        return None
    return f"an employer's key may not post {fact.type}; ask the organizer"


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
