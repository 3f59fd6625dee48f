"""Why a number changed: what was recorded between two moments, and what it made of each person's share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
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
RETRACTION: Final = "fact.retracted"
TARGET_FACTS: Final = ("target.set", "target.withdrawn")


@dataclass(frozen=True, slots=True)
class Change:
    """What changed in one person's share, and the facts that were recorded meanwhile, in that order."""

    candidate: str
    amount: Decimal
    facts: tuple[Fact, ...]


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
        """Of those whose share grew: what was recorded last, and of how many; the most frequent first."""
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
            found += _changes(explaining, target, said, taken_back=taken_back, first=first, end=end)
    set_anew = any(
        first <= seq < end and fact.type != RETRACTION and fact.data["target"] == target["target"] for seq, fact in own
    )
    return Changes(tuple(found), len(touched) <= MOST, set_anew)


def _changes(
    explaining: Explaining,
    target: Row,
    facts: Sequence[Numbered],
    *,
    taken_back: Sequence[Numbered],
    first: int,
    end: int,
) -> list[Change]:
    """What the facts from one number of the ledger to before another made of the shares of those of whom they are: of
    one candidate, or of some who are or were the same person."""
    before, after = (_shares(explaining, target, facts, taken_back, until) for until in (first, end))
    meanwhile = tuple(fact for seq, fact in [*facts, *_about(facts, taken_back)] if first <= seq < end)
    return [
        Change(candidate, changed, meanwhile)
        for candidate in sorted(before.keys() | after.keys())
        if (changed := after.get(candidate, Decimal(0)) - before.get(candidate, Decimal(0)))
    ]


def _shares(
    explaining: Explaining, target: Row, facts: Sequence[Numbered], taken_back: Sequence[Numbered], before: int
) -> dict[str, Decimal]:
    """What each person added to the target as of a number of the ledger."""
    known = [fact for seq, fact in facts if seq < before]
    gone = _retracted([*known, *(fact for seq, fact in taken_back if seq < before)])
    found: dict[str, Decimal] = {}
    for head, ids in explaining.persons(known, gone).items():
        if each := explaining.person(target, [fact for fact in known if fact.candidate in ids], gone):
            found[head] = each.amount
    return found


def _retracted(facts: Iterable[Fact]) -> Retracted:
    return {(f.campaign, f.data["source"], f.data["id"]) for f in facts if f.type == RETRACTION}


def _about(facts: Sequence[Numbered], taken_back: Sequence[Numbered]) -> list[Numbered]:
    """The retractions that name one of these facts, but nobody."""
    known = {fact.identity for _, fact in facts}
    return [each for each in taken_back if (each[1].data["source"], each[1].data["id"]) in known]


def _by_type(people: Iterable[Change]) -> list[tuple[str, int]]:
    return Counter(each.facts[-1].type for each in people).most_common()
