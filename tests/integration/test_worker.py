"""A real `yinfeng worker` on both brokers: facts in both forms, what is no fact, progress told, an outage survived."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
from kafka import KafkaConsumer, KafkaProducer

from producers.client import BulkPoster
from schemas.topics import DEAD_LETTERS, FACTS, MESSAGES, PROGRESS
from tests.facts import hired, signed_up, target
from tests.facts import opened as opened_campaign
from tests.opened import opened
from tests.platform import until
from tests.processes import Part, part
from tests.strategies import Event

GARBAGE = [b"\xff\x00garbage", b"{}", json.dumps(hired("c1", emplyer="x")).encode()]


def worker(folder: Path, database_url: str, kafka: str) -> AbstractContextManager[Part]:
    small = {"YINFENG_BATCH_SIZE": "100", "YINFENG_GROUP_SESSION_TIMEOUT": "2"}
    return part(folder, "worker", database_url=database_url, kafka=kafka, **small)


def rows(database_url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(database_url) as connection:
        return connection.execute(query).fetchall()


def progress(database_url: str) -> int:
    return sum(int(number) for (number,) in rows(database_url, "SELECT progress FROM targets"))


def post_in_binary_form(kafka: str, events: list[Event]) -> None:
    producer = KafkaProducer(bootstrap_servers=kafka)
    for event in events:
        attributes = {name: value for name, value in event.items() if name not in ("data", "datacontenttype")}
        headers = [(f"ce_{name}", value.encode()) for name, value in attributes.items()]
        producer.send(
            FACTS, json.dumps(event["data"]).encode(), headers=[*headers, ("content-type", b"application/json")]
        )
    producer.flush()
    producer.close()


def post_raw(kafka: str, values: list[bytes]) -> list[tuple[int, int]]:
    """Where each lies: (partition, offset)."""
    producer = KafkaProducer(bootstrap_servers=kafka)
    placed = [producer.send(FACTS, value, key=b"k").get(timeout=30) for value in values]
    producer.close()
    return [(each.partition, each.offset) for each in placed]


def told(kafka: str, topic: str, enough: Callable[[list[Any]], bool]) -> list[Any]:
    """The messages of a topic, once there are enough."""
    consumer = KafkaConsumer(topic, bootstrap_servers=kafka, auto_offset_reset="earliest", enable_auto_commit=False)
    found: list[Any] = []

    def look() -> bool:
        for messages in consumer.poll(timeout_ms=200).values():
            found.extend(messages)
        return enough(found)

    until(look)
    consumer.close()
    return found


def test_facts_in_both_forms_are_applied_and_told_and_garbage_is_set_aside(
    tmp_path: Path, database_url: str, kafka: str
):
    with worker(tmp_path / "worker", database_url, kafka) as running:
        running.until_ready()
        places = post_raw(kafka, GARBAGE)
        with BulkPoster(kafka) as poster:
            poster.post([opened_campaign(), target("t", goal=4), signed_up("c1"), hired("c1"), hired("c2")])
        post_in_binary_form(kafka, [hired("c3"), hired("c4")])
        until(lambda: progress(database_url) == 4)
        query = 'SELECT topic, partition, "offset", value, reason FROM dead_letters ORDER BY id'
        letters = asyncio.run(opened(database_url, query))
        assert [letter[:4] for letter in letters] == [
            (FACTS, *place, value) for place, value in zip(places, GARBAGE, strict=True)
        ]
        reasons = [letter[4] for letter in letters]
        assert "is not JSON" in reasons[0]
        assert "source: is required" in reasons[1]
        assert "data.emplyer: unknown key; did you mean 'employer'?" in reasons[2]
        buried = told(kafka, DEAD_LETTERS, lambda found: len(found) >= len(GARBAGE))
        assert [dict(message.headers)["offset"].decode() for message in buried] == [str(o) for _, o in places]
        assert not [message for message in buried if message.value in GARBAGE]
        events = [json.loads(message.value) for message in told(kafka, PROGRESS, has_reached_its_goal)]
        asked = told(kafka, MESSAGES, lambda found: len(ids_in(found)) >= 7)
    last = [event for event in events if event["type"] == "target.progressed"][-1]
    assert (last["data"]["target"], last["data"]["progress"], last["specversion"]) == ("t", 4, "1.0")
    assert set(ids_in(asked)) == {id for (id,) in rows(database_url, "SELECT id FROM messages")}


def has_reached_its_goal(messages: list[Any]) -> bool:
    """As both kinds of event say: which comes first is not promised."""
    events = [json.loads(message.value) for message in messages]
    reached = any(e["type"] == "target.milestone_reached" and e["data"]["percent"] == 100 for e in events)
    return reached and any(e["type"] == "target.progressed" and e["data"]["progress"] == 4 for e in events)


def ids_in(messages: list[Any]) -> list[int]:
    return [id for message in messages for id in json.loads(message.value)["ids"]]


class Line:
    """A TCP line to Postgres' socket that can be cut: what is open is closed, and nothing new gets through."""

    def __init__(self, socket_path: str) -> None:
        self._path, self._open, self._lock = socket_path, True, threading.Lock()
        self._pairs: list[socket.socket] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        with self._lock:
            self._open = False
            for each in self._pairs:
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        self._open = True

    def close(self) -> None:
        self.cut()
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._server.accept()
                threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near: socket.socket) -> None:
        with near, socket.socket(socket.AF_UNIX) as far:
            with self._lock:
                if not self._open:
                    return
                far.connect(self._path)
                self._pairs += [near, far]
            back = threading.Thread(target=self._pump, args=(far, near), daemon=True)
            back.start()
            self._pump(near, far)
            back.join()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        for each in (source, sink):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def line(database_url: str) -> Iterator[tuple[Line, str]]:
    """A line to the database, and the URL over it."""
    parts = urlsplit(database_url)
    folder = parse_qs(parts.query)["host"][0]
    made = Line(next(str(path) for path in Path(folder).glob(".s.PGSQL.*") if path.is_socket()))
    yield made, parts._replace(netloc=f"{parts.username}@127.0.0.1:{made.port}", query="").geturl()
    made.close()


def test_a_database_that_is_away_is_waited_for_and_nothing_is_lost(
    tmp_path: Path, database_url: str, embedded_kafka: str, line: tuple[Line, str]
):
    wire, url = line
    with worker(tmp_path / "worker", url, embedded_kafka) as running, BulkPoster(embedded_kafka) as poster:
        running.until_ready()
        poster.post([opened_campaign(), target("t"), *people(0, 100)])
        until(lambda: progress(database_url) == 100)
        wire.cut()
        poster.post(people(100, 300))
        until(lambda: "trying again" in running.log.read_text())
        assert progress(database_url) == 100
        wire.mend()
        until(lambda: progress(database_url) == 300)
        assert running.process.poll() is None
    assert rows(database_url, "SELECT count(*) FROM facts") == [(302,)]
    assert rows(database_url, "SELECT count(*) FROM dead_letters") == [(0,)]


def people(start: int, end: int) -> list[Event]:
    return [hired(f"c{number}") for number in range(start, end)]


def test_what_a_crash_of_postgres_undid_is_applied_again_though_no_fact_follows(
    tmp_path: Path, database_url: str, kafka: str
):
    with worker(tmp_path / "worker", database_url, kafka) as running, BulkPoster(kafka) as poster:
        running.until_ready()
        poster.post([opened_campaign(), target("t"), hired("c1")])
        until(lambda: progress(database_url) == 1)
        before = rows(database_url, "SELECT partition, next_offset FROM positions")
        poster.post([hired("c2")])
        until(lambda: progress(database_url) == 2)
        with psycopg.connect(database_url) as connection:  # as a transaction that was not on the disk is undone
            connection.execute("DELETE FROM facts WHERE candidate = 'c2'")
            connection.execute("DELETE FROM journeys WHERE candidate = 'c2'")
            connection.execute("UPDATE targets SET progress = 1")
            for partition, offset in before:
                connection.execute("UPDATE positions SET next_offset = %s WHERE partition = %s", [offset, partition])
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND application_name = 'yinfeng-worker'"
            )
        until(lambda: progress(database_url) == 2, 20)


def test_a_killed_worker_leaves_nothing_half_done(tmp_path: Path, database_url: str, embedded_kafka: str):
    with BulkPoster(embedded_kafka) as poster:
        poster.post([opened_campaign(), target("t"), *people(0, 3000)])
    with worker(tmp_path / "first", database_url, embedded_kafka) as first:
        until(lambda: progress(database_url) > 0)
        first.process.send_signal(signal.SIGKILL)
    with worker(tmp_path / "second", database_url, embedded_kafka):
        until(lambda: progress(database_url) == 3000)
    assert rows(database_url, "SELECT count(*) FROM facts") == [(3002,)]
    assert rows(database_url, "SELECT count(*) FROM journeys") == [(3000,)]
