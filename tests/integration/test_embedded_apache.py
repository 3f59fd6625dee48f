"""`yinfeng up --broker apache`: what was posted straight to Kafka outlives a restart of everything."""

from __future__ import annotations

import shutil
from pathlib import Path

import psycopg
import pytest

from producers.client import BulkPoster
from tests.facts import hired, opened, target
from tests.platform import Platform, free_port, silence, stop, until
from yinfeng.embedded.apache import fetch, why_not

CACHE = Path(__file__).parents[2] / ".cache" / "kafka"


def up(home: Path, *words: str) -> Platform:
    port = free_port()
    bare = dict.fromkeys(("YINFENG_DATABASE_URL", "YINFENG_KAFKA"), "")
    command = ["yinfeng", "up", "--port", str(port), *words]
    platform = Platform(home, port, command, {**bare, "YINFENG_HOME": str(home)})
    platform.until_said("Ready in")
    return platform


def progress(platform: Platform) -> int:
    with psycopg.connect(platform.state().database_url or "") as connection:
        row = connection.execute("SELECT coalesce(sum(progress), 0) FROM targets").fetchone()
    return int(row[0]) if row else 0


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_straight_facts_that_nobody_applied_are_applied_after_a_restart(tmp_path: Path):
    if reason := why_not():
        pytest.skip(reason)
    home = tmp_path / "home"
    shutil.copytree(fetch(CACHE), home / "kafka" / "libs")
    first = up(home, "--broker", "apache")
    try:
        assert "keeps its log in memory" not in first.said()
        with BulkPoster(first.state().kafka or "") as poster:
            poster.post([opened(), target("t"), hired("c0")])
            until(lambda: progress(first) == 1)
            worker = first.child("worker").pid
            assert worker is not None
            silence(worker)
            poster.post([hired(f"c{n}") for n in range(1, 21)])
    finally:
        stop(first)
    second = up(home)
    try:
        until(lambda: progress(second) == 21)
    finally:
        stop(second)
    refused = Platform(
        home, 0, ["yinfeng", "up", "--broker", "small"], {"YINFENG_HOME": str(home), "YINFENG_KAFKA": ""}
    )
    assert refused.process.wait(60) == 1
    assert "has the log of Apache Kafka" in refused.said()
