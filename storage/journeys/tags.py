"""What lists of candidates are narrowed by: pure. A tag is a kind and a value, such as `fair:spring` or
`at:offered`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Final

from schemas.fields import FUNNEL
from schemas.journey import Journey

ATTRIBUTES: Final = ("education", "school", "chain")
AWAY: Final = ("withdrew", "erased")  # who stands at no step
LONGEST: Final = 120  # characters of a value: what is longer is found by its beginning
WAITS: Final = "waits"
AT: Final = "at"
_FROM_THE_END: Final = tuple(reversed(FUNNEL))


def tag(kind: str, value: str) -> str:
    """One tag, as it stands in a journey's row."""
    return f"{kind}:{value[:LONGEST]}"


def at_or_beyond(step: str) -> list[str]:
    """The tags of those who have reached a step, whatever came after it."""
    return [tag(AT, each) for each in FUNNEL[FUNNEL.index(step) :]]


def waits_for(employer: str) -> str:
    """The tag of those who wait for this employer's word."""
    return tag(WAITS, employer)


def tags(candidate: str, journey: Journey, standing: Mapping[str, int]) -> list[str]:
    """All tags of a journey that stands at these milestones."""
    if journey.merged_into is not None:
        return []  # the person is listed once
    found = {tag(AT, said) for said in _stages(journey, standing)}
    found.update(tag("fair", fair) for fair in journey.fairs)
    found.update(tag("fair", fair) for fair in journey.checkins)
    found.update(tag("employer", each) for each in employers(journey))
    for name in ATTRIBUTES:
        if (word := journey.attributes.get(name)) is not None:
            found.add(tag(name, str(word.value)))
    for id in journey.members or (candidate,):
        if ":" in id:
            found.update(tag("of", id[:at]) for at, each in enumerate(id) if each == ":")
    if not journey.erased and not journey.withdrawn:
        found.update(_waiting(journey))
    return sorted(found)


def offer_ends(journey: Journey, employer: str | None = None) -> datetime | None:
    """When the first of the offers expires that wait for an answer; with `employer`, of its own."""
    if not journey.offers:
        return None
    ends = [
        datetime.fromisoformat(offer.terms.expires_at.upper())
        for offer in journey.offers.values()
        if offer.status.value == "extended" and offer.terms and offer.terms.expires_at
        if employer in (None, offer.terms.employer)
    ]
    return min(ends, default=None)


def stage(journey: Journey, standing: Iterable[str]) -> str | None:
    """The furthest step, or why there is none; None for who has only been spoken of."""
    for step in _FROM_THE_END:
        if step in standing:
            return step
    return _away(journey)


def _away(journey: Journey) -> str | None:
    return "erased" if journey.erased else "withdrew" if journey.withdrawn else None


def _stages(journey: Journey, standing: Iterable[str]) -> set[str]:
    return {said for said in (stage(journey, standing), _away(journey)) if said}


def _waiting(journey: Journey) -> Iterator[str]:
    """For a word after an interview that was not failed, or for a benefit that was applied for."""
    if not journey.interviews and not journey.benefits:
        return
    answered = {offer.terms.employer for offer in journey.offers.values() if offer.terms} | journey.hires.keys()
    for employer, held in journey.interviews.items():
        if employer not in answered and (held.outcome is None or held.outcome.value != "failed"):
            yield from (WAITS, waits_for(employer))
    if any(word.value in ("applied", "verified") for word in journey.benefits.values()):
        yield WAITS


def employers(journey: Journey) -> set[str]:
    """All employers that have to do with a candidate: by interview, offer or hire."""
    if not (journey.offers or journey.interviews or journey.hires):
        return set()
    offers = {offer.terms.employer for offer in journey.offers.values() if offer.terms}
    return offers | journey.interviews.keys() | journey.hires.keys()
