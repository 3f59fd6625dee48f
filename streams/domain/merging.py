"""Candidates who are one person: which they are, by the facts, and what each of them carries then. Pure.

A pair is merged or not by the latest word on it. Who hangs together by merged pairs is one person, of so many ids at
most: of the words that stand the earliest count first, and one that would make a person of more has no effect. One of
them, the head, carries the journey of all: every part of a journey keeps the stamp of its latest word, so that the
journeys of several unite part by part, into what a fold over all their facts would make, but for consent: a no under
one id is not overcome by what others say under another. An erasure concerns the one whom it names: it has cut their
journey before.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from schemas.facts import Fact
from schemas.journey import (
    CONSENT,
    MOST_IDS,
    Hire,
    Interview,
    Journey,
    Member,
    Offer,
    Stamp,
    Word,
    consent_rank,
    is_consent,
)
from streams.domain.fold import is_before

MERGED: Final = "candidate.merged"
UNMERGED: Final = "candidate.unmerged"
TYPES: Final = frozenset({MERGED, UNMERGED})

Pair = tuple[str, str]  # two candidates, in the order of their ids
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Merge:
    """The latest word on a pair: whether they are one person, and into whom the other was merged."""

    pair: Pair
    at: Stamp
    into: str
    stands: bool

    @property
    def other(self) -> str:
        """Who was merged into the other one."""
        return self.pair[0] if self.into == self.pair[1] else self.pair[1]


@dataclass(frozen=True, slots=True)
class Group:
    """Candidates who are one person: all of them, in the order of their ids, and who carries the journey."""

    head: str
    members: tuple[str, ...]


def pair_of(fact: Fact) -> Pair:
    """Of whom a word on merging speaks."""
    one, other = sorted((str(fact.candidate), str(fact.data["into"])))
    return one, other


def merges(facts: Iterable[Fact]) -> dict[Pair, Merge]:
    """The latest word on each pair, of one campaign's facts that stand."""
    found: dict[Pair, Merge] = {}
    for fact in facts:
        if fact.type in TYPES:
            pair = pair_of(fact)
            known = found.get(pair)
            if known is None or fact.stamp > known.at:
                found[pair] = Merge(pair, fact.stamp, fact.data["into"], fact.type == MERGED)
    return found


def groups(candidates: Iterable[str], known: Iterable[Merge], most: int = MOST_IDS) -> dict[str, Group]:
    """With whom each of these candidates, and each of whom these words speak, is one person, of `most` at most. The
    words that stand on all who hang together with a candidate must be among them."""
    persons = {candidate: {candidate} for candidate in candidates}
    within: set[str] = set()
    for merge in sorted((each for each in known if each.stands), key=lambda each: each.at):
        one, other = (persons.setdefault(each, {each}) for each in merge.pair)
        together = one | other
        if len(together) <= most:
            persons |= dict.fromkeys(together, together)
            within.add(merge.other)
    return {candidate: Group(_head(ids, within), tuple(sorted(ids))) for candidate, ids in persons.items()}


def carried(group: Group, own: Mapping[str, Journey]) -> dict[str, Journey]:
    """What each member of a group carries, whose own journeys these are (folded of their own facts)."""
    if len(group.members) == 1:
        return {group.head: own[group.head]}
    whole = united([own[member] for member in group.members])
    whole.members = {member: Member(own[member].cut, own[member].erased) for member in group.members}
    others = {member: _beside(own[member], whole, group.head) for member in group.members if member != group.head}
    return {group.head: whole, **others}


def united(parts: Collection[Journey]) -> Journey:
    """The journey of a person whose parts these are."""
    whole = Journey()
    for part in parts:
        _unite(whole, part)
    known = [part for part in parts if part != Journey()]
    whole.erased = bool(known) and all(part.erased for part in known)
    if whole.erased:
        whole.cut = max((part.cut for part in known if part.cut is not None), default=None)
    return whole


def _unite(whole: Journey, part: Journey) -> None:
    whole.first_signup = _first(whole.first_signup, part.first_signup)
    whole.last_signup = _last(whole.last_signup, part.last_signup)
    whole.withdrew = _last(whole.withdrew, part.withdrew)
    _each(whole.left, part.left, max)
    _each(whole.fairs, part.fairs, min)
    for fair, signups in part.signups.items():
        lasting = (at for at in signups if not is_before(at, part.cut))
        whole.signups[fair] = sorted({*whole.signups.get(fair, ()), *lasting})
    _each(whole.checkins, part.checkins, min)
    for name, word in part.attributes.items():
        joined = _agreed if name == CONSENT or is_consent(name) else _later
        _each(whole.attributes, {name: word}, joined)
    _each(whole.interviews, part.interviews, _interview)
    _each(whole.offers, part.offers, _offer)
    _each(whole.hires, part.hires, _hire)
    _each(whole.benefits, part.benefits, _later)
    whole.payments |= part.payments
    _each(whole.told, part.told, max)
    if part.restriction is not None and (whole.restriction is None or part.restriction.at > whole.restriction.at):
        whole.restriction = part.restriction


def _beside(own: Journey, whole: Journey, head: str) -> Journey:
    """What a member carries who is not the head: nothing that counts. The person is hidden under every id of theirs."""
    return Journey(told=dict(own.told), cut=own.cut, erased=own.erased, restriction=whole.hidden, merged_into=head)


def _head(members: Collection[str], within: Collection[str]) -> str:
    """Whoever was merged into nobody; of several, and where all were, the one whose id comes first."""
    return min([member for member in members if member not in within] or members)


def _each(whole: dict[str, _T], part: Mapping[str, _T], joined: Callable[[_T, _T], _T]) -> None:
    for name, value in part.items():
        whole[name] = joined(whole[name], value) if name in whole else value


def _first(one: _T | None, other: _T | None) -> _T | None:
    return min((each for each in (one, other) if each is not None), default=None)  # type: ignore[type-var]


def _last(one: _T | None, other: _T | None) -> _T | None:
    return max((each for each in (one, other) if each is not None), default=None)  # type: ignore[type-var]


def _later(one: Word, other: Word) -> Word:
    return max(one, other, key=lambda word: word.at)


def _agreed(one: Word, other: Word) -> Word:
    return max(one, other, key=consent_rank)


def _latest(one: Word | None, other: Word | None) -> Word | None:
    return _later(one, other) if one and other else one or other


def _interview(one: Interview, other: Interview) -> Interview:
    return Interview(min(one.first, other.first), _latest(one.outcome, other.outcome))


def _offer(one: Offer, other: Offer) -> Offer:
    terms = max((each.terms for each in (one, other) if each.terms), key=lambda terms: terms.at, default=None)
    return Offer(_later(one.status, other.status), terms)


def _hire(one: Hire, other: Hire) -> Hire:
    status = _later(one.status, other.status)
    return Hire(status, _latest(one.started_on, other.started_on), _latest(one.position, other.position))
