"""The vault: facts are sealed and opened here, and what persons are called is kept, read and destroyed here."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec

from schemas.errors import InvalidFact
from schemas.facts import Fact, build_fact
from schemas.journey import Journey, Micros, Word
from schemas.sealed import SEALED, Seal, entry_seal_of, seal_of
from storage.arrays import columns
from storage.database import Conn
from storage.ledger import ledger
from storage.ledger.ledger import Identity, JourneyKey
from storage.vault import emptying, entry_keys, profiles, unsealing
from storage.vault.at_hand import AtHand, ReadSoFar
from storage.vault.drawing import Drawing
from storage.vault.entry import EntryKey
from storage.vault.keeping import PLATFORM, Keeper
from storage.vault.keys import READ, PersonKey, PersonKeys
from storage.vault.master import FileMaster, Master, Randomness
from storage.vault.profiles import Profile
from storage.vault.sealing import personal, seal, without

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_WITH_PROFILES: Final = f"""
SELECT {READ}, p.profile FROM vault.person p
JOIN unnest(%s::text[], %s::text[]) AS k(campaign, candidate) USING (campaign, candidate)
"""
_NOTES: Final = """
DELETE FROM vault.note WHERE (campaign, candidate) IN (SELECT * FROM unnest(%s::text[], %s::text[]))
"""


class Vault:
    """What is sealed under persons' keys, which `master` wraps. Every method wants a connection; those that seal, draw
    or erase a transaction. They raise ConfigurationError and CannotOpen where the master key is another."""

    def __init__(self, master: Master, randomness: Randomness = os.urandom) -> None:
        self.keys = PersonKeys(master, randomness)
        self.drawing = Drawing(self.keys, randomness)
        self._master, self._randomness = master, randomness

    async def seal(
        self,
        conn: Conn,
        facts: Sequence[Fact],
        *,
        like: Mapping[Identity, Seal] | None = None,
        at_hand: AtHand | None = None,
    ) -> list[Fact]:
        """The facts with what is personal sealed; what was said before its person was erased loses it. Facts that are
        sealed already are left as they are, where nothing stands in the clear beside the seal. `like`: how they were
        sealed in another life."""
        made = at_hand.made if at_hand else None
        at_hand = at_hand or AtHand()
        facts = await self._whole(conn, facts, at_hand)
        open_ones = [(f, names) for f in facts if SEALED not in f.event and (names := personal(f.event))]
        latest: dict[JourneyKey, datetime] = {}
        for fact, _ in open_ones:
            whose = unsealing.whose(fact)
            latest[whose] = max(fact.time, latest.get(whose, fact.time))
        keys = await self.keys.for_sealing(conn, latest, at_hand.keys, made)
        before, sealed = like or {}, {}
        for fact, names in open_ones:
            earlier = before.get(fact.identity) if before else None
            sealed[id(fact)] = done = self._sealed(fact, names, keys[unsealing.whose(fact)], earlier)
            if SEALED in done.event:
                at_hand.said[done.event[SEALED]] = fact
        return [sealed.get(id(fact), fact) for fact in facts]

    async def open(
        self,
        conn: Conn,
        facts: Sequence[Fact],
        *,
        at_hand: AtHand | None = None,
        reading: ReadSoFar | None = None,
        hidden: bool = False,
    ) -> list[Fact]:
        """The facts as they were said, as far as their persons were not erased since, nor are restricted: those are
        opened for `hidden` alone, the person's own eyes and what keeps the vault itself. Where the transaction has
        something of the vault at hand, it holds these persons' keys from now on."""
        said = at_hand.said if at_hand else {}
        whose = {unsealing.whose(fact) for fact in facts if SEALED in fact.event and fact.event[SEALED] not in said}
        if at_hand is None:
            keys: Mapping[JourneyKey, PersonKey] = await self._read(conn, whose, reading)
        else:
            await self.keys.hold(conn, whose, at_hand.keys)
            keys = at_hand.keys
        return [
            said.get(fact.event[SEALED]) or unsealing.opened(fact, keys, hidden=hidden)
            if SEALED in fact.event
            else fact
            for fact in facts
        ]

    async def accept(self, conn: Conn, facts: Sequence[Fact]) -> list[Fact | InvalidFact]:
        """Facts from outside, of which some are sealed already, in order. What was sealed for the platform is opened;
        what can't be is no fact. What says that it was sealed here is left out where it can't be opened: it may be
        noise, or of a life that ended; the facts themselves count all the same."""
        closed = [fact for fact in facts if SEALED in fact.event]
        if not closed:
            return list(facts)
        entries = {id(fact): held for fact in closed if (held := entry_seal_of(fact.event))}
        sealed = [fact for fact in closed if id(fact) not in entries]
        keys = await self.keys.held(conn, {unsealing.whose(fact) for fact in sealed})
        opener = await entry_keys.opener(conn, self._master, {held.key for held in entries.values()})
        given: dict[int, Fact | InvalidFact] = {
            id(fact): unsealing.entered(opener, fact) for fact in closed if id(fact) in entries
        }
        given |= {id(fact): unsealing.unsealed(fact) for fact in sealed if not unsealing.is_of_this_life(fact, keys)}
        return [given.get(id(fact), fact) for fact in facts]

    async def entry_key(self, conn: Conn) -> EntryKey:
        """The key with which others seal facts for the platform."""
        return await entry_keys.current(conn, self._master, self._randomness)

    async def keeper(
        self,
        conn: Conn,
        persons: Iterable[JourneyKey] = (),
        *,
        said: Mapping[JourneyKey, datetime] | None = None,
        reading: ReadSoFar | None = None,
    ) -> Keeper:
        """What seals and opens whatever is kept of these persons beside their facts. Of who was erased nothing is
        sealed, but what was `said` later: that begins another life. The keys that the transaction has read so far are
        not read again."""
        wanted = {PLATFORM, *persons}
        if reading is None:
            return Keeper(await self.keys.for_keeping(conn, wanted, said), self._randomness)
        missing = [each for each in wanted if (held := reading.keys.get(each)) is None or held.key is None]
        reading.keys.update(await self.keys.for_keeping(conn, missing, said) if missing else {})
        return Keeper(reading.keys, self._randomness, reading.addresses)

    async def reader(self, conn: Conn, persons: Iterable[JourneyKey], *, hidden: bool = False) -> Keeper:
        """The same for reading alone: nothing is written. What is kept of those who are restricted reads as nothing,
        but for `hidden` (see `open`)."""
        keys = await self.keys.held(conn, {*persons})
        if not hidden:
            keys = {
                whose: msgspec.structs.replace(held, key=None) if held.hidden else held for whose, held in keys.items()
            }
        return Keeper(keys, self._randomness)

    async def profiles(
        self,
        conn: Conn,
        persons: Collection[JourneyKey],
        *,
        reading: ReadSoFar | None = None,
        hidden: bool = False,
    ) -> dict[JourneyKey, Profile]:
        """What these persons are called and how they are reached (name, email, phone), as far as that is known; of
        those who are restricted for `hidden` alone (see `open`)."""
        if not persons:
            return {}
        rows = await (await conn.execute(_WITH_PROFILES, columns(list(persons), 2))).fetchall()
        known = reading.keys if reading is not None else {}
        known.update(self.keys.unwrapped(row[:-1] for row in rows if row[:2] not in known))
        return {
            (campaign, candidate): profiles.opened(text, held, (campaign, candidate))
            for campaign, candidate, *_, text in rows
            if text is not None and (not (held := known[campaign, candidate]).hidden or hidden)
        }

    async def _read(
        self, conn: Conn, persons: Collection[JourneyKey], reading: ReadSoFar | None
    ) -> Mapping[JourneyKey, PersonKey]:
        if reading is None:
            return await self.keys.held(conn, persons)
        reading.keys.update(await self.keys.held(conn, [each for each in persons if each not in reading.keys]))
        return reading.keys

    async def embody(
        self,
        conn: Conn,
        journeys: Mapping[JourneyKey, Journey],
        *,
        reading: ReadSoFar | None = None,
        hidden: bool = False,
    ) -> None:
        """Let journeys that were read know their persons, among the attributes, and what was offered to them; those
        who are restricted for `hidden` alone (see `open`). They are never stored like that."""
        await self._embody_terms(conn, journeys.values(), reading or ReadSoFar(), hidden=hidden)
        told = [key for key, journey in journeys.items() if journey.told]
        for key, profile in (await self.profiles(conn, told, reading=reading, hidden=hidden)).items():
            journey = journeys[key]
            for name, value in profile.items():
                if name in journey.told:
                    journey.attributes[name] = Word(journey.told[name], value)

    async def named(
        self, conn: Conn, identities: Iterable[Identity], reading: ReadSoFar, *, hidden: bool = False
    ) -> dict[Identity, Fact]:
        """These facts as they were said, as far as the ledger has them (see `open`), each read once."""
        missing = list({each for each in identities if each not in reading.facts})
        if missing:
            opened = await self.open(conn, await ledger.named(conn, missing), reading=reading, hidden=hidden)
            reading.facts.update((fact.identity, fact) for fact in opened)
        return reading.facts

    async def _embody_terms(self, conn: Conn, journeys: Iterable[Journey], reading: ReadSoFar, *, hidden: bool) -> None:
        terms = [offer.terms for journey in journeys for offer in journey.offers.values() if offer.terms]
        said = await self.named(conn, {(each.at[1], each.at[2]) for each in terms}, reading, hidden=hidden)
        for each in terms:
            fact = said.get((each.at[1], each.at[2]))
            data = fact.data if fact is not None else {}
            each.salary, each.contact = data.get("salary"), data.get("contact")
            each.document, each.papers = data.get("document"), data.get("papers")

    async def erase(self, conn: Conn, cuts: Mapping[JourneyKey, Micros]) -> None:
        """Destroy the keys of persons, and what is known of them. What was said after the cut, of a life that goes on,
        is sealed anew before."""
        if not cuts:
            return
        moments = {key: _EPOCH + timedelta(microseconds=cut) for key, cut in cuts.items()}
        await self.keys.lock(conn, cuts)  # what others were about to say of them is there now
        told = await emptying.told_of(conn, moments)
        later = [fact for _, fact in told.others if fact.time > moments[unsealing.whose(fact)]]
        opened = await self.open(conn, later, hidden=True)
        await self.keys.destroy(conn, [(*key, moment) for key, moment in moments.items()])
        seals = {fact.identity: held for fact in later if (held := seal_of(fact.event))}
        lasting = {fact.identity: fact for fact in await self.seal(conn, opened, like=seals)}
        await emptying.take_seals(conn, told.before)
        await ledger.rewrite(conn, [(seq, lasting.get(fact.identity) or _emptied(fact)) for seq, fact in told.others])
        await conn.execute(_NOTES, columns(list(cuts), 2))

    async def _whole(self, conn: Conn, facts: Sequence[Fact], at_hand: AtHand) -> Sequence[Fact]:
        """The facts, in the clear where something personal is so beside a seal: one seal is to have both. A seal that
        can't be opened is left out, as `accept` does."""
        halves = [fact for fact in facts if SEALED in fact.event and personal(fact.event)]
        if not halves:
            return facts
        await self.keys.hold(conn, {unsealing.whose(fact) for fact in halves}, at_hand.keys)
        whole = {id(fact): unsealing.as_said(fact, at_hand.keys) for fact in halves}
        return [whole.get(id(fact), fact) for fact in facts]

    def _sealed(self, fact: Fact, names: list[str], key: PersonKey, like: Seal | None) -> Fact:
        if key.erased_at is not None and fact.time <= key.erased_at:
            return build_fact(without(fact.event, names))
        assert key.key is not None
        sealed = seal(fact.event, key.key, key.life, self._randomness, like, names=names)
        return msgspec.structs.replace(fact, event=sealed)


def file_vault(path: Path) -> Vault:
    """The vault of the master key in this file. Raises ConfigurationError."""
    return Vault(FileMaster(path))


def _emptied(fact: Fact) -> Fact:
    """What stays of a fact whose person was erased: also what nobody can open any more goes."""
    return build_fact(without(fact.event, [*personal(fact.event), f"@{SEALED}"]))
