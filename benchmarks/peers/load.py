"""The facts of the contest: whole journeys, some facts posted twice, and the numbers that must come of them."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any, Final

from benchmarks.facts import STEPS, campaign, journeys
from producers.kafka import KafkaRecord, Producer
from schemas.cloudevents import STRUCTURED
from schemas.facts import validate_event
from schemas.topics import FACTS

EDUCATIONS: Final = ("vocational", "associate", "bachelor", "master", "doctor")
REPEATED: Final = 50  # every so manieth fact comes again
LATER: Final = 200  # so many facts later
PORTION: Final = 5000
_HEADERS: Final = (("content-type", STRUCTURED.encode()),)


@dataclass(frozen=True, slots=True)
class Expected:
    """How many facts of candidates there are without repetitions, and the three targets' numbers."""

    facts: int
    numbers: dict[str, int]

    def as_json(self) -> str:
        """As the peers' programs read it."""
        return json.dumps(asdict(self))


def expected(facts: int) -> Expected:
    """What at least so many facts of whole journeys come to."""
    people = facts // STEPS + 1
    doctors = sum(_education(number) == "doctor" for number in range(people))
    return Expected(people * STEPS, {"signups": people, "graduates": people, "doctors": doctors})


def events(facts: int) -> Iterator[dict[str, Any]]:
    """The campaign with its targets, then the journeys, in the order in which they are posted."""
    yield from campaign()
    yield from _with_repetitions(_educated(journeys(facts, prefix="p")))


def load(kafka: str, facts: int) -> int:
    """Put them on the topic; returns how many records that makes. Raises BrokerUnavailable, or SystemExit when Kafka
    doesn't take one."""
    producer, sent = Producer(kafka, name="peers"), 0
    records = (record(event) for event in events(facts))
    while portion := list(islice(records, PORTION)):
        failed = [where.error for where in producer.deliver(FACTS, portion) if where.error]
        if failed:
            raise SystemExit(f"Kafka did not take {len(failed)} facts: {failed[0]}")
        sent += len(portion)
    producer.close()
    return sent


def record(event: dict[str, Any]) -> KafkaRecord:
    """As a bulk poster writes it. Its facts are known to be valid, and are not checked one by one."""
    data = event["data"]
    key = f"{data['campaign']}/{data['candidate']}" if "candidate" in data else validate_event(event).key
    return KafkaRecord(key, json.dumps(event, ensure_ascii=False).encode(), _HEADERS)


def _educated(facts: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for fact in facts:
        if fact["type"] == "candidate.signed_up":
            fact["data"]["education"] = _education(int(fact["data"]["candidate"][1:]))
        yield fact


def _education(number: int) -> str:
    return EDUCATIONS[number % len(EDUCATIONS)]


def _with_repetitions(facts: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Every 50th comes again, when 200 others have come."""
    waiting: deque[tuple[int, dict[str, Any]]] = deque()
    for number, fact in enumerate(facts):
        yield fact
        if number % REPEATED == 0:
            waiting.append((number + LATER, fact))
        if waiting and waiting[0][0] <= number:
            yield waiting.popleft()[1]
    yield from (fact for _, fact in waiting)
