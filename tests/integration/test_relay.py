"""The relay on a real Postgres and real brokers: everything, in order, whoever is away for a while."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import psycopg
from cloudevents.core.bindings.kafka import KafkaMessage, from_kafka_event
from kafka import KafkaConsumer
from kafka.admin import ConfigResource, ConfigResourceType

from producers.publishing import STALE
from schemas.facts import Fact, validate_event
from schemas.topics import FACT_BYTES, FACTS, SEQ_HEADER
from storage.database import connect, connect_sync
from storage.ledger import ledger
from storage.ledger.outbox import Outbox
from tests.facts import signed_up
from tests.kafka.apache_kafka import empty_topics
from tests.platform import silence, until
from tests.processes import Part, part
from tests.strategies import Event
from yinfeng.children import running
from yinfeng.embedded.broker import EmbeddedBroker
from yinfeng.kafka_admin import facts_log, kafka_admin
from yinfeng.lag import facts_ends


def relay(folder: Path, database_url: str, kafka: str) -> AbstractContextManager[Part]:
    return part(folder, "relay", database_url=database_url, kafka=kafka)


def people(start: int, end: int) -> list[Event]:
    """Signups of seven candidates, each many times."""
    return [signed_up(f"c{number % 7}", id=f"e{number}", name=f"李 {number}") for number in range(start, end)]


async def accept(database_url: str, events: list[Event]) -> None:
    async with await connect(database_url, name="test") as conn:
        for start in range(0, len(events), 50):
            portion = [validate_event(event) for event in events[start : start + 50]]
            await ledger.append(conn, portion, posted_by="key:test")


def published(kafka: str, count: int) -> list[Any]:
    """Messages of the facts' topic, as many as there are when `count` different facts are among them."""
    consumer = KafkaConsumer(FACTS, bootstrap_servers=kafka, auto_offset_reset="earliest", enable_auto_commit=False)
    found: list[Any] = []

    def enough() -> bool:
        for messages in consumer.poll(timeout_ms=200).values():
            found.extend(messages)
        return len({header(message) for message in found}) >= count

    until(enough)
    consumer.close()
    return found


def header(message: Any) -> int:
    return int(dict(message.headers)[SEQ_HEADER])


def unpublished(database_url: str) -> int:
    with psycopg.connect(database_url) as connection:
        row = connection.execute("SELECT count(*) FROM pending WHERE published_at IS NULL").fetchone()
    assert row
    return int(row[0])


def in_order(messages: list[Any]) -> bool:
    """Whether each candidate's facts came first in the order of the ledger (again is allowed: at least once)."""
    highest: dict[tuple[int, bytes], int] = {}
    seen: set[int] = set()
    for message in messages:
        seq, place = header(message), (message.partition, message.key)
        if seq not in seen and seq < highest.get(place, 0):
            return False
        seen.add(seq)
        highest[place] = max(seq, highest.get(place, 0))
    return True


async def test_facts_are_published_in_order_per_key_as_cloudevents(database_url: str, kafka: str, tmp_path: Path):
    said = people(0, 300)
    await accept(database_url, said[:200])
    with relay(tmp_path / "relay", database_url, kafka) as running_relay:
        running_relay.until_ready()
        await accept(database_url, said[200:])
        messages = published(kafka, 300)
        until(lambda: unpublished(database_url) == 0)
    assert in_order(messages)
    places = {(message.key, message.partition) for message in messages}
    assert len(places) == len({key for key, _ in places})
    for message, event in zip(sorted(messages, key=header), said, strict=True):
        fact = validate_event(event)
        assert (message.key.decode(), json.loads(message.value)) == (fact.key, event)
        assert sdk_reads(message, fact)


def sdk_reads(message: Any, fact: Fact) -> bool:
    theirs = from_kafka_event(KafkaMessage(dict(message.headers), message.key, message.value))
    return (theirs.get_source(), theirs.get_id(), theirs.get_time()) == (*fact.identity, fact.time)


async def test_of_two_relays_one_publishes_and_the_other_takes_over(
    database_url: str, embedded_kafka: str, tmp_path: Path
):
    with (
        relay(tmp_path / "first", database_url, embedded_kafka) as first,
        relay(tmp_path / "second", database_url, embedded_kafka) as second,
    ):
        first.until_ready()
        second.until_ready()
        await accept(database_url, people(0, 100))
        assert len(published(embedded_kafka, 100)) == 100
        until(lambda: any("publishing" in each.log.read_text() for each in (first, second)))
        leader, other = (first, second) if "publishing" in first.log.read_text() else (second, first)
        assert "publishing" not in other.log.read_text()
        leader.end()
        await accept(database_url, people(100, 200))
        assert in_order(published(embedded_kafka, 200))


async def test_a_broker_that_is_away_is_waited_for(database_url: str, tmp_path: Path):
    broker = EmbeddedBroker(tmp_path)
    await accept(database_url, people(0, 100))
    with relay(tmp_path / "relay", database_url, broker.address) as waiting:
        until(lambda: "trying again" in waiting.log.read_text())
        assert not waiting.is_ready()
        with running(broker.spec(), tmp_path / "logs"):
            assert in_order(published(broker.address, 100))


async def test_a_broker_killed_in_the_middle_comes_back_empty_and_gets_everything(database_url: str, tmp_path: Path):
    broker = EmbeddedBroker(tmp_path)
    with relay(tmp_path / "relay", database_url, broker.address):
        with running(broker.spec(), tmp_path / "logs") as child:
            await accept(database_url, people(0, 500))
            published(broker.address, 1)
            assert child.process
            child.process.kill()
            await accept(database_url, people(500, 1000))
        with running(broker.spec(), tmp_path / "logs"):
            published(broker.address, 1000)


async def test_a_topic_that_holds_its_log_gets_nothing_twice_from_the_next_relay(
    database_url: str, embedded_kafka: str, tmp_path: Path
):
    for rounds in range(3):
        await accept(database_url, people(10 * rounds, 10 * rounds + 10))
        with relay(tmp_path / f"relay{rounds}", database_url, embedded_kafka) as running_relay:
            assert len(published(embedded_kafka, 10 * rounds + 10)) == 10 * rounds + 10
            until(lambda: unpublished(database_url) == 0)
            running_relay.process.send_signal(signal.SIGTERM)
            running_relay.process.wait(10)


async def test_a_log_that_was_read_to_its_end_without_a_fact_gets_it_again(
    database_url: str, embedded_kafka: str, tmp_path: Path
):
    """As after a reader that was set to the log's end, or a retention that passed unread."""
    with relay(tmp_path / "relay", database_url, embedded_kafka):
        await accept(database_url, people(0, 2000))
        assert len(published(embedded_kafka, 2000)) == 2000
        until(lambda: unpublished(database_url) == 0)
        say_it_is_read(database_url, embedded_kafka)
        until(lambda: sum(facts_ends(embedded_kafka).values()) >= 4000)


async def test_a_worker_that_is_behind_gets_nothing_twice(database_url: str, embedded_kafka: str, tmp_path: Path):
    with relay(tmp_path / "relay", database_url, embedded_kafka):
        await accept(database_url, people(0, 100))
        published(embedded_kafka, 100)
        until(lambda: unpublished(database_url) == 0)
        age(database_url)
        time.sleep(STALE + 2)
        await accept(database_url, people(100, 101))
        assert len(published(embedded_kafka, 101)) == 101


def say_it_is_read(database_url: str, kafka: str) -> None:
    log = facts_log(kafka)
    with psycopg.connect(database_url) as connection:
        for partition, end in facts_ends(kafka).items():
            row = (log.cluster, log.topic, log.topic_id, partition, end)
            connection.execute("INSERT INTO positions VALUES (%s, %s, %s, %s, %s)", row)


def age(database_url: str) -> None:
    """Let what was published have been published long ago."""
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE pending SET published_at = published_at - interval '1 hour'")


async def test_another_relay_takes_over_from_one_that_stands_still_which_then_does_no_harm(
    database_url: str, embedded_kafka: str, tmp_path: Path
):
    with relay(tmp_path / "first", database_url, embedded_kafka) as first:
        until(lambda: "publishing" in first.log.read_text())
        with relay(tmp_path / "second", database_url, embedded_kafka) as second:
            second.until_ready()
            silence(first.process.pid)
            await accept(database_url, people(0, 100))
            assert in_order(published(embedded_kafka, 100))
            first.process.send_signal(signal.SIGCONT)
            until(lambda: "standing by" in first.log.read_text())
            await accept(database_url, people(100, 200))
            assert in_order(published(embedded_kafka, 200))
            until(lambda: unpublished(database_url) == 0)


async def test_a_relay_that_stops_in_order_hands_over_at_once(database_url: str, embedded_kafka: str, tmp_path: Path):
    with relay(tmp_path / "first", database_url, embedded_kafka) as first:
        until(lambda: "publishing" in first.log.read_text())
        with relay(tmp_path / "second", database_url, embedded_kafka) as second:
            second.until_ready()
            first.process.send_signal(signal.SIGTERM)
            until(lambda: "publishing" in second.log.read_text(), 5)
        assert first.process.wait(30) == 0


async def test_a_fact_that_kafka_never_takes_is_set_aside_and_the_others_go_on(
    database_url: str, apache_kafka: str, tmp_path: Path
):
    """The topic's limit is lowered behind the relay's back, so that Kafka itself refuses."""
    empty_topics(apache_kafka)
    with relay(tmp_path / "relay", database_url, apache_kafka) as running_relay:
        until(lambda: "publishing" in running_relay.log.read_text())
        with smaller_records(apache_kafka, 20_000):
            large = signed_up("large", id="large", name="李")
            large["note"] = "x" * 30_000
            await accept(database_url, [*people(0, 20), large, *people(20, 40)])
            messages = published(apache_kafka, 40)
            until(lambda: unpublished(database_url) == 0)
    assert not [message for message in messages if b"large" in message.value]
    with psycopg.connect(database_url) as connection:
        (letter,) = connection.execute("SELECT value, reason FROM dead_letters").fetchall()
        assert connection.execute("SELECT count(*) FROM facts WHERE id = 'large'").fetchone() == (0,)
    assert json.loads(letter[0])["id"] == "large"
    assert "MessageSizeTooLarge" in letter[1]


@contextmanager
def smaller_records(kafka: str, size: int) -> Iterator[None]:
    with kafka_admin(kafka) as admin:
        alter(admin, size)
        yield
        alter(admin, FACT_BYTES)


def alter(admin: Any, size: int) -> None:
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, FACTS, {"max.message.bytes": str(size)})])


async def test_memory_is_bounded_by_bytes_not_rows(database_url: str):
    large = [signed_up(f"c{n}", id=f"l{n}", name="李") for n in range(20)]
    for event in large:
        event["note"] = "x" * 900_000
    await accept(database_url, large)
    with connect_sync(database_url, name="test") as connection:
        outbox = Outbox(connection)
        portions = 0
        while portion := outbox.next(rows=2000, size=4_000_000):
            assert sum(len(fact.event) for fact in portion) < 5_000_000
            seqs = [fact.seq for fact in portion]
            connection.execute("UPDATE pending SET published_at = now() WHERE seq = ANY(%s)", [seqs])
            portions += 1
    assert portions == 4
