"""Where a journey stands in the breakdowns of its campaign: by school, education, chain, fair, employer, city. Pure.

A breakdown's cells hold how many there are of each deepest milestone; those at a milestone are the sum from there on.
By school, education, chain, fair and employer it counts what a target with that `where` would count. Moments are kept
in a form that needs no time zone, and no clock: who reads compares them with now.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

from schemas.fields import BY_EMPLOYERS, FUNNEL
from schemas.journey import Journey, Micros, Terms
from streams.domain.measures import ACCEPTED, OFFERED

Cell = tuple[str, str, str]  # dimension, value, what is counted there: a milestone, or an offer's status

ATTRIBUTES: Final = ("school", "education", "chain")
MOST_DAYS: Final = 999  # between two milestones; what takes longer counts as this
_INTERVIEWED, _OFFERED, _ACCEPTED, _HIRED = (FUNNEL.index(name) for name in BY_EMPLOYERS)
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
        found += _of_employers(journey)
    return found


def _days(standing: dict[str, Micros]) -> list[Cell]:
    """Whole days from the milestone before, where both were seen: what is implied has the time of what implies it."""
    found: list[Cell] = []
    later, at_later = "", 0
    for name, at in standing.items():
        if later and at < at_later:
            found.append(("days", str(min((at_later - at) // _DAY, MOST_DAYS)), later))
        later, at_later = name, at
    return found


def _of_employers(journey: Journey) -> list[Cell]:
    """By employer, and by the city of its offers, the deepest milestone that it carries itself; its offers."""
    found: list[Cell] = []
    withdrawn = journey.withdrawn
    hired = [name for name, hire in journey.hires.items() if hire.status.value == "started"]
    deepest = {} if withdrawn else dict.fromkeys(journey.interviews, _INTERVIEWED)
    cities: dict[str, int] = {}
    for offer in journey.offers.values():
        terms = offer.terms
        if terms is None:
            continue
        found += _offer(journey, str(offer.status.value), terms, withdrawn=withdrawn)
        depth = _depth(offer.status.value, hired=terms.employer in hired, withdrawn=withdrawn)
        if depth:
            deepest[terms.employer] = max(depth, deepest.get(terms.employer, 0))
            if terms.city is not None:
                cities[terms.city] = max(depth, cities.get(terms.city, 0))
    for name in hired:
        deepest[name] = _HIRED
    found += [("employer", name, FUNNEL[depth]) for name, depth in deepest.items()]
    if cities:
        found += [("city", name, FUNNEL[depth]) for name, depth in cities.items()]
    return found


def _depth(status: object, *, hired: bool, withdrawn: bool) -> int:
    """What an offer of this status has come to; 0: nothing that counts. `hired`: its employer's hire stands."""
    if status not in OFFERED:
        return 0
    if hired:
        return _HIRED
    return 0 if withdrawn else _ACCEPTED if status in ACCEPTED else _OFFERED


def _offer(journey: Journey, status: str, terms: Terms, *, withdrawn: bool) -> list[Cell]:
    """An offer by employer and status, and, open or accepted, by opening; what is open by when it expires, too. Who
    withdrew has declined what was open."""
    if status == "extended" and withdrawn:
        status = "declined"
    found = [("offer", terms.employer, status)]
    if status == "extended" and terms.expires_at is not None:
        found.append(("expiry", f"{_hour(terms.expires_at)} {terms.employer}", status))
    if terms.opening is not None and (
        status == "extended" or (status in ACCEPTED and _takes_a_seat(journey, terms.employer, withdrawn=withdrawn))
    ):
        found.append(("opening", terms.opening, status))
        if status == "extended" and terms.expires_at is not None:
            found.append(("lapse", f"{_hour(terms.expires_at)} {terms.opening}", status))
    return found


def _takes_a_seat(journey: Journey, employer: str, *, withdrawn: bool) -> bool:
    hire = journey.hires.get(employer)
    return hire.status.value == "started" if hire else not withdrawn


def _start(journey: Journey, accepted: Micros) -> str:
    """The day on which somebody who accepted is to have started by: as agreed, or some time after accepting."""
    agreed = [
        offer.terms.start_on
        for offer in journey.offers.values()
        if offer.terms is not None and offer.terms.start_on and offer.status.value in ACCEPTED
    ]
    return min(agreed) if agreed else _later(accepted // _DAY)


@lru_cache(maxsize=4096)
def _later(day: int) -> str:
    try:
        return (_EPOCH + timedelta(days=day) + START_WITHIN).date().isoformat()
    except OverflowError:
        return "9999-12-31"


@lru_cache(maxsize=4096)
def _hour(moment: str) -> str:
    """The first whole hour since 1970 at which this moment is over; texts of it are in its order."""
    since = (datetime.fromisoformat(moment.upper()) - _EPOCH) // timedelta(microseconds=1)
    return f"{max(-(-since // _HOUR), 0):08}"
