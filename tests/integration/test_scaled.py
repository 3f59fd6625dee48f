"""Two workers side by side on Apache Kafka: they share the partitions, and one inherits from the other."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from producers.client import BulkPoster
from schemas.topics import FACTS, FACTS_GROUP, TOPICS
from tests.facts import hired, opened, signed_up, target
from tests.platform import until
from yinfeng.kafka_admin import kafka_admin

Start = Callable[[str], subprocess.Popen[bytes]]


@pytest.fixture
def start_worker(tmp_path: Path, database_url: str, kafka: str) -> Iterator[Start]:
    """Starts `yinfeng worker` processes, and kills what is left of them."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(name: str) -> subprocess.Popen[bytes]:
        ready = tmp_path / f"{name}.ready"
        env = {
            **os.environ,
            "YINFENG_HOME": str(tmp_path / name),
            "YINFENG_DATABASE_URL": database_url,
            "YINFENG_KAFKA": kafka,
            "YINFENG_READY_FILE": str(ready),
        }
        with (tmp_path / f"{name}.log").open("wb") as log:
            command = [sys.executable, "-m", "yinfeng", "worker"]
            process = subprocess.Popen(command, env=env, stdout=log, stderr=subprocess.STDOUT)
        started.append(process)
        until(lambda: ready.exists() or process.poll() is not None)
        assert process.poll() is None, (tmp_path / f"{name}.log").read_text()
        return process

    yield begin
    for process in started:
        process.kill()
        process.wait()


@pytest.mark.slow
@pytest.mark.parametrize("kafka", ["apache"], indirect=True)
def test_two_workers_share_the_partitions_and_one_inherits_from_the_other(
    start_worker: Start, database_url: str, kafka: str
):
    start_worker("first")
    second = start_worker("second")
    until(lambda: _shares(kafka) == [TOPICS[FACTS][0] // 2] * 2)
    _post(kafka, [opened(), target("hires"), *_hires(0, 300)])
    until(lambda: _progress(database_url) == 300)
    second.kill()
    _post(kafka, _hires(300, 600))
    until(lambda: _progress(database_url) == 600)
    until(lambda: _shares(kafka) == [TOPICS[FACTS][0]])
    assert _rows(database_url, "SELECT count(*) FROM facts") == [(2 + 2 * 600,)]
    assert _rows(database_url, "SELECT count(*) FROM dead_letters") == [(0,)]


def _hires(start: int, end: int) -> list[dict[str, Any]]:
    people = [f"c{number}" for number in range(start, end)]
    return [signed_up(person) for person in people] + [hired(person) for person in people]


def _post(kafka: str, events: list[dict[str, Any]]) -> None:
    with BulkPoster(kafka) as poster:
        assert poster.post(events) == len(events)


def _shares(kafka: str) -> list[int]:
    """How many partitions of the facts each worker has."""
    with kafka_admin(kafka) as admin:
        members = admin.describe_groups([FACTS_GROUP])[FACTS_GROUP]["members"]
    owned = [
        len(topic["partitions"])
        for member in members
        for topic in member["member_assignment"]["assigned_partitions"]
        if topic["topic"] == FACTS
    ]
    return sorted(owned)


def _progress(database_url: str) -> int:
    return sum(int(number) for (number,) in _rows(database_url, "SELECT progress FROM targets"))


def _rows(database_url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(database_url) as connection:
        return connection.execute(query).fetchall()
