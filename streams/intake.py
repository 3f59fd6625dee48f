"""Kafka messages become facts to apply, or dead letters. Each fact is taken exactly once: by deleting its
outbox row, or by being new in the ledger."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec

from schemas.access import is_reserved
from schemas.cloudevents import from_kafka
from schemas.errors import FieldError, InvalidFact
from schemas.facts import Fact, ahead, validate_events
from schemas.ids import none_tells, telling
from schemas.topics import SEQ_HEADER
from storage.database import Conn
from storage.ledger import ledger
from storage.ledger.dead_letters import DeadLetter
from storage.ledger.events import read_event
from storage.ledger.ledger import Identity
from storage.vault.at_hand import AtHand
from storage.vault.process import vault
from storage.vault.sealing import personal
from streams.domain.fold import IRREVOCABLE
from streams.raw_records import fault_of

_LONGEST_SEQ: Final = 18  # digits: all such numbers fit Postgres' bigint


class Incoming(msgspec.Struct):
    """A message as it came from Kafka, any bytes in any part. `found` is what it says, once somebody has read it;
    `fault` why its bytes could not be told apart in the first place; `seq` the number in our ledger, where the relay
    says that the fact stands there: never trusted, only tried."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]
    found: Fact | InvalidFact | None = None
    fault: str | None = None
    seq: int | None = None

    def __post_init__(self) -> None:
        if self.headers:
            self.seq = _seq(self.headers)

    def read(self) -> Fact | InvalidFact:
        """The fact, or why it is none."""
        if self.found is None:
            read_together([self])
            assert self.found is not None
        return self.found

    def text(self) -> str | None:
        """The value as text that Postgres can hold; None when it is none."""
        try:
            text = (self.value or b"").decode()
        except UnicodeDecodeError:
            return None
        return None if "\0" in text else text

    def dead(self, reason: str) -> DeadLetter:
        """This message as a dead letter."""
        return DeadLetter(
            topic=self.topic,
            partition=self.partition,
            offset=self.offset,
            key=self.key,
            value=self.value or b"",
            headers={_text(name): _text((raw or b"").decode("utf-8", "replace")) for name, raw in self.headers},
            reason=_text(reason),
        )

    def event(self) -> Any:
        """The event that this says, not checked as yet. Raises InvalidFact."""
        if self.fault is not None:
            raise InvalidFact([FieldError("", self.fault)])
        return from_kafka(self.value, self.headers)


Said = Mapping[tuple[int, str], Incoming]  # by the number in the ledger and the text that a message claims


class Supposed(NamedTuple):
    """What a batch is supposed to bring anew: its facts, but for what the relay published; all that it asks for."""

    facts: bool = False
    messages: bool = False

    def tables(self) -> list[str]:
        """The tables into which only what is new is supposed to be written."""
        return [table for table, is_new in self._asdict().items() if is_new]


NOTHING_NEW: Final = Supposed()


class Taken(NamedTuple):
    """The facts to apply, and what is none; the ledger's `numbers` of the facts. `can_be_undone`: all of it stands in
    the ledger, so that it is applied again where a crash of Postgres undoes it. `supposed_new`: nothing of what it asks
    for is supposed to have been asked for before."""

    facts: list[Fact]
    letters: list[DeadLetter]
    numbers: dict[Identity, int]
    can_be_undone: bool
    supposed_new: bool = False


def _seq(headers: Iterable[tuple[str, bytes | None]]) -> int | None:
    for name, raw in headers:
        if name == SEQ_HEADER and raw and raw.isdigit() and len(raw) <= _LONGEST_SEQ:
            return int(raw)
    return None


def incoming_of(records: Iterable[Any]) -> tuple[Incoming, ...]:
    """Kafka's records, unread."""
    return tuple(
        [Incoming(r.topic, r.partition, r.offset, r.key, r.value, tuple(r.headers), None, fault_of(r)) for r in records]
    )


def read_ahead(incoming: Iterable[Incoming]) -> None:
    """Read a batch where that will be needed: what our relay sends stands in the ledger. Not before it is applied: a
    fact takes ten times the memory that its record does, and what was read long ago is in no cache any more."""
    read_together([message for message in incoming if message.seq is None and message.found is None])


def read_together(messages: Iterable[Incoming]) -> None:
    """Let each of these have `found` what it says."""
    told, events = [], []
    for message in messages:
        try:
            events.append(message.event())
            told.append(message)
        except InvalidFact as error:
            message.found = error.with_traceback(None)  # whose frames hold the messages
    for message, found in zip(told, validate_events(events), strict=True):
        message.found = found


def said_by_ledger(incoming: Iterable[Incoming]) -> Said:
    """What says that it stands in the ledger."""
    return {(m.seq, text): m for m in incoming if m.seq is not None and (text := m.text()) is not None}


async def take_in(
    conn: Conn,
    incoming: Sequence[Incoming],
    said: Said,
    claimed: Container[int],
    *,
    now: datetime,
    at_hand: AtHand,
    supposed: Supposed = NOTHING_NEW,
) -> Taken:
    """The facts that are to be applied now, and what can't be read. Duplicates are in neither. What is sealed on the
    way is at hand afterwards. `claimed`: the numbers of what is `said` and has left the outbox for this.

    What the relay published need not be checked again: it says what the ledger says. A message with a number of the
    ledger's that says something else (an old log, another ledger, a forgery) is taken for what it says.
    """
    ours = {(seq, text): read_event(text) for seq, text in said if seq in claimed}
    others = [m for m in incoming if m.seq is None or (m.seq, m.text()) not in ours]
    taken = await _without_echoes(conn, others, now)
    facts, letters = parse(taken, now=now)
    can_be_undone = not facts and not letters and all(map(_can_be_undone, ours.values()))
    accepted = await vault().accept(conn, facts)
    letters += _unopened(taken, facts, accepted)
    good = [found for found in accepted if isinstance(found, Fact)]
    sealed = await vault().seal(conn, good, at_hand=at_hand)
    new, waited, numbers = await ledger.claim_new(conn, sealed, supposed_new=supposed.facts)
    numbers |= {fact.identity: seq for (seq, _), fact in ours.items()}
    facts = new + await _sealed(conn, [*ours.values(), *waited], at_hand)
    return Taken(facts, letters, numbers, can_be_undone, supposed.messages)


def _can_be_undone(fact: Fact) -> bool:
    """Whether it may be applied twice, the first time undone by a crash, without anybody being the wiser: what is told
    of a candidate has the same id each time."""
    return fact.candidate is not None and fact.type not in IRREVOCABLE


def _unopened(
    messages: Sequence[Incoming], facts: Sequence[Fact], accepted: Sequence[Fact | InvalidFact]
) -> list[DeadLetter]:
    """What came sealed for the platform, and can't be opened or is no fact."""
    faults = {id(fact): found for fact, found in zip(facts, accepted, strict=True) if isinstance(found, InvalidFact)}
    return [m.dead(str(faults[id(m.found)])) for m in messages if id(m.found) in faults] if faults else []


async def _sealed(conn: Conn, facts: list[Fact], at_hand: AtHand) -> list[Fact]:
    """What an earlier version accepted in the clear is sealed where it stands."""
    clear = [fact for fact in facts if personal(fact.event)]
    if not clear:
        return facts
    numbers = await ledger.numbers(conn, [fact.identity for fact in clear])
    sealed = {fact.identity: fact for fact in await vault().seal(conn, clear, at_hand=at_hand)}
    await ledger.rewrite(conn, [(numbers[identity], fact) for identity, fact in sealed.items()])
    return [sealed.get(fact.identity, fact) for fact in facts]


async def _without_echoes(conn: Conn, messages: Sequence[Incoming], now: datetime) -> list[Incoming]:
    """Without what would not pass as a fact from outside but is the ledger's own word, published again: a person's
    signup after their erasure lacks what it must have, and what the platform says itself has a source of its own. That
    may stand there in another form by now, sealed or emptied; under its number and identity, it would count no more."""
    numbered = [(m, m.seq, m.read()) for m in messages if m.seq]
    if not numbered:
        return list(messages)
    unread = {(seq, m.text() or "") for m, seq, found in numbered if isinstance(found, InvalidFact)}
    same = await ledger.same(conn, unread) if unread else set()
    ours = [found for _, _, found in numbered if isinstance(found, Fact) and _fault_from_outside(found, now)]
    numbers = await ledger.numbers(conn, [fact.identity for fact in ours]) if ours else {}
    return [m for m in messages if (m.seq, m.text()) not in same and not _is_of(m, numbers)]


def _is_of(message: Incoming, numbers: Mapping[tuple[str, str], int]) -> bool:
    found = message.read() if numbers and message.seq else None
    return isinstance(found, Fact) and numbers.get(found.identity) == message.seq


def _fault_from_outside(fact: Fact, now: datetime, *, tells_nothing: bool = False) -> FieldError | None:
    """What is wrong with a fact that is none of the ledger's own. `tells_nothing`: its ids were looked at together with
    others' already."""
    if is_reserved(fact.source):
        return FieldError("source", f"{fact.source} is what the platform itself speaks under")
    return ahead(fact, now) or (None if tells_nothing else telling(fact))


def parse(incoming: Iterable[Incoming], *, now: datetime) -> tuple[list[Fact], list[DeadLetter]]:
    """Messages as facts, one for each identity (the first stands), and those that are none, with the reason."""
    facts: dict[tuple[str, str], Fact] = {}
    letters = []
    read = [(message, message.read()) for message in incoming]
    nothing = none_tells([found for _, found in read if isinstance(found, Fact)])
    for message, found in read:
        if isinstance(found, InvalidFact):
            letters.append(message.dead(str(found)))
        elif fault := _fault_from_outside(found, now, tells_nothing=nothing):
            letters.append(message.dead(f"{fault.field}: {fault.message}"))
        else:
            facts.setdefault(found.identity, found)
    return list(facts.values()), letters


def _text(given: str) -> str:
    """Text that Postgres can hold: what it can't is spelled out."""
    clean = given.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return clean.replace("\0", "\\x00")
