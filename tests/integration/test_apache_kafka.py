"""Apache Kafka itself, where Java and Maven are: our topics and clients on it, through a crash."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka import KafkaConsumer, KafkaProducer
from kafka.admin import NewTopic

from schemas.errors import ConfigurationError
from schemas.topics import FACTS, TOPICS
from tests.e2e.test_nothing_left import found_under
from tests.facts import signed_up
from tests.kafka.apache_kafka import ApacheKafka, start, why_not
from yinfeng.kafka_admin import create_topics, kafka_admin
from yinfeng.lag import facts_lag

PERSON = "欧阳清澜Zephyrine"
DAY = 86_400  # what a millisecond of the test stands for, in milliseconds
SLOW = 6.0  # seconds that a busy machine may be late
CACHE = Path(__file__).parents[2] / ".cache" / "kafka"


OFTEN = "log.retention.check.interval.ms=300\nlog.initial.task.delay.ms=300\n"  # else each 5 minutes


def running(name: str, more: str = "") -> ApacheKafka:
    if reason := why_not():
        pytest.skip(reason)
    try:
        return start(CACHE, name, more=more)
    except ConfigurationError as error:
        pytest.skip(f"Apache Kafka could not be fetched: {error}")


@pytest.fixture
def broker() -> Iterator[ApacheKafka]:
    broker = running("crash-test")
    yield broker
    broker.stop()


@pytest.fixture
def forgetful() -> Iterator[ApacheKafka]:
    """One that looks often what is over."""
    broker = running("retention-test", OFTEN)
    yield broker
    broker.stop()


@pytest.mark.slow
def test_facts_outlive_a_crash_and_topics_may_be_made_again(broker: ApacheKafka):
    create_topics(broker.address)
    producer = KafkaProducer(bootstrap_servers=broker.address, acks="all")
    sent = {b"%d" % number for number in range(100)}
    for value in sent:
        producer.send(FACTS, value, key=value)
    producer.close()
    address = broker.address
    broker.kill()
    broker.restart()
    assert broker.address == address
    create_topics(broker.address)
    consumer = KafkaConsumer(FACTS, bootstrap_servers=broker.address, auto_offset_reset="earliest")
    assert {next(consumer).value for _ in sent} == sent
    consumer.close()
    assert facts_lag(broker.address) == 100


@pytest.mark.slow
def test_what_was_posted_in_the_clear_leaves_the_disk_within_eight_days_though_more_comes(forgetful: ApacheKafka):
    """With the topic's own settings, a day taken for a second."""
    settings = {name: value for name, value in TOPICS[FACTS][1].items() if not name.endswith(".ms")}
    for name in ("retention.ms", "segment.ms"):
        settings[name] = str(int(TOPICS[FACTS][1][name]) // DAY)
    with kafka_admin(forgetful.address) as admin:
        admin.create_topics([NewTopic(FACTS, 1, topic_configs={**settings, "file.delete.delay.ms": "0"})])
        admin.wait_for_topics([FACTS])
    producer = KafkaProducer(bootstrap_servers=forgetful.address, acks="all")

    def post(candidate: str, name: str) -> None:
        said = json.dumps(signed_up(candidate, name=name), ensure_ascii=False).encode()
        producer.send(FACTS, said, key=b"grads-2026/c1").get(10)

    post("c1", PERSON)
    posted = time.monotonic()
    assert found_under(forgetful.folder / "data", [PERSON])
    while found_under(forgetful.folder / "data", [PERSON]) and time.monotonic() - posted < 40:
        post("c2", "Somebody else")
        time.sleep(0.2)
    took = time.monotonic() - posted
    producer.close()
    assert found_under(forgetful.folder / "data", ["Somebody else"])
    assert 7 <= took < 8 + SLOW
