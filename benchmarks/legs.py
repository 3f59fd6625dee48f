"""When a fact passed each point of its way, as far as it can be told without touching the platform that is measured.

All moments are in seconds since 1970 by this machine's clock.
"""

from __future__ import annotations

import json
import statistics
import threading
import time
from collections.abc import Iterator, Sequence
from itertools import pairwise

import psycopg
from kafka import KafkaConsumer, TopicPartition

from benchmarks.running import Running
from schemas.topics import FACTS

Seen = tuple[float, int]  # the moment, and up to which fact (from 1, in the order of posting) was seen then

LOOK_EVERY = 0.004  # seconds between looks at the number in the database
_BEGUN = "SELECT candidate, extract(epoch FROM updated_at)::float8 FROM journeys WHERE campaign = %s"
_NUMBER = "SELECT progress FROM targets WHERE target = 'signups'"


class Committed:
    """Looks at a target's number in the database again and again, from entry to exit."""

    def __init__(self, running: Running) -> None:
        self._url, self._stop = running.state.database_url or "", threading.Event()
        self._thread = threading.Thread(target=self._look)
        self.seen: list[Seen] = []

    def __enter__(self) -> Committed:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _look(self) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:
            ended = False
            while not ended:
                ended = self._stop.wait(LOOK_EVERY)  # once more after the end: a page may have been told before us
                row = connection.execute(_NUMBER).fetchone()
                number = int(row[0]) if row else 0
                if number and (not self.seen or number > self.seen[-1][1]):
                    self.seen.append((time.time(), number))


def passed(seen: Sequence[Seen], facts: int) -> list[float]:
    """For each fact the moment at which a number was seen that includes it (one poster: numbers follow its order)."""
    looks, moments = iter(seen), []
    at, number = next(looks)
    for count in range(1, facts + 1):
        while number < count:
            at, number = next(looks)
        moments.append(at)
    return moments


def published(running: Running, facts: int) -> list[float]:
    """When the relay sent each fact, by the records' own time. Facts are those of candidates c0, c1 …"""
    moments = [0.0] * facts
    consumer = KafkaConsumer(bootstrap_servers=running.kafka, fetch_max_wait_ms=100, client_id="yinfeng-bench")
    try:
        partitions = [TopicPartition(FACTS, number) for number in consumer.partitions_for_topic(FACTS)]
        ends = consumer.end_offsets(partitions)
        consumer.assign(partitions)
        consumer.seek_to_beginning()
        while any(consumer.position(each) < end for each, end in ends.items()):
            for records in consumer.poll(timeout_ms=500).values():
                for record in records:
                    who = json.loads(record.value)["data"].get("candidate", "")
                    if who[:1] == "c":
                        moments[int(who[1:])] = record.timestamp / 1000
    finally:
        consumer.close()
    return moments


def begun(running: Running, campaign: str, facts: int) -> list[float]:
    """When the transaction that applied each fact began: the worker had read it by then."""
    moments = [0.0] * facts
    with psycopg.connect(running.state.database_url or "") as connection:
        for who, at in connection.execute(_BEGUN, [campaign]):
            moments[int(who[1:])] = at
    return moments


def legs(points: Sequence[tuple[str, Sequence[float]]]) -> Iterator[tuple[str, str]]:
    """What lies between each point and the next, and between the first and the last: p50 and p99 in milliseconds."""
    for (_, before), (name, after) in pairwise(points):
        yield f"… → {name}", _quantiles(before, after)
    yield f"{points[0][0]} → {points[-1][0]}", _quantiles(points[0][1], points[-1][1])


def _quantiles(before: Sequence[float], after: Sequence[float]) -> str:
    cuts = statistics.quantiles([(b - a) * 1000 for a, b in zip(before, after, strict=True)], n=100)
    return f"p50 {cuts[49]:.0f} ms, p99 {cuts[98]:.0f} ms"
