"""The bulk client on real brokers: what it says is delivered lies on Kafka; what is not, it names."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_kafka_event
from kafka import KafkaConsumer

import producers.kafka
from producers import client
from producers.client import BulkPoster
from producers.kafka import KafkaRecord, Producer
from schemas.errors import BrokerUnavailable, ConfigurationError, InvalidFact
from schemas.facts import validate_event
from schemas.sealed import SEALED
from schemas.topics import FACTS
from storage.vault.entry import EntryOpener, public_of
from tests.facts import event, signed_up
from tests.platform import silence, until
from tests.strategies import Event
from yinfeng.children import running
from yinfeng.embedded.broker import EmbeddedBroker


def people(count: int) -> list[Event]:
    return [signed_up(f"c{number % 13}", id=f"e{number}", name=f"李 {number}") for number in range(count)]


def lying_there(kafka: str, count: int) -> list[Any]:
    consumer = KafkaConsumer(FACTS, bootstrap_servers=kafka, auto_offset_reset="earliest", enable_auto_commit=False)
    found: list[Any] = []

    def enough() -> bool:
        for messages in consumer.poll(timeout_ms=200).values():
            found.extend(messages)
        return len(found) >= count

    until(enough)
    consumer.close()
    return found


def test_all_of_it_lies_on_kafka_in_order_per_candidate(kafka: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(client, "BATCH", 200)
    said = people(1000)
    with BulkPoster(kafka) as poster:
        assert poster.post(said) == 1000
        assert poster.post([]) == 0
    found = lying_there(kafka, 1000)
    assert len(found) == 1000
    by_key: dict[str, list[Event]] = {}
    for message in found:
        by_key.setdefault(message.key.decode(), []).append(json.loads(message.value))
    expected: dict[str, list[Event]] = {}
    for each in said:
        expected.setdefault(validate_event(each).key, []).append(each)
    assert by_key == expected
    theirs = from_kafka_event(KafkaMessage(dict(found[0].headers), found[0].key, found[0].value))
    assert theirs.get_type() == "candidate.signed_up"


def test_what_is_sealed_before_it_is_sent_lies_nowhere_on_kafka(kafka: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(client, "BATCH", 20)
    private = os.urandom(32)
    key = public_of(private)
    with BulkPoster(kafka, seal_with=str(key)) as poster:
        assert poster.post(people(50)) == 50
        assert poster.post([event("candidate.checked_in", candidate="c1", fair="f1")]) == 1  # has nothing to seal
        with pytest.raises(InvalidFact, match="once it is sealed"):
            poster.post([signed_up("c1") | {"comexample": "x" * 800_000}])
    found = lying_there(kafka, 51)
    assert "李".encode() not in b"".join(message.value for message in found)
    opener = EntryOpener({key.id: private})
    told = [json.loads(message.value) for message in found]
    opened = [opener.open(each) if SEALED in each else each for each in told]
    assert sorted(each["data"]["name"] for each in opened if "name" in each["data"]) == sorted(
        each["data"]["name"] for each in people(50)
    )


def test_what_is_no_key_is_said_before_anything_is_sent():
    with pytest.raises(ConfigurationError, match="no key to seal with"):
        BulkPoster("nowhere:1", seal_with="yfk1.x.y")


def test_what_is_no_fact_is_refused_before_it_is_sent(embedded_kafka: str):
    with BulkPoster(embedded_kafka) as poster:
        with pytest.raises(InvalidFact, match=r"data\.emial"):
            poster.post([signed_up("c1"), signed_up("c2", emial="x")])
        assert poster.post([signed_up("c3", id="last")]) == 1
    assert [json.loads(message.value)["id"] for message in lying_there(embedded_kafka, 1)] == ["last"]


def test_nobody_there_is_said_at_once(tmp_path: Path):
    with pytest.raises(BrokerUnavailable, match="nobody listens"):
        BulkPoster(EmbeddedBroker(tmp_path).address)


# In a process of its own: kafka-python leaves the sockets of refused connections open.
_POSTER = """
import json, os, signal, sys
from producers import client, kafka
from schemas.errors import DeliveryFailed

kafka.DELIVERY_TIMEOUT, client.BATCH = 8.0, 100

def events():
    for number, line in enumerate(sys.stdin):
        if number == 450:
            os.kill(int(sys.argv[2]), signal.SIGKILL)
        yield json.loads(line)

try:
    with client.BulkPoster(sys.argv[1]) as poster:
        poster.post(events())
except DeliveryFailed as error:
    print(json.dumps([str(error), error.failed]))
"""


@pytest.mark.timeout(30)
def test_a_broker_that_stands_still_is_waited_for_once_not_once_a_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(producers.kafka, "DELIVERY_TIMEOUT", 1.0)
    broker = EmbeddedBroker(tmp_path)
    with running(broker.spec(), tmp_path / "logs") as child:
        assert child.pid
        producer = Producer(broker.address, name="test")
        silence(child.pid)
        outcomes = producer.deliver("never.asked.for", [KafkaRecord("a", b"b")] * 100)
        os.kill(child.pid, signal.SIGCONT)
        producer.close()
    assert len(outcomes) == 100
    assert all(outcome.error and not outcome.for_good for outcome in outcomes)


@pytest.mark.timeout(30)
def test_who_closes_a_producer_gives_up_what_it_holds(tmp_path: Path):
    broker = EmbeddedBroker(tmp_path)
    with running(broker.spec(), tmp_path / "logs") as child, ThreadPoolExecutor() as pool:
        assert child.pid
        producer = Producer(broker.address, name="test")
        assert producer.deliver(FACTS, [KafkaRecord("a", b"b")])[0].error is None
        silence(child.pid)
        late = pool.submit(producer.deliver, FACTS, [KafkaRecord("a", b"b")] * 3)
        time.sleep(0.5)
        producer.close()
        outcomes = late.result(20)  # while the broker is still silent: afterwards it may answer in time
        os.kill(child.pid, signal.SIGCONT)
        assert all(outcome.error and not outcome.for_good for outcome in outcomes)


def test_a_broker_killed_in_the_middle_is_told_with_every_event_that_is_not_there(tmp_path: Path):
    broker, said = EmbeddedBroker(tmp_path), people(1000)
    with running(broker.spec(), tmp_path / "logs") as child:
        assert child.pid
        done = subprocess.run(
            [sys.executable, "-c", _POSTER, broker.address, str(child.pid)],
            input="\n".join(map(json.dumps, said)),
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    message, failed = json.loads(done.stdout)
    assert "100 events were not delivered" in message
    # The fifth batch was on its way: none of it can be there.
    assert [event["id"] for event, _ in failed] == [event["id"] for event in said[400:500]]
    assert all(reason for _, reason in failed)
