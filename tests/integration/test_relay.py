"""The relay on a real Postgres and real brokers: everything, in order, whoever is away for a while."""

from __future__ import annotations

import json
import threading
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_kafka_event
from kafka import KafkaConsumer

import producers.relay as relay_module
from schemas.facts import Fact, validate_event
from schemas.topics import FACTS, SEQ_HEADER
from storage import ledger
from storage.database import connect
from tests.facts import signed_up
from tests.platform import until
from tests.processes import Part, part
from tests.strategies import Event
from yinfeng.children import running
from yinfeng.embedded.broker import EmbeddedBroker


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


async def test_what_nobody_applied_is_published_again_by_the_next_relay(
    database_url: str, embedded_kafka: str, tmp_path: Path
):
    await accept(database_url, people(0, 10))
    for rounds in (1, 2):
        with relay(tmp_path / f"relay{rounds}", database_url, embedded_kafka):
            until(lambda n=rounds: len(published(embedded_kafka, 10)) == 10 * n)


async def test_while_no_worker_is_there_a_few_are_published_again_from_time_to_time(
    database_url: str, embedded_kafka: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(relay_module, "SWEEP", 10)
    now, stop = [0.0], threading.Event()
    relay = relay_module.Relay(database_url, embedded_kafka, stop=stop, ready=lambda: None, clock=lambda: now[0])
    thread = threading.Thread(target=relay.run)
    thread.start()
    try:
        for sweeps in range(3):
            await accept(database_url, people(100 * sweeps, 100 * sweeps + 100))
            messages = published(embedded_kafka, 100 * sweeps + 100)
            assert len(messages) == 100 * (sweeps + 1) + 10 * sweeps
            until(lambda: unpublished(database_url) == 0)
            age(database_url)
            now[0] += relay_module.STALE
            until(lambda n=sweeps: len(published(embedded_kafka, 100 * n + 100)) == 110 * (n + 1))
    finally:
        stop.set()
        thread.join()
    seqs = [header(message) for message in published(embedded_kafka, 300)]
    assert sorted(seq for seq in set(seqs) if seqs.count(seq) > 1) == sorted(set(seqs))[:10]


def age(database_url: str) -> None:
    """Let what was published have been published long ago."""
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE pending SET published_at = published_at - interval '1 hour'")
