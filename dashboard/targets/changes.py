"""Why a number changed: what was recorded between two moments, and what it made of each person's share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from schemas.counted import Explaining, Retracted
from schemas.facts import Fact
from storage.database import Conn
from storage.journeys import counted, merging
from storage.journeys.counted import Numbered

Row = dict[str, Any]
MOST: Final = 2000  # people
PORTION: Final = 100  # others are served between two portions
LOOKED_BACK: Final = 20  # facts of one person and one day, among which the cause is looked for
RETRACTION: Final = "fact.retracted"
TARGET_FACTS: Final = ("target.set", "target.withdrawn")


@dataclass(frozen=True, slots=True)
class Change:
    """What changed in one person's share, the facts that were recorded meanwhile, in that order, and of them the one
    that made the share what it is now."""

    candidate: str
    amount: Decimal
    facts: tuple[Fact, ...]
    cause: Fact


@dataclass(frozen=True, slots=True)
class Changes:
    """Between two moments. `complete`: nobody was left out for there being too many; `redefined`: the target itself
    was set, so that it may count otherwise than before."""

    people: tuple[Change, ...]
    complete: bool
    redefined: bool

    @property
    def sum(self) -> Decimal:
        """By how much the number rose; negative where it fell."""
        return sum((each.amount for each in self.people), Decimal(0))

    def risen(self) -> list[tuple[str, int]]:
        """Of those whose share grew: by what kind of fact, and of how many; the most frequent first."""
        return _by_type(each for each in self.people if each.amount > 0)

    def fallen(self) -> list[tuple[str, int]]:
        """The same of those whose share shrank."""
        return _by_type(each for each in self.people if each.amount < 0)


async def changes(conn: Conn, explaining: Explaining, target: Row, since: datetime, until: datetime) -> Changes:
    """What changed a target of candidates from `since` to before `until`, by when it was recorded here."""
    campaign = target["campaign"]
    first, end = await counted.first_received(conn, since), await counted.first_received(conn, until)
    touched = await counted.touched(conn, campaign, first, end, limit=MOST + 1)
    own = await counted.facts_of_nobody(conn, campaign, [RETRACTION, *TARGET_FACTS])
    taken_back = [each for each in own if each[1].type == RETRACTION]
    circles = await merging.circles(conn, campaign, touched[:MOST])
    found: list[Change] = []
    for start in range(0, len(circles), PORTION):
        portion = circles[start : start + PORTION]
        facts = await counted.facts_of(conn, campaign, {each for circle in portion for each in circle})
        for circle in portion:
            said = sorted((each for one in circle for each in facts[one]), key=lambda each: each[0])
            found += _changes(_Said(explaining, target, said, taken_back), first, end)
    set_anew = any(
        first <= seq < end and fact.type != RETRACTION and fact.data["target"] == target["target"] for seq, fact in own
    )
    return Changes(tuple(found), len(touched) <= MOST, set_anew)


@dataclass(frozen=True, slots=True)
class _Said:
    """Facts with their numbers in the ledger: of one candidate, or of some who are or were the same person; and the
    retractions that name nobody. For a target."""

    explaining: Explaining
    target: Row
    facts: Sequence[Numbered]
    taken_back: Sequence[Numbered]

    def shares(self, before: int) -> dict[str, Decimal]:
        """What each person added to the target as of a number of the ledger."""
        known = [fact for seq, fact in self.facts if seq < before]
        gone = _retracted([*known, *(fact for seq, fact in self.taken_back if seq < before)])
        found: dict[str, Decimal] = {}
        for head, ids in self.explaining.persons(known, gone).items():
            if each := self.explaining.person(self.target, [fact for fact in known if fact.candidate in ids], gone):
                found[head] = each.amount
        return found

    def between(self, first: int, end: int) -> list[Numbered]:
        """What was recorded meanwhile, in that order."""
        known = [*self.facts, *_about(self.facts, self.taken_back)]
        return sorted((each for each in known if first <= each[0] < end), key=lambda each: each[0])

    def lasting(self, first: int, end: int) -> _Said:
        """Without what was recorded meanwhile and taken back meanwhile: it explains nothing."""
        meanwhile = [fact for _, fact in self.between(first, end)]
        both = _retracted(meanwhile) & {(fact.campaign, *fact.identity) for fact in meanwhile}

        def is_left(each: Numbered) -> bool:
            fact = each[1]
            return not {(fact.campaign, *fact.identity), *_retracted([fact])} & both

        facts, taken_back = (tuple(filter(is_left, known)) for known in (self.facts, self.taken_back))
        return replace(self, facts=facts, taken_back=taken_back)

    def cause(self, candidate: str, first: int, end: int) -> Fact | None:
        """The fact that made a candidate's share what it was at the end; None where nothing lasting was recorded."""
        meanwhile = self.between(first, end)[-LOOKED_BACK:]
        share = self.shares(end).get(candidate)
        for seq, fact in reversed(meanwhile):
            if self.shares(seq).get(candidate) != share:
                return fact
        return meanwhile[-1][1] if meanwhile else None


def _changes(said: _Said, first: int, end: int) -> list[Change]:
    """What the facts from one number of the ledger to before another made of the shares of those of whom they are."""
    before, after = said.shares(first), said.shares(end)
    meanwhile = tuple(fact for _, fact in said.between(first, end))
    lasting, nothing = said.lasting(first, end), Decimal(0)
    return [
        Change(candidate, changed, meanwhile, lasting.cause(candidate, first, end) or meanwhile[-1])
        for candidate in sorted(before.keys() | after.keys())
        if (changed := after.get(candidate, nothing) - before.get(candidate, nothing))
    ]


def _retracted(facts: Iterable[Fact]) -> Retracted:
    return {(f.campaign, f.data["source"], f.data["id"]) for f in facts if f.type == RETRACTION}


def _about(facts: Sequence[Numbered], taken_back: Sequence[Numbered]) -> list[Numbered]:
    """The retractions that name one of these facts, but nobody."""
    known = {fact.identity for _, fact in facts}
    return [each for each in taken_back if (each[1].data["source"], each[1].data["id"]) in known]


def _by_type(people: Iterable[Change]) -> list[tuple[str, int]]:
    return Counter(each.cause.type for each in people).most_common()
