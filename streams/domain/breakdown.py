"""Where a journey stands in the breakdowns of its campaign: by school, education, chain, fair, employer, city. Pure.

A breakdown's cells hold how many there are of each deepest milestone; those at a milestone are the sum from there on.
By school, education, chain, fair and employer it counts what a target with that `where` would count. Moments are kept
in a form that needs no time zone, and no clock: who reads compares them with now.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from schemas.journey import Journey, Micros, Offer
from streams.domain.measures import ACCEPTED, OFFERED

Cell = tuple[str, str, str]  # dimension, value, what is counted there: a milestone, or an offer's status

ATTRIBUTES: Final = ("school", "education", "chain")
MOST_DAYS: Final = 999  # between two milestones; what takes longer counts as this
DEPTHS: Final = ("signed_up", "attended", "interviewed", "offered", "accepted", "hired")
_INTERVIEWED, _OFFERED, _ACCEPTED, _HIRED = (DEPTHS.index(name) for name in DEPTHS[2:])
_HOUR: Final = 3_600_000_000  # microseconds
_DAY: Final = 24 * _HOUR
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
START_WITHIN: Final = timedelta(days=30)  # of accepting, where no first day was agreed on


def cells(journey: Journey, standing: dict[str, Micros]) -> list[Cell]:
    """All cells in which this journey counts, each as often as it is named. `standing` is `milestones(journey)`."""
    found: list[Cell] = []
    if standing:
        deepest = next(iter(standing))  # the narrowest comes first
        found.append(("all", "", deepest))
        attributes = journey.attributes
        found += [(name, str(attributes[name].value), deepest) for name in ATTRIBUTES if name in attributes]
        found += [("fair", fair, deepest) for fair in journey.fairs]
        for fair in journey.checkins:
            found.append(("came", fair, "attended"))
            if fair not in journey.fairs:
                found.append(("fair", fair, deepest))
        if len(standing) > 1:
            found += _days(standing)
        if deepest == "accepted":
            found.append(("start", _start(journey, standing["accepted"]), deepest))
    if journey.interviews or journey.offers or journey.hires:
        found += _by_employer(journey)
        found += _offers(journey)
    return found


def _days(standing: dict[str, Micros]) -> Iterator[Cell]:
    """Whole days from the milestone before, where both were seen: what is implied has the time of what implies it."""
    later: str | None = None
    for name, at in standing.items():
        if later is not None and at < standing[later]:
            yield ("days", str(min((standing[later] - at) // _DAY, MOST_DAYS)), later)
        later = name


def _by_employer(journey: Journey) -> Iterator[Cell]:
    """By employer, and by the city of its offers: the deepest milestone that it carries itself."""
    deepest: dict[str, int] = {}
    hired = {name for name, hire in journey.hires.items() if hire.status.value == "started"}
    cities: dict[str, int] = {}
    if not journey.withdrawn:
        deepest = dict.fromkeys(journey.interviews, _INTERVIEWED)
    for offer in journey.offers.values():
        terms, depth = offer.terms, _depth(journey, offer, hired)
        if terms is None or depth is None:
            continue
        deepest[terms.employer] = max(depth, deepest.get(terms.employer, 0))
        if terms.city is not None:
            cities[terms.city] = max(depth, cities.get(terms.city, 0))
    deepest |= dict.fromkeys(hired, _HIRED)
    for employer, depth in deepest.items():
        yield ("employer", employer, DEPTHS[depth])
    for city, depth in cities.items():
        yield ("city", city, DEPTHS[depth])


def _depth(journey: Journey, offer: Offer, hired: set[str]) -> int | None:
    """What this offer has come to; `hired`: the employers at which a hire stands."""
    if offer.terms is None or offer.status.value not in OFFERED:
        return None
    if offer.terms.employer in hired:
        return _HIRED
    return None if journey.withdrawn else _ACCEPTED if offer.status.value in ACCEPTED else _OFFERED


def _offers(journey: Journey) -> Iterator[Cell]:
    """Offers by employer and status, and those that are open or accepted by opening. Who withdrew has declined what was
    open."""
    for offer in journey.offers.values():
        terms, status = offer.terms, str(offer.status.value)
        if terms is None:
            continue
        if status == "extended" and journey.withdrawn:
            status = "declined"
        yield ("offer", terms.employer, status)
        if status == "extended" and terms.expires_at is not None:
            yield ("expiry", f"{_hour(terms.expires_at):08} {terms.employer}", status)
        if terms.opening is not None and (status == "extended" or _takes_a_seat(journey, offer, terms.employer)):
            yield ("opening", terms.opening, status)


def _takes_a_seat(journey: Journey, offer: Offer, employer: str) -> bool:
    if offer.status.value not in ACCEPTED:
        return False
    hire = journey.hires.get(employer)
    return hire.status.value == "started" if hire else not journey.withdrawn


def _start(journey: Journey, accepted: Micros) -> str:
    """The day on which somebody who accepted is to have started by: as agreed, or some time after accepting."""
    agreed = [
        offer.terms.start_on
        for offer in journey.offers.values()
        if offer.terms is not None and offer.terms.start_on and offer.status.value in ACCEPTED
    ]
    return min(agreed) if agreed else _day(accepted)


def _day(at: Micros) -> str:
    try:
        return (_EPOCH + timedelta(microseconds=at) + START_WITHIN).date().isoformat()
    except OverflowError:
        return "9999-12-31"


def _hour(moment: str) -> int:
    """The first whole hour since 1970 at which this moment is over."""
    since = (datetime.fromisoformat(moment.upper()) - _EPOCH) // timedelta(microseconds=1)
    return max(-(-since // _HOUR), 0)
