"""Where the embedded servers live, and when a dead child is started again."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import psycopg
import pytest
from kafka import KafkaConsumer, KafkaProducer

from schemas.errors import BrokerUnavailable, ConfigurationError, Unavailable
from schemas.topics import FACTS, FACTS_GROUP, PROGRESS
from yinfeng import log_files
from yinfeng.child_spec import ChildSpec
from yinfeng.children import Child, running
from yinfeng.embedded import broker as embedded_broker
from yinfeng.embedded.broker import SHAPE, EmbeddedBroker
from yinfeng.embedded.postgres import SOCKET_PATH_LIMIT, EmbeddedPostgres
from yinfeng.home import hold, web_port
from yinfeng.kafka_admin import create_topics, kafka_admin
from yinfeng.lag import facts_lag
from yinfeng.supervisor import next_delay


@pytest.mark.parametrize(
    ("delay", "alive", "expected"),
    [
        (0, 0, 0.5),
        (0.5, 1, 1),
        (1, 59, 2),
        (2, 1, 4),
        (4, 1, 4),
        (4, 60, 0.5),
    ],
)
def test_the_wait_before_a_restart_doubles_and_is_forgiven_after_a_minute(delay, alive, expected):
    assert next_delay(delay, alive) == expected


def test_a_home_too_deep_for_a_socket_gets_a_private_folder_elsewhere(tmp_path: Path):
    home = tmp_path / ("深" * 30)
    home.mkdir()
    server = EmbeddedPostgres(home, lambda text: None)
    assert len(os.fsencode(server.sockets / ".s.PGSQL.5432")) <= SOCKET_PATH_LIMIT
    with running(server.spec(), home / "logs"):
        assert server.sockets.stat().st_mode & 0o777 == 0o700
        with psycopg.connect(server.url) as connection:
            assert connection.execute("SHOW server_encoding").fetchone() == ("UTF8",)
    assert not server.sockets.exists()


def test_a_socket_folder_that_others_can_read_is_refused(tmp_path: Path):
    home = tmp_path / ("x" * 100)
    home.mkdir()
    server = EmbeddedPostgres(home, lambda text: None)
    server.sockets.mkdir(mode=0o755)
    try:
        with pytest.raises(ConfigurationError, match="private folder"):
            server.prepare()
    finally:
        server.sockets.rmdir()


def test_the_broker_keeps_its_port_and_takes_another_when_it_is_taken(tmp_path: Path):
    port = EmbeddedBroker(tmp_path).port
    assert EmbeddedBroker(tmp_path).port == port
    with socket.create_server(("127.0.0.1", port)):
        assert EmbeddedBroker(tmp_path).port != port


def consume(address: str, count: int) -> None:
    consumer = KafkaConsumer(
        FACTS,
        bootstrap_servers=address,
        group_id=FACTS_GROUP,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        session_timeout_ms=2000,
        heartbeat_interval_ms=500,
        max_poll_interval_ms=2000,
    )
    for _ in range(count):
        next(consumer)
    consumer.commit()
    consumer.close()


def test_a_broker_is_spent_only_when_it_holds_much_and_all_of_it_is_read(tmp_path, monkeypatch):
    broker = EmbeddedBroker(tmp_path)
    with running(broker.spec(), tmp_path / "logs") as child:
        assert child.pid
        assert broker.is_spent(child.pid) is None
        monkeypatch.setattr(embedded_broker, "MEMORY_LIMIT", 0)
        assert broker.is_spent(child.pid) is None  # something may just have come
        assert "MB of facts" in (broker.is_spent(child.pid) or "")
        producer = KafkaProducer(bootstrap_servers=broker.address)
        for number in range(20):
            producer.send(FACTS, b"fact", key=b"%d" % number)
        producer.close()
        assert facts_lag(broker.address) == 20
        assert broker.is_spent(child.pid) is None
        consume(broker.address, 20)
        assert facts_lag(broker.address) == 0
        assert "MB of facts" in (broker.is_spent(child.pid) or "")


def test_a_broker_to_which_facts_come_is_left_alone_until_it_holds_too_much(tmp_path, monkeypatch):
    monkeypatch.setattr(embedded_broker, "MEMORY_LIMIT", 0)
    broker = EmbeddedBroker(tmp_path)
    with running(broker.spec(), tmp_path / "logs") as child:
        assert child.pid
        for number in range(3):
            producer = KafkaProducer(bootstrap_servers=broker.address)
            producer.send(FACTS, b"fact", key=b"%d" % number)
            producer.close()
            consume(broker.address, 1)
            if number == 2:
                monkeypatch.setattr(embedded_broker, "MOST_MEMORY", 0)
            assert bool(broker.is_spent(child.pid)) is (number == 2)


@pytest.mark.parametrize("ask", [facts_lag, create_topics])
def test_a_broker_that_is_down_is_unavailable(ask, tmp_path: Path):
    address = EmbeddedBroker(tmp_path).address
    with pytest.raises(BrokerUnavailable, match="nobody listens"):
        ask(f"{address},{address}")


def test_topics_made_by_a_quicker_client_are_made_anew(tmp_path: Path):
    broker = EmbeddedBroker(tmp_path)
    hasty = ChildSpec(
        name="broker",
        command=broker.spec().command,
        env=broker.spec().env,
        # Asking for a topic's metadata makes it, with Tansu's own number of partitions.
        is_ready=lambda: asked(broker.address, PROGRESS),
    )
    with running(hasty, tmp_path / "logs"):
        assert not has_our_shape(broker.address)
        assert broker.is_ready()
        assert has_our_shape(broker.address)
        assert broker.is_ready()


def test_what_a_quicker_client_posts_can_be_read(tmp_path: Path):
    """It knows the topic as Tansu made it, for as long as it does not ask again."""
    broker = EmbeddedBroker(tmp_path)
    hasty = ChildSpec(
        name="broker", command=broker.spec().command, env=broker.spec().env, is_ready=lambda: asked(broker.address)
    )
    with running(hasty, tmp_path / "logs"):
        producer = KafkaProducer(bootstrap_servers=broker.address, enable_idempotence=False)
        producer.partitions_for(FACTS)
        assert broker.is_ready()
        for sent in [producer.send(FACTS, b"fact", key=b"%d" % number) for number in range(40)]:
            sent.get(10)
        producer.close()
        assert facts_lag(broker.address) == 40


def has_our_shape(address: str) -> bool:
    with kafka_admin(address) as admin:
        return all(len(topic["partitions"]) == SHAPE[topic["name"]][0] for topic in admin.describe_topics(None))


def asked(address: str, topic: str = FACTS) -> bool:
    host, _, port = address.partition(":")
    try:
        socket.create_connection((host, int(port))).close()
    except OSError:
        return False
    producer = KafkaProducer(bootstrap_servers=address)
    partitions = producer.partitions_for(topic)
    producer.close()
    return bool(partitions)


def test_a_home_is_held_by_one_only(tmp_path: Path):
    with hold(tmp_path), pytest.raises(ConfigurationError, match="already runs"), hold(tmp_path):
        pass
    with hold(tmp_path):
        pass


def test_an_address_that_is_not_ours_is_named():
    with pytest.raises(ConfigurationError, match=r"203\.0\.113\.1:8000"):
        web_port("203.0.113.1", 8000)


def spec(script: str) -> ChildSpec:
    return ChildSpec(name="part", command=("/bin/sh", "-c", script), env={}, is_ready=lambda: False)


def test_a_child_that_dies_at_once_is_reported_with_its_log(tmp_path: Path):
    with (
        pytest.raises(Unavailable, match="no such file"),
        running(spec("echo no such file; exit 1"), tmp_path),
    ):
        pass


def test_a_command_that_does_not_exist_is_a_wrong_configuration(tmp_path: Path):
    missing = ChildSpec(name="part", command=("/nowhere/part",), env={}, is_ready=lambda: False)
    with pytest.raises(ConfigurationError, match="part can't be started"):
        Child(missing, tmp_path).start()


def test_a_log_over_the_limit_is_kept_once_beside_the_new_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(log_files, "LOG_LIMIT", 10)
    log = tmp_path / "part.log"
    log.write_text("x" * 11)
    child = Child(spec("echo new"), tmp_path)
    child.start()
    assert child.process
    child.process.wait()
    assert log.read_text() == "new\n"
    assert (tmp_path / "part.log.1").read_text() == "x" * 11
