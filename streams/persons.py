"""What a batch changes in the vault: what persons are called now, who is hidden, and whose keys go; and who goes that
was never more than a form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from schemas.facts import Fact
from schemas.journey import Journey, Member, Micros, Restriction, Stamp
from storage import messages
from storage.access import own_pages
from storage.database import Conn
from storage.journeys import addresses, unconfirmed
from storage.ledger import dead_letters, ledger
from storage.ledger.ledger import JourneyKey
from storage.vault import restricting
from storage.vault.persons import AtHand
from storage.vault.process import vault
from storage.vault.searching import Graduated
from streams.domain.fold import PERSONAL, SIGNUP

_OF_EARLIER: Final = frozenset(PERSONAL)  # among the attributes, where an earlier version kept them
LAPSED_AT_ONCE: Final = 500
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Persons:
    """Tell it each journey before and after; then `keep` brings the vault to where the journeys stand."""

    def __init__(self, at_hand: AtHand) -> None:
        self._at_hand = at_hand
        self._told: dict[JourneyKey, dict[str, Stamp]] = {}
        self._cuts: dict[JourneyKey, Micros | None] = {}
        self._values: dict[JourneyKey, dict[str, Any]] = {}
        self._wanted: dict[JourneyKey, dict[str, Fact]] = {}
        self._erased: dict[JourneyKey, Micros] = {}
        self._read_again: dict[JourneyKey, Journey] = {}
        self._members: dict[JourneyKey, Mapping[str, Member]] = {}
        self._was: dict[JourneyKey, Graduated] = {}
        self._graduated: dict[JourneyKey, Graduated] = {}
        self._unknown: set[JourneyKey] = set()
        self._hid: dict[JourneyKey, Restriction | None] = {}
        self._hides: dict[JourneyKey, Restriction | None] = {}

    def before(self, key: JourneyKey, journey: Journey) -> None:
        """As it is stored. What an earlier version kept in the journey itself moves out of it."""
        self._told[key], self._hid[key] = dict(journey.told), journey.hidden
        self._cuts[key], self._members[key] = _cut(key, journey), journey.members
        self._was[key] = _graduated(journey)
        if not _OF_EARLIER.isdisjoint(journey.attributes):
            for name in PERSONAL:
                if word := journey.attributes.pop(name, None):
                    journey.told[name] = word.at
                    self._values.setdefault(key, {})[name] = word.value

    def after(self, key: JourneyKey, journey: Journey, facts: Iterable[Fact]) -> None:
        """As it stands now. `facts`: those that it may have its new words from."""
        self._graduated[key] = _graduated(journey)
        if not journey.told:
            self._unknown.add(key)
        own = _cut(key, journey)
        cut = own if own != self._cuts[key] else None
        # An erasure takes the vault's word on that, also where it is of the life that goes on: then it is said again.
        if journey.hidden != self._hid[key] or (cut is not None and journey.hidden is not None):
            self._hides[key] = journey.hidden
        if cut is not None:
            self._erased[key] = cut
            self._values.pop(key, None)
            if journey.told:
                self._read_again[key] = journey
        elif journey.members and (journey.members != self._members[key] or journey.told != self._told[key]):
            self._read_again[key] = journey  # one of them may be erased here, or was by the register
        elif journey.told != self._told[key]:
            self._look_for(key, journey, facts)

    def _look_for(self, key: JourneyKey, journey: Journey, facts: Iterable[Fact]) -> None:
        """Note where to read what a person is called: in the facts that have the last word on it, where they are new
        here. What is no longer said goes."""
        by_stamp = {fact.stamp: fact for fact in facts if fact.type == SIGNUP}
        for name in PERSONAL:
            at = journey.told.get(name)
            if at is None:
                self._values.setdefault(key, {})[name] = None
            elif at in by_stamp:
                self._wanted.setdefault(key, {})[name] = by_stamp[at]

    @property
    def are_only_named(self) -> bool:
        """Whether nobody was erased or hidden, nor is to be read again."""
        return not (self._erased or self._hides or self._read_again)

    @property
    def shown_again(self) -> list[JourneyKey]:
        """Who was hidden before, and is hidden no longer."""
        return [key for key, held in self._hides.items() if held is None]

    async def keep(self, conn: Conn) -> None:
        """Destroy the keys of those who were erased, note who is hidden, then draw what persons are called."""
        if self._erased:
            await vault().erase(conn, self._erased)
            await dead_letters.forget(conn, self._erased)
            self._at_hand.forget(self._erased)
        await restricting.note(conn, self._hides)
        if self._read_again:
            # What was said after the erasure was sealed anew.
            whose = {key: [(key[0], each) for each in held.members] or [key] for key, held in self._read_again.items()}
            facts = await ledger.facts_of_candidates(conn, {each for members in whose.values() for each in members})
            for key, members in whose.items():
                self._look_for(key, self._read_again[key], [fact for each in members for fact in facts[each]])
        wanted = [(key, name, fact) for key, names in self._wanted.items() for name, fact in names.items()]
        unique = {fact.identity: fact for _, _, fact in wanted}
        said = await vault().open(conn, list(unique.values()), at_hand=self._at_hand, hidden=True)
        opened = {fact.identity: fact for fact in said}
        for key, name, fact in wanted:
            self._values.setdefault(key, {})[name] = opened[fact.identity].data.get(name)
        anew = {key for key, told in self._told.items() if not told}
        changed = {key for key, was in self._was.items() if was != self._graduated[key] and key not in self._unknown}
        graduated = {key: self._graduated[key] for key in changed | self._values.keys()}
        await vault().draw(conn, self._values, graduated=graduated, anew=anew, at_hand=self._at_hand)


async def let_lapse(conn: Conn, days: int, now: datetime) -> int:
    """Take away some of the signups that nobody confirmed for so many days; of whom nothing else is known, all that was
    kept. Returns of how many persons."""
    async with conn.transaction():
        lapsed = await unconfirmed.lapse(conn, days, LAPSED_AT_ONCE)
        unknown = await vault().keys.discard(conn, lapsed) if lapsed else []
        if unknown:
            await messages.forget(conn, dict.fromkeys(unknown, (now - _EPOCH) // timedelta(microseconds=1)))
            await dead_letters.forget(conn, unknown)
            await addresses.forget(conn, unknown)
            await own_pages.forget(conn, unknown)
    return len(unknown)


def _graduated(journey: Journey) -> Graduated:
    school, year = journey.attributes.get("school"), journey.attributes.get("graduation_year")
    return (str(school.value) if school else None, int(year.value) if year else None)


def _cut(key: JourneyKey, journey: Journey) -> Micros | None:
    """The erasure of the candidate themselves."""
    return journey.own(key[1]).cut if journey.members else journey.cut
