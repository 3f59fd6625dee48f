"""Apache Kafka itself, where Java and Maven are: our topics and clients on it, through a crash."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka import KafkaConsumer, KafkaProducer

from schemas.errors import ConfigurationError
from schemas.topics import FACTS
from tests.kafka.apache_kafka import ApacheKafka, start, why_not
from yinfeng.kafka_admin import create_topics
from yinfeng.lag import facts_lag

CACHE = Path(__file__).parents[2] / ".cache" / "kafka"


@pytest.fixture
def broker() -> Iterator[ApacheKafka]:
    if reason := why_not():
        pytest.skip(reason)
    try:
        broker = start(CACHE, "crash-test")
    except ConfigurationError as error:
        pytest.skip(f"Apache Kafka could not be fetched: {error}")
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
