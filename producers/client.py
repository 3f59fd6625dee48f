"""For those who post in bulk, straight to Kafka: `with BulkPoster("kafka:9092") as poster: poster.post(events)`.

Facts that come this way are checked here as over HTTP, applied by the same worker, and stand in the same ledger.
"""

from __future__ import annotations

import itertools
import json
import secrets
from collections.abc import Iterable, Iterator, Mapping
from types import TracebackType
from typing import Any, Final, Self

from producers.kafka import KafkaRecord, Producer
from schemas.cloudevents import STRUCTURED
from schemas.errors import DeliveryFailed, FieldError, InvalidFact
from schemas.facts import MAX_EVENT_BYTES, Fact, validate_event
from schemas.ids import telling
from schemas.kafka import KafkaAccess
from schemas.topics import FACTS
from storage.vault.entry import EntryKey, EntrySealer

BATCH: Final = 5000
_HEADERS: Final = (("content-type", STRUCTURED.encode()),)


class BulkPoster:
    """A Kafka client for bulk posters: idempotent, acks=all. Every method may raise BrokerUnavailable.

    `bootstrap` is `host:port`, or a KafkaAccess where Kafka lets in only whom it knows.

    `seal_with`: the platform's entry key (`yinfeng vault entry-key`). What is personal in a fact is sealed with it then
    before it is sent, so that it lies nowhere in the clear on Kafka; the platform alone can open it.

    An event is a CloudEvent 1.0 as a dict in JSON form. Posting the same (source, id) again is harmless.
    """

    def __init__(self, bootstrap: str | KafkaAccess, *, name: str = "bulk", seal_with: str | None = None) -> None:
        """Raises ConfigurationError where `seal_with` is no such key."""
        self._entry_key = EntryKey.read(seal_with) if seal_with else None
        self._producer = Producer(bootstrap, name=name)

    def post(self, events: Iterable[Mapping[str, Any]]) -> int:
        """Deliver events, in order per candidate; returns how many, once Kafka has acknowledged every one.

        Raises InvalidFact at the first event that is no fact (those of earlier batches are delivered; post the
        whole again once it is mended), DeliveryFailed with the events that Kafka did not take.
        """
        return sum(self._deliver(batch) for batch in _batches(map(_checked, events)))

    def close(self) -> None:
        self._producer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _deliver(self, facts: list[Fact]) -> int:
        placed = self._producer.deliver(FACTS, self._records(facts))
        failed = [(fact.event, where.error) for fact, where in zip(facts, placed, strict=True) if where.error]
        if failed:
            raise DeliveryFailed(failed)
        return len(facts)

    def _records(self, facts: list[Fact]) -> list[KafkaRecord]:
        if self._entry_key is None:
            return [_record(fact, fact.event) for fact in facts]
        sealer = EntrySealer(self._entry_key, secrets.token_bytes)
        return [_sealed_record(fact, sealer) for fact in facts]


def _record(fact: Fact, event: Mapping[str, Any]) -> KafkaRecord:
    return KafkaRecord(fact.key, json.dumps(event, ensure_ascii=False).encode(), _HEADERS)


def _sealed_record(fact: Fact, sealer: EntrySealer) -> KafkaRecord:
    """Raises InvalidFact where it is too large for the platform by being sealed."""
    record = _record(fact, sealer.seal(fact.event))
    if len(record.value) > MAX_EVENT_BYTES:
        raise InvalidFact([FieldError("", f"is larger than {MAX_EVENT_BYTES} bytes once it is sealed")], id=fact.id)
    return record


def _checked(event: Mapping[str, Any]) -> Fact:
    """Raises InvalidFact."""
    fact = validate_event(dict(event))
    if fault := telling(fact):
        raise InvalidFact([fault], id=fact.id)
    return fact


def _batches(facts: Iterator[Fact]) -> Iterator[list[Fact]]:
    while batch := list(itertools.islice(facts, BATCH)):
        yield batch
