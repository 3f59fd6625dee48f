"""Kafka messages become facts to apply, or dead letters. Each fact is taken exactly once: by deleting its
outbox row, or by being new in the ledger."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from schemas.cloudevents import from_kafka
from schemas.errors import InvalidFact
from schemas.facts import Fact, validate_event
from schemas.topics import SEQ_HEADER
from storage import ledger
from storage.database import Conn
from storage.dead_letters import DeadLetter


@dataclass(slots=True)
class Incoming:
    """A message as it came from Kafka. `found` is what it says, once somebody has read it."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    found: Fact | InvalidFact | None = None

    def read(self) -> Fact | InvalidFact:
        """The fact, or why it is none."""
        if self.found is None:
            try:
                self.found = validate_event(from_kafka(self.value, self.headers))
            except InvalidFact as error:
                self.found = error
        return self.found

    @property
    def seq(self) -> int | None:
        """The number in our ledger, where the relay says that the fact stands there; never trusted, only tried."""
        for name, raw in self.headers:
            if name == SEQ_HEADER and raw.isdigit() and len(raw) < 19:
                return int(raw)
        return None

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
            headers={name: raw.decode("utf-8", "replace").replace("\0", "") for name, raw in self.headers},
            reason=reason,
        )


def read_ahead(records: Iterable[Any]) -> list[Incoming]:
    """Kafka's records, read already where that will be needed: what our relay sends stands in the ledger."""
    taken = [Incoming(r.topic, r.partition, r.offset, r.key, r.value, tuple(r.headers)) for r in records]
    for message in taken:
        if message.seq is None:
            message.read()
    return taken


async def take_in(conn: Conn, incoming: Sequence[Incoming]) -> tuple[list[Fact], list[DeadLetter]]:
    """The facts that are to be applied now, and what can't be read. Duplicates are in neither.

    What the relay published need not be read: it says what the ledger says. A message with a number of the ledger's
    that says something else (an old log, another ledger) is taken for what it says.
    """
    numbers = {n: message.seq for n, message in enumerate(incoming)}
    claimed = await ledger.claim_by_seq(conn, {seq for seq in numbers.values() if seq is not None})
    ours = {seq: event.encode() for seq, event in claimed.items()}
    others = [m for n, m in enumerate(incoming) if (seq := numbers[n]) is None or m.value != ours.get(seq)]
    facts, letters = parse(await _without_echoes(conn, others))
    fresh = await ledger.claim_new(conn, facts)
    return [*map(ledger.read_event, claimed.values()), *fresh], letters


async def _without_echoes(conn: Conn, messages: Sequence[Incoming]) -> list[Incoming]:
    """Without what no longer passes for a fact but is the ledger's own word, published again: a person's signup
    after their erasure lacks what it must have."""
    unread = {(m.seq, text) for m in messages if m.seq and isinstance(m.read(), InvalidFact) and (text := m.text())}
    known = await ledger.same(conn, unread) if unread else set()
    return [m for m in messages if not known or (m.seq, m.text()) not in known]


def parse(incoming: Iterable[Incoming]) -> tuple[list[Fact], list[DeadLetter]]:
    """Messages as facts, one for each identity (the first stands), and those that are none, with the reason."""
    facts: dict[tuple[str, str], Fact] = {}
    letters = []
    for message in incoming:
        found = message.read()
        if isinstance(found, InvalidFact):
            letters.append(message.dead(str(found)))
        else:
            facts.setdefault(found.identity, found)
    return list(facts.values()), letters
