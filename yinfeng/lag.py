"""How far the worker is behind the log: for `yinfeng status`, and for renewing the embedded broker."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from producers.kafka import require_answer
from schemas.errors import BrokerUnavailable
from schemas.kafka import KafkaAccess, access
from schemas.topics import FACTS, FACTS_GROUP

_WITHIN = 5.0


def facts_lag(bootstrap: str | KafkaAccess) -> int:
    """Records of `yinfeng.facts` that the worker's group has not committed yet.

    Raises BrokerUnavailable when the broker does not answer.
    """
    with _consumer(bootstrap) as consumer:
        return _lag(consumer)


def facts_ends(bootstrap: str | KafkaAccess) -> dict[int, int]:
    """The offset after the last record of each partition of `yinfeng.facts`. Raises BrokerUnavailable."""
    with _consumer(bootstrap) as consumer:
        return {each.partition: end for each, end in _ends(consumer, _partitions(consumer)).items()}


def facts_bounds(bootstrap: str | KafkaAccess) -> tuple[dict[int, int], dict[int, int]]:
    """The first offset of each partition of `yinfeng.facts`, and the one after its last. Raises BrokerUnavailable."""
    with _consumer(bootstrap) as consumer:
        partitions = _partitions(consumer)
        starts = consumer.beginning_offsets(partitions)
        ends = _ends(consumer, partitions)
    return {p.partition: starts[p] for p in partitions}, {p.partition: ends[p] for p in partitions}


@contextmanager
def _consumer(bootstrap: str | KafkaAccess) -> Iterator[KafkaConsumer]:
    require_answer(bootstrap)
    try:
        consumer = KafkaConsumer(
            bootstrap_servers=access(bootstrap).servers,
            **access(bootstrap).security.options(),
            group_id=FACTS_GROUP,
            enable_auto_commit=False,
            request_timeout_ms=10_000,
        )
        try:
            yield consumer
        finally:
            consumer.close(autocommit=False)
    except (KafkaError, OSError) as error:
        raise BrokerUnavailable(f"Kafka at {bootstrap} does not answer: {error}") from error


def _partitions(consumer: KafkaConsumer) -> list[TopicPartition]:
    return [TopicPartition(FACTS, number) for number in consumer.partitions_for_topic(FACTS) or ()]


def _lag(consumer: KafkaConsumer) -> int:
    partitions = _partitions(consumer)
    starts = consumer.beginning_offsets(partitions)
    ends = _ends(consumer, partitions)
    # What was never committed is read from the start.
    done = {p: consumer.committed(p) or starts[p] for p in partitions}
    return sum(max(0, ends[p] - done[p]) for p in partitions)


def _ends(consumer: KafkaConsumer, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
    """The offset after the last record of each, as a fetch tells it.

    Tansu's own answer to "latest" is the first offset of the last batch, plus one.
    """
    consumer.assign(partitions)
    for partition, offset in consumer.end_offsets(partitions).items():
        consumer.seek(partition, offset)
    ends: dict[TopicPartition, int] = {}
    deadline = time.monotonic() + _WITHIN
    while len(ends) < len(partitions):
        if time.monotonic() > deadline:
            raise BrokerUnavailable("Kafka does not tell where its partitions end; ask again")
        consumer.poll(timeout_ms=100)
        marks = {p: consumer.highwater(p) for p in partitions}
        ends = {p: mark for p, mark in marks.items() if mark is not None}
    return ends
