"""What a worker reads from Kafka is applied or among the dead letters, however it is stopped, held up or fed."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import psycopg
from aiokafka import AIOKafkaProducer
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy
from kafka import KafkaConsumer, KafkaProducer, OffsetAndMetadata, TopicPartition

from producers.client import BulkPoster
from schemas.topics import FACTS, FACTS_GROUP
from tests.facts import hired, opened, target
from tests.kafka.apache_kafka import empty_topics
from tests.platform import until
from tests.processes import Part, part
from tests.strategies import Event
from yinfeng.children import running
from yinfeng.embedded.broker import EmbeddedBroker
from yinfeng.kafka_admin import kafka_admin
from yinfeng.lag import facts_ends

STOPS_WITHIN = 10 * 3  # seconds: what a container is given, on a machine that is three times as slow


def worker(folder: Path, database_url: str, kafka: str) -> AbstractContextManager[Part]:
    small = {"YINFENG_BATCH_SIZE": "40", "YINFENG_GROUP_SESSION_TIMEOUT": "2"}
    return part(folder, "worker", database_url=database_url, kafka=kafka, **small)


def people(start: int, end: int) -> list[Event]:
    return [hired(f"c{number}") for number in range(start, end)]


def rows(database_url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(database_url) as connection:
        return connection.execute(query).fetchall()


def progress(database_url: str) -> int:
    return sum(int(number) for (number,) in rows(database_url, "SELECT progress FROM targets"))


@contextmanager
def held(database_url: str) -> Iterator[None]:
    """Nobody can write journeys meanwhile: a batch stands still in its transaction."""
    with psycopg.connect(database_url) as connection:
        connection.execute("LOCK TABLE journeys IN ACCESS EXCLUSIVE MODE")
        yield
        connection.rollback()


def waits_for_journeys(database_url: str) -> bool:
    return bool(rows(database_url, "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'journeys'::regclass"))


def test_a_worker_stopped_in_order_within_a_batch_loses_nothing(tmp_path: Path, database_url: str, kafka: str):
    with BulkPoster(kafka) as poster, worker(tmp_path / "first", database_url, kafka) as first:
        poster.post([opened(), target("t"), *people(0, 20)])
        until(lambda: progress(database_url) == 20)
        with held(database_url):
            poster.post(people(20, 60))
            until(lambda: waits_for_journeys(database_url))
            first.process.send_signal(signal.SIGTERM)
            first.process.wait(STOPS_WITHIN)
    with worker(tmp_path / "second", database_url, kafka):
        until(lambda: progress(database_url) == 60)
    assert rows(database_url, "SELECT count(*) FROM dead_letters") == [(0,)]


def test_a_wait_that_outlasts_the_groups_session_costs_nothing(tmp_path: Path, database_url: str, kafka: str):
    with BulkPoster(kafka) as poster, worker(tmp_path / "w", database_url, kafka) as running_worker:
        poster.post([opened(), target("t"), *people(0, 20)])
        until(lambda: progress(database_url) == 20)
        with held(database_url):
            poster.post(people(20, 800))
            until(lambda: waits_for_journeys(database_url))
            with psycopg.connect(database_url) as connection:
                connection.execute("SELECT pg_sleep(7)")
        until(lambda: progress(database_url) == 800)
        assert running_worker.process.poll() is None
        assert "read again" not in running_worker.log.read_text()


class Odd(str):
    """A header's name of any bytes."""

    def __new__(cls, raw: bytes) -> Odd:
        made = super().__new__(cls, raw.decode("latin-1"))
        made.raw = raw
        return made

    raw: bytes

    def encode(self, *args: Any) -> bytes:  # type: ignore[override]
        return self.raw


ODD_HEADERS: list[list[tuple[Any, bytes | None]]] = [
    [("yinfeng_seq", None)],
    [("yinfeng_seq", b"9" * 40)],
    [("yinfeng_seq", "٣".encode())],
    [("trace", None)],
    [("trace", b"\xff\x00")],
    [("tra\x00ce", b"x")],
    [("", b"")],
    [(Odd(b"\xff\xfe"), b"x")],
    [(Odd(b"\xed\xa0\x80"), None)],
    [("content-type", None)],
]


async def post_raw(kafka: str, records: list[tuple[bytes, list[tuple[Any, bytes | None]]]]) -> None:
    """Put records on one partition past the checks that clients make of their own headers."""
    producer = AIOKafkaProducer(bootstrap_servers=kafka)
    await producer.start()
    batch = producer.create_batch()
    batch._builder = _DefaultRecordBatchBuilderPy(2, 0, 0, -1, -1, -1, 1 << 20)
    for value, headers in records:
        assert batch.append(key=b"k", value=value, timestamp=1000, headers=headers)
    await (await producer.send_batch(batch, FACTS, partition=0))
    await producer.stop()


def test_no_header_stops_a_worker_and_its_neighbours_are_applied(tmp_path: Path, database_url: str, kafka: str):
    records: list[tuple[bytes, list[tuple[Any, bytes | None]]]] = [
        (json.dumps(event).encode(), []) for event in [opened(), target("t")]
    ]
    for number, headers in enumerate(ODD_HEADERS):
        records.append((json.dumps(hired(f"odd{number}")).encode(), headers))
        records.append((b"garbage", headers))
        records.append((json.dumps(hired(f"plain{number}")).encode(), []))
    asyncio.run(post_raw(kafka, records))
    with worker(tmp_path / "w", database_url, kafka) as running_worker:
        until(lambda: progress(database_url) == 2 * len(ODD_HEADERS))
        until(lambda: rows(database_url, "SELECT count(*) FROM dead_letters") == [(len(ODD_HEADERS),)])
        assert running_worker.process.poll() is None


def test_a_topic_that_was_made_anew_is_read_from_its_start(tmp_path: Path, database_url: str):
    broker = EmbeddedBroker(tmp_path)
    with worker(tmp_path / "w", database_url, broker.address):
        for life in range(1, 4):
            with running(broker.spec(), tmp_path / f"logs{life}"), BulkPoster(broker.address) as poster:
                poster.post([opened(), target("t"), *people(20 * life, 20 * life + 20)])
                until(lambda: progress(database_url) == 20 * life)  # noqa: B023 - waited for at once


def test_transactions_leave_no_hole_that_stops_a_worker(tmp_path: Path, database_url: str, apache_kafka: str):
    """Their marks take offsets, and hold nothing."""
    empty_topics(apache_kafka)
    producer = KafkaProducer(bootstrap_servers=apache_kafka, transactional_id=f"test-{tmp_path.name}")
    producer.init_transactions()
    said = [opened(), target("t"), *people(0, 60)]
    with worker(tmp_path / "w", database_url, apache_kafka) as running_worker:
        running_worker.until_ready()
        for start in range(0, len(said), 7):
            producer.begin_transaction()
            for event in said[start : start + 7]:
                producer.send(FACTS, json.dumps(event).encode(), key=b"k")
            producer.commit_transaction()
        until(lambda: progress(database_url) == 60)
    producer.close()
    assert rows(database_url, "SELECT count(*) FROM gaps") == [(0,)]


def test_what_the_group_committed_is_no_matter(tmp_path: Path, database_url: str, kafka: str):
    with BulkPoster(kafka) as poster:
        poster.post([opened(), target("t"), *people(0, 40)])
    commit_all(kafka)
    with worker(tmp_path / "w", database_url, kafka):
        until(lambda: progress(database_url) == 40)


def commit_all(kafka: str) -> None:
    """As somebody's tool would, who sets the group to the log's end."""
    consumer = KafkaConsumer(bootstrap_servers=kafka, group_id=FACTS_GROUP, enable_auto_commit=False)
    partitions = [TopicPartition(FACTS, number) for number in consumer.partitions_for_topic(FACTS) or ()]
    consumer.assign(partitions)
    consumer.commit({p: OffsetAndMetadata(10_000, "", -1) for p in partitions})
    consumer.close(autocommit=False)


def test_what_the_log_dropped_unread_is_told(tmp_path: Path, database_url: str, apache_kafka: str):
    """Retention passes while nobody reads."""
    empty_topics(apache_kafka)
    with BulkPoster(apache_kafka) as poster:
        poster.post([opened(), target("t"), *people(0, 20)])
        with worker(tmp_path / "first", database_url, apache_kafka):
            until(lambda: progress(database_url) == 20)
        poster.post(people(20, 60))
        dropped = drop(apache_kafka)
        poster.post(people(60, 80))
    with worker(tmp_path / "second", database_url, apache_kafka) as second:
        until(lambda: progress(database_url) == 40)
        assert "dropped offsets" in second.log.read_text()
        until(lambda: rows(database_url, "SELECT count(*) FROM messages WHERE kind = 'log_gap'")[0][0] > 0)
    gaps = rows(database_url, "SELECT sum(to_offset - from_offset), count(told_at) FROM gaps")
    assert gaps == [(40, dropped)]


def drop(kafka: str) -> int:
    """Let the log drop all that it has; from how many partitions something went unread."""
    ends = facts_ends(kafka)
    with kafka_admin(kafka) as admin:
        admin.delete_records({TopicPartition(FACTS, partition): end for partition, end in ends.items()})
    return sum(1 for partition, end in ends.items() if end)
