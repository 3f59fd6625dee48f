"""What a journey adds to a target: DESIGN.md §4 and §5, as pure functions of the journey."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal
from functools import lru_cache
from typing import Final

from schemas.journey import Journey, Micros, Offer
from streams.domain.campaign import Fair, Target

OFFERED = frozenset({"extended", "accepted", "declined"})
ACCEPTED = frozenset({"accepted"})
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ONE: Final = Decimal(1)
_QUARTER: Final = 900_000_000  # microseconds: since 1973 all zones' days begin with one
_STEADY: Final = 3 * 365 * 86_400_000_000  # microseconds

Contribution = dict[date, Decimal]  # day in the campaign's time zone → amount
Employers = frozenset[str] | None  # None: any


def milestones(journey: Journey, employers: Employers = None) -> dict[str, Micros]:
    """The milestones where the journey stands now, each with the time of its earliest evidence.

    With `employers`, only interviews, offers and hires of theirs are evidence. Who withdrew stands nowhere,
    except as hired (and all that implies) while a hire stands.
    """
    found: dict[str, Micros] = {}
    earliest: Micros | None = None
    withdrawn = journey.withdrawn
    for measure, first_of in EVIDENCE.items():
        first = first_of(journey, employers) if measure == "hired" or not withdrawn else None
        if first is not None and (earliest is None or first < earliest):
            earliest = first
        if earliest is not None:
            found[measure] = earliest
    return found


def contribution(journey: Journey, standing: dict[str, Micros], target: Target, zone: tzinfo) -> Contribution:
    """What this journey adds to the target, by day. Empty: nothing. `standing` is `milestones(journey)`."""
    if target.measure == "fairs_held" or not _matches(journey, target):
        return {}
    if target.measure == "paid":
        return _paid(journey, target.employers, zone)
    if target.employers is not None:
        standing = milestones(journey, target.employers)
    at = standing.get(target.measure)
    return {} if at is None else {_day(at, zone): _ONE}


def fairs_held(fairs: Iterable[Fair], target: Target, now: datetime, zone: tzinfo) -> Contribution:
    """What the fairs that ended by `now` and were not cancelled add to a `fairs_held` target, by day."""
    held: Contribution = {}
    for fair in fairs:
        if fair.ends_at <= now and not fair.cancelled and _fair_matches(fair, target):
            day = fair.ends_at.astimezone(zone).date()
            held[day] = held.get(day, Decimal(0)) + 1
    return held


def difference(before: Contribution, after: Contribution) -> Contribution:
    """What has to be added, day by day, to get from one contribution to the other. Empty when they are equal."""
    if before == after:
        return {}
    if not before:
        return {day: amount for day, amount in after.items() if amount}
    days = {day: after.get(day, Decimal(0)) - before.get(day, Decimal(0)) for day in before.keys() | after.keys()}
    return {day: amount for day, amount in days.items() if amount}


def _matches(journey: Journey, target: Target) -> bool:
    for name, wanted in target.attributes.items():
        word = journey.attributes.get(name)
        if word is None or str(word.value) not in wanted:
            return False
    return target.fairs is None or any(fair in journey.fairs or fair in journey.checkins for fair in target.fairs)


def _fair_matches(fair: Fair, target: Target) -> bool:
    if target.fairs is not None and fair.fair not in target.fairs:
        return False
    return target.employers is None or not target.employers.isdisjoint(fair.employers)


def _paid(journey: Journey, employers: Employers, zone: tzinfo) -> Contribution:
    if _hired(journey, employers) is None and (journey.withdrawn or employers is not None):
        return {}
    paid: Contribution = {}
    for payment in journey.payments.values():
        day = _day(payment.at, zone)
        paid[day] = paid.get(day, Decimal(0)) + Decimal(payment.amount)
    return paid


def _hired(journey: Journey, employers: Employers) -> Micros | None:
    first: Micros | None = None
    for employer, hire in journey.hires.items():
        if hire.status.value == "started" and (employers is None or employer in employers):
            first = _earlier(first, hire.status.at[0])
    return first


def _accepted(journey: Journey, employers: Employers) -> Micros | None:
    first: Micros | None = None
    for offer in journey.offers.values():
        if offer.status.value in ACCEPTED and _is_theirs(offer, employers):
            first = _earlier(first, offer.status.at[0])
    return first


def _offered(journey: Journey, employers: Employers) -> Micros | None:
    """An answer is later evidence than the offer itself, so that answering moves no offer to another day."""
    first: Micros | None = None
    for offer in journey.offers.values():
        if offer.status.value in OFFERED and _is_theirs(offer, employers):
            first = _earlier(first, offer.status.at[0])
            first = first if offer.terms is None else _earlier(first, offer.terms.at[0])
    return first


def _is_theirs(offer: Offer, employers: Employers) -> bool:
    return employers is None or (offer.terms is not None and offer.terms.employer in employers)


def _interviewed(journey: Journey, employers: Employers) -> Micros | None:
    first: Micros | None = None
    for employer, held in journey.interviews.items():
        if employers is None or employer in employers:
            first = _earlier(first, held.first)
    return first


def _attended(journey: Journey, employers: Employers) -> Micros | None:
    return min(journey.checkins.values(), default=None) if journey.checkins else None


def _signed_up(journey: Journey, employers: Employers) -> Micros | None:
    return journey.first_signup


def _earlier(known: Micros | None, at: Micros) -> Micros:
    return at if known is None or at < known else known


def _day(at: Micros, zone: tzinfo) -> date:
    """Of whole quarters of an hour, most of which many facts lie in, a day is told once."""
    return _day_of(at // _QUARTER * _QUARTER if at > _STEADY else at, zone)


@lru_cache(maxsize=8192)
def _day_of(at: Micros, zone: tzinfo) -> date:
    return (_EPOCH + timedelta(microseconds=at)).astimezone(zone).date()


# When each milestone's own evidence begins, beside that of the narrower ones; from the narrowest to the widest, so that
# the funnel never widens.
EVIDENCE: dict[str, Callable[[Journey, Employers], Micros | None]] = {
    "hired": _hired,
    "accepted": _accepted,
    "offered": _offered,
    "interviewed": _interviewed,
    "attended": _attended,
    "signed_up": _signed_up,
}
