"""What a batch changes in the vault: what persons are called now, who is hidden, and whose keys go."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from schemas.facts import Fact
from schemas.journey import Journey, Member, Micros, Restriction, Stamp
from storage.database import Conn
from storage.ledger import dead_letters, ledger
from storage.ledger.ledger import JourneyKey
from storage.vault import restricting
from storage.vault.at_hand import AtHand
from storage.vault.process import vault
from storage.vault.searching import Graduated, graduation
from streams.domain.fold import PERSONAL, SIGNUP

_OF_EARLIER: Final = frozenset(PERSONAL)  # among the attributes, where an earlier version kept them


class Known(NamedTuple):
    """What the vault knows a journey by: the words that it has of the person, their erasure, whether they are hidden,
    who they are one person with, and where they graduated."""

    told: Mapping[str, Stamp]
    cut: Micros | None
    hidden: Restriction | None
    members: Mapping[str, Member]
    graduated: Graduated


@dataclass(slots=True)
class PersonChange:
    """A candidate as they were and as they are, and what that asks of the vault: the `values` by which they are called,
    None for what is no longer said, or the facts that have them (`wanted`); `again`: all their facts are to be read for
    that."""

    was: Known
    now: Known
    values: dict[str, Any] = field(default_factory=dict)
    wanted: dict[str, Fact] = field(default_factory=dict)
    again: bool = False

    @property
    def erased(self) -> Micros | None:
        """Up to when they were erased by this."""
        return self.now.cut if self.now.cut != self.was.cut else None

    @property
    def hides(self) -> bool:
        """Whether the vault is to be told anew whether they are hidden. An erasure takes its word on that, also where
        it is of the life that goes on."""
        return self.now.hidden != self.was.hidden or (self.erased is not None and self.now.hidden is not None)

    @property
    def is_graduated_anew(self) -> bool:
        """Whether somebody of whom the vault knows a name is found by another school or year."""
        return bool(self.now.told) and self.was.graduated != self.now.graduated

    def look_for(self, facts: Iterable[Fact]) -> None:
        """Note where to read what they are called: in the facts that have the last word on it, where they are new
        here. What is no longer said goes."""
        by_stamp = {fact.stamp: fact for fact in facts if fact.type == SIGNUP}
        for name in PERSONAL:
            at = self.now.told.get(name)
            if at is None:
                self.values[name] = None
            elif at in by_stamp:
                self.wanted[name] = by_stamp[at]


class Persons:
    """Tell it each journey before and after; then `keep` brings the vault to where the journeys stand."""

    def __init__(self, at_hand: AtHand) -> None:
        self._at_hand = at_hand
        self._changes: dict[JourneyKey, PersonChange] = {}

    def before(self, key: JourneyKey, journey: Journey) -> None:
        """As it is stored. What an earlier version kept in the journey itself moves out of it."""
        known = _known(key, journey, dict(journey.told))  # which merging changes in its place
        change = self._changes[key] = PersonChange(known, known)
        if not _OF_EARLIER.isdisjoint(journey.attributes):
            for name in PERSONAL:
                if word := journey.attributes.pop(name, None):
                    journey.told[name] = word.at
                    change.values[name] = word.value

    def after(self, key: JourneyKey, journey: Journey, facts: Iterable[Fact]) -> None:
        """As it stands now. `facts`: those that it may have its new words from."""
        change = self._changes[key]
        was, now = change.was, _known(key, journey, journey.told)
        change.now = now
        if change.erased is not None:
            change.values.clear()
            change.again = bool(now.told)  # what was said after the erasure was sealed anew
        elif now.members and (now.members != was.members or now.told != was.told):
            change.again = True  # one of them may be erased here, or was by the register
        elif now.told != was.told:
            change.look_for(facts)

    @property
    def are_only_named(self) -> bool:
        """Whether nobody was erased or hidden, nor is to be read again."""
        return not any(each.erased is not None or each.hides or each.again for each in self._changes.values())

    @property
    def shown_again(self) -> list[JourneyKey]:
        """Who was hidden before, and is hidden no longer."""
        return [key for key, each in self._changes.items() if each.hides and each.now.hidden is None]

    async def keep(self, conn: Conn) -> None:
        """Destroy the keys of those who were erased, note who is hidden, then draw what persons are called."""
        if not self.are_only_named:
            await vault().drawing.enter(conn, self._at_hand)
        if erased := {key: each.erased for key, each in self._changes.items() if each.erased is not None}:
            await vault().erase(conn, erased)
            await dead_letters.forget(conn, erased)
            self._at_hand.forget(erased)
        await restricting.note(conn, {key: each.now.hidden for key, each in self._changes.items() if each.hides})
        await self._read_again(conn)
        await self._open(conn)
        await self._draw(conn)

    async def _read_again(self, conn: Conn) -> None:
        again = {key: each for key, each in self._changes.items() if each.again}
        if not again:
            return
        whose = {key: [(key[0], member) for member in each.now.members] or [key] for key, each in again.items()}
        facts = await ledger.facts_of_candidates(conn, {each for members in whose.values() for each in members})
        for key, change in again.items():
            change.look_for([fact for each in whose[key] for fact in facts[each]])

    async def _open(self, conn: Conn) -> None:
        unique = {fact.identity: fact for each in self._changes.values() for fact in each.wanted.values()}
        opened = await vault().open(conn, list(unique.values()), at_hand=self._at_hand, hidden=True)
        said = {fact.identity: fact.data for fact in opened}
        for change in self._changes.values():
            for name, fact in change.wanted.items():
                change.values[name] = said[fact.identity].get(name)

    async def _draw(self, conn: Conn) -> None:
        values = {key: each.values for key, each in self._changes.items() if each.values}
        graduated = {
            key: each.now.graduated for key, each in self._changes.items() if each.values or each.is_graduated_anew
        }
        anew = {key for key, each in self._changes.items() if not each.was.told}
        await vault().drawing.draw(conn, values, graduated=graduated, anew=anew, at_hand=self._at_hand)


def _known(key: JourneyKey, journey: Journey, told: Mapping[str, Stamp]) -> Known:
    cut = journey.own(key[1]).cut if journey.members else journey.cut
    return Known(told, cut, journey.hidden, journey.members, graduation(journey))
