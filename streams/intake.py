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
    """The facts that are to be applied now, and what can't be read. Duplicates are in neither."""
    seqs = {message.seq: message for message in incoming if message.seq is not None}
    claimed = await ledger.claim_by_seq(conn, list(seqs))
    facts, letters = parse(message for message in incoming if message.seq not in claimed)
    fresh = await ledger.claim_new(conn, facts)
    return [*claimed.values(), *fresh], letters


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
