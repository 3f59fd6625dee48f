"""One candidate as a reader may see them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

from schemas.access import Caller
from schemas.catalogue import in_order
from schemas.errors import NotFound
from schemas.journey import Hire, Journey, is_consent
from schemas.receipt import receipt
from storage.campaigns import seat_reads
from storage.campaigns.seat_reads import SeatStanding
from storage.database import Conn
from storage.journeys import candidates, sight
from storage.journeys.candidates import KnownCandidate, TimelinePlace
from storage.ledger.ledger import JourneyKey
from storage.vault import restricting

MAX_MESSAGES: Final = 1000
NOWHERE: Final[Mapping[str, SeatStanding]] = MappingProxyType({})
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


async def candidate_page(
    conn: Conn, caller: Caller, campaign: str, candidate: str, *, after: TimelinePlace | None, limit: int
) -> dict[str, Any]:
    """The journey, `limit` facts of the timeline and the messages; of who is restricted nothing but that. Raises
    NotFound alike for who is unknown and who is none of the caller's."""
    employer = caller.employer if caller.role == "employer" else None
    key = (campaign, candidate)
    seen = employer is None or key in await sight.visible(conn, employer, [key])
    known = await candidates.load(conn, campaign, candidate)
    if known is None or not seen:
        raise NotFound(f"there is no candidate {candidate!r} in the campaign {campaign!r} that this key may read")
    ids = await _ids(conn, employer, key, known)
    restricted = await restricting.standing(conn, campaign, candidate)
    if restricted is not None:
        return _nothing_but(key, ids, known, restricted)
    seats = await seat_reads.standing(conn, campaign, candidate)
    timeline = await candidates.timeline(
        conn,
        campaign,
        ids,
        employer=employer,
        offers=_offers_of(known.journey, employer),
        after=after,
        limit=limit,
    )
    messages = [] if employer else await candidates.messages(conn, campaign, ids, limit=MAX_MESSAGES)
    journey = journey_document(known, employer, seats)
    about = {"campaign": campaign, **_named(candidate, known, ids), "restricted": None}
    return {**about, **journey, "timeline": timeline, "messages": messages}


async def _ids(conn: Conn, employer: str | None, key: JourneyKey, known: KnownCandidate) -> list[str]:
    """The ids of this person that a reader may know: an employer the one under which they stand, the one that it asked
    for, and those that it would see by themselves."""
    campaign, candidate = key
    members = known.journey.members.keys() or {candidate}
    if employer is None or len(members) == 1:
        return sorted(members)
    own = await sight.ids(conn, employer, campaign, members)
    return sorted({known.head, candidate, *own})


def _nothing_but(key: JourneyKey, ids: list[str], known: KnownCandidate, restricted: dict[str, Any]) -> dict[str, Any]:
    """Of who is restricted: that they are, since when, until when and why."""
    campaign, candidate = key
    nobody = journey_document(KnownCandidate(known.head, Journey(), {}, [], known.updated_at))
    about = {"campaign": campaign, **_named(candidate, known, ids), "restricted": restricted}
    return {**about, **nobody, "timeline": [], "messages": []}


def _named(candidate: str, known: KnownCandidate, ids: list[str]) -> dict[str, Any]:
    """Who was asked for; `merged_into`: under whose id the person stands, where that is another; `members`: the ids of
    one who has several."""
    merged_into = known.head if known.head != candidate else None
    return {"candidate": candidate, "merged_into": merged_into, "members": ids if len(ids) > 1 else []}


def journey_document(
    known: KnownCandidate, employer: str | None = None, seats: Mapping[str, SeatStanding] = NOWHERE
) -> dict[str, Any]:
    """A journey for readers; with `employer`, without what is other employers'. `seats`: how the candidate stands at
    fairs."""
    journey = known.journey

    def visible(name: str | None) -> bool:
        return employer is None or name == employer

    offers = {offer: _offer(journey, offer) for offer in journey.offers}
    return {
        "attributes": in_order({n: word.value for n, word in journey.attributes.items() if not is_consent(n)}),
        "standing": {step: _moment(at) for step, at in sorted(known.standing.items(), key=lambda item: item[1])},
        "implied": sorted(known.standing.keys() - seen(journey)),
        "withdrawn": journey.withdrawn,
        "erased": journey.erased,
        "receipt": receipt(_moment(journey.cut)).said("en") if journey.erased and journey.cut is not None else None,
        "fairs": _fairs(journey, seats),
        "interviews": {
            name: {"first": _moment(held.first), "outcome": held.outcome.value if held.outcome else None}
            for name, held in journey.interviews.items()
            if visible(name)
        },
        "offers": {offer: terms for offer, terms in offers.items() if visible(terms["employer"])},
        "hires": {name: _hire(hire) for name, hire in journey.hires.items() if visible(name)},
        "benefits": {name: word.value for name, word in journey.benefits.items()} if employer is None else {},
        "updated_at": known.updated_at,
    }


def seen(journey: Journey) -> set[str]:
    """The steps of which a fact tells; the others follow from these."""
    told = {
        "signed_up": journey.first_signup is not None,
        "attended": bool(journey.checkins),
        "interviewed": bool(journey.interviews),
        "offered": any(offer.terms for offer in journey.offers.values()),
        "accepted": any(offer.status.value == "accepted" for offer in journey.offers.values()),
        "hired": any(hire.status.value == "started" for hire in journey.hires.values()),
    }
    return {step for step, there in told.items() if there}


def _fairs(journey: Journey, seats: Mapping[str, SeatStanding]) -> dict[str, dict[str, Any]]:
    """By fair; `seat` is `seat` or `waiting`, with the `number` on the waiting list, None of who is not in line."""
    return {
        fair: {
            "signed_up": _moment_of(journey.fairs, fair),
            "checked_in": _moment_of(journey.checkins, fair),
            "seat": ("waiting" if seats[fair].waiting else "seat") if fair in seats else None,
            "number": seats[fair].number if fair in seats else None,
        }
        for fair in sorted(journey.fairs.keys() | journey.checkins.keys())
    }


def _hire(hire: Hire) -> dict[str, Any]:
    return {
        "status": hire.status.value,
        "started_on": hire.started_on.value if hire.started_on else None,
        "position": hire.position.value if hire.position else None,
    }


def _offer(journey: Journey, offer: str) -> dict[str, Any]:
    known = journey.offers[offer]
    terms = known.terms
    return {
        "status": known.status.value,
        "employer": terms.employer if terms else None,
        "position": terms.position if terms else None,
        "opening": terms.opening if terms else None,
        "expires_at": terms.expires_at if terms else None,
        "city": terms.city if terms else None,
    }


def _employer_of(journey: Journey, offer: str) -> str | None:
    terms = journey.offers[offer].terms
    return terms.employer if terms else None


def _offers_of(journey: Journey, employer: str | None) -> list[str]:
    return [offer for offer in journey.offers if _employer_of(journey, offer) == employer] if employer else []


def _moment_of(moments: dict[str, int], name: str) -> datetime | None:
    return _moment(moments[name]) if name in moments else None


def _moment(micros: int) -> datetime:
    return _EPOCH + timedelta(microseconds=micros)
