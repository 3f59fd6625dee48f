"""What servers promise, read from their settings and said in words."""

from __future__ import annotations

from dataclasses import replace

import psycopg
import pytest

from yinfeng.durability import (
    Database,
    ReplicatedTopic,
    read_database,
    read_topic,
    what_202_is_worth,
    what_kafka_is_worth,
)

SAFE = Database("on", "on", "on", "")


@pytest.mark.parametrize(
    ("database", "words"),
    [
        (SAFE, ["on this server's disk. If"]),
        (replace(SAFE, fsync="off"), ["WARNING: fsync", "A 202"]),
        (replace(SAFE, full_page_writes="off"), ["WARNING: fsync or full_page_writes", "A 202"]),
        (replace(SAFE, synchronous_commit="off"), ["WARNING: synchronous_commit is off"]),
        (replace(SAFE, synchronous_standby_names="*"), ["no standby takes part"]),
        (replace(SAFE, synchronous_standby_names="*", standbys=1), ["and at 1 standby"]),
        (replace(SAFE, synchronous_standby_names="*", standbys=1, synchronous_commit="local"), ["disk alone"]),
    ],
)
def test_what_an_accepted_fact_is_worth(database: Database, words: list[str]):
    said = what_202_is_worth(database)
    assert len(said) == len(words)
    assert all(word in line for word, line in zip(words, said, strict=True))


@pytest.mark.parametrize(
    ("topic", "word"),
    [
        (ReplicatedTopic(1, 1), "lies on one broker"),
        (ReplicatedTopic(3, 1), "WARNING: Kafka keeps 3 copies"),
        (ReplicatedTopic(3, 2), "once 2 of 3 brokers"),
    ],
)
def test_what_an_acknowledged_one_is_worth(topic: ReplicatedTopic, word: str):
    (said,) = what_kafka_is_worth(topic)
    assert word in said


def test_the_settings_are_those_of_our_own_session(database_url: str):
    assert read_database(database_url) == SAFE
    with psycopg.connect(database_url, autocommit=True) as connection:
        name = connection.info.dbname
        connection.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
    assert read_database(database_url).synchronous_commit == "off"


def test_the_topic_is_read_from_either_broker(kafka: str):
    assert read_topic(kafka) == ReplicatedTopic(1, 1)
