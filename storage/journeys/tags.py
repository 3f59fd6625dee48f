"""What lists of candidates are narrowed by: pure. A tag is a kind and a value, such as `fair:spring` or
`at:offered`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from hashlib import sha256
from typing import Final

from schemas.fields import FUNNEL
from schemas.journey import CONSENT, Journey

ATTRIBUTES: Final = ("education", "school", "chain")
MORE: Final = ("major", "graduation_year")  # which no list is narrowed by, but a target's `where`
AWAY: Final = ("withdrew", "erased")  # who stands at no step
LONGEST: Final = 120  # characters of a value: what is longer is found by its beginning
WAITS: Final = "waits"
AT: Final = "at"
PAID: Final = "paid"
AGREED: Final = "agreed"  # to employers of all fairs; with a value: to this one
REFUSED: Final = "refused"  # to this employer, by whom agreed to all others
_TO: Final = f"{CONSENT}/"
DIGEST: Final = 16  # hexadecimal digits
_FROM_THE_END: Final = tuple(reversed(FUNNEL))


def tag(kind: str, value: str) -> str:
    """One tag, as it stands in a journey's row."""
    return f"{kind}:{value[:LONGEST]}"


def exact(kind: str, value: str) -> str:
    """A tag that no other value of this kind has: a digest tells one that is as long as a tag can be from those that
    begin like it, and are cut."""
    told = tag(kind, value)
    return told if len(value) < LONGEST else f"{told}~{sha256(value.encode()).hexdigest()[:DIGEST]}"


def at_or_beyond(step: str) -> list[str]:
    """The tags of those who have reached a step, whatever came after it."""
    return [tag(AT, each) for each in FUNNEL[FUNNEL.index(step) :]]


def waits_for(employer: str) -> str:
    """The tag of those who wait for this employer's word."""
    return tag(WAITS, employer)


def tags(candidate: str, journey: Journey, standing: Mapping[str, int], *, plain: bool = False) -> list[str]:
    """All tags of a journey that stands at these milestones. `plain`: of one whose row SQL can read; others' have what
    SQL looks for."""
    if journey.merged_into is not None:
        return []  # the person is listed once
    valued = _valued(journey)
    found = {f"{kind}:{value[:LONGEST]}" for kind, value in valued}
    found.update([f"{AT}:{said}" for said in (stage(journey, standing), _away(journey)) if said])
    found.update([tag("employer", each) for each in employers(journey)])
    for id in journey.members or (candidate,):
        if ":" in id:
            found.update(tag("of", id[:at]) for at, each in enumerate(id) if each == ":")
    if not journey.erased and not journey.withdrawn:
        found.update(_waiting(journey))
    if not plain:
        found.update(_looked_for(journey, valued))
    return sorted(found)


def _valued(journey: Journey) -> list[tuple[str, str]]:
    """What fairs they have to do with, and what was said of them, each with its kind."""
    found = [("fair", fair) for fair in journey.fairs]
    found += [("fair", fair) for fair in journey.checkins]
    attributes = journey.attributes
    return found + [(name, str(attributes[name].value)) for name in ATTRIBUTES if name in attributes]


def _looked_for(journey: Journey, valued: list[tuple[str, str]]) -> Iterator[str]:
    """What SQL can't read in a journey that is packed, and goes by. Of long values what tells them apart."""
    for kind, value in valued:
        if len(value) >= LONGEST:
            yield exact(kind, value)
    for name in MORE:
        if name in journey.attributes:
            yield exact(name, str(journey.attributes[name].value))
    if journey.payments:
        yield PAID
    if CONSENT in " ".join(journey.attributes):
        yield from _consent(journey)


def _consent(journey: Journey) -> Iterator[str]:
    """Whether they agreed to be shown to employers, and to which of them not or alone."""
    to_all = journey.agreement([CONSENT])
    if to_all:
        yield AGREED
    for name in journey.attributes:
        if name.startswith(_TO) and journey.agreement([CONSENT, name]) != to_all:
            yield exact(REFUSED if to_all else AGREED, name.removeprefix(_TO))


def offer_ends(journey: Journey, employer: str | None = None) -> datetime | None:
    """When the first of the offers expires that wait for an answer; with `employer`, of its own."""
    return min(open_ends(journey, employer), default=None) if journey.offers else None


def open_ends(journey: Journey, employer: str | None = None) -> list[datetime]:
    """When each of those expires."""
    return [
        datetime.fromisoformat(offer.terms.expires_at.upper())
        for offer in journey.offers.values()
        if offer.status.value == "extended" and offer.terms and offer.terms.expires_at
        if employer in (None, offer.terms.employer)
    ]


def stage(journey: Journey, standing: Iterable[str]) -> str | None:
    """The furthest step, or why there is none; None for who has only been spoken of."""
    for step in _FROM_THE_END:
        if step in standing:
            return step
    return _away(journey)


def _away(journey: Journey) -> str | None:
    return "erased" if journey.erased else "withdrew" if journey.withdrawn else None


def _waiting(journey: Journey) -> Iterator[str]:
    """For a word after an interview that was not failed, or for a benefit that was applied for."""
    for employer, held in journey.interviews.items():
        if employer in journey.hires or (held.outcome is not None and held.outcome.value == "failed"):
            continue
        if all(offer.terms is None or offer.terms.employer != employer for offer in journey.offers.values()):
            yield from (WAITS, waits_for(employer))
    if journey.benefits and any(word.value in ("applied", "verified") for word in journey.benefits.values()):
        yield WAITS


def employers(journey: Journey) -> set[str]:
    """All employers that have to do with a candidate: by interview, offer or hire."""
    if not (journey.offers or journey.interviews or journey.hires):
        return set()
    offers = [offer.terms.employer for offer in journey.offers.values() if offer.terms]
    return {*offers, *journey.interviews, *journey.hires}
