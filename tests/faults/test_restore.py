"""A database lost, and an older copy restored: what Kafka still has counts again, and nobody is written to twice."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import httpx
import psycopg
import pytest

from producers.client import BulkPoster
from schemas.topics import FACTS
from tests.facts import hired, signed_up
from tests.faults.frame import Stage
from tests.faults.matrix import stage
from tests.kafka.apache_kafka import why_not
from tests.platform import stop, until, whole
from yinfeng.children import running
from yinfeng.embedded.postgres import EmbeddedPostgres, binaries

CACHE = Path(__file__).parents[2] / ".cache" / "kafka"


def people(start: int, end: int) -> list[dict[str, object]]:
    return [signed_up(f"c{n}", id=f"s{n}", email=f"c{n}@example.com") for n in range(start, end)] + [
        hired(f"c{n}", id=f"h{n}") for n in range(start, end)
    ]


def post(on: Stage, events: list[dict[str, object]]) -> None:
    headers = {"Authorization": f"Bearer {on.key}", "Content-Type": "application/cloudevents-batch+json"}
    assert httpx.post(f"{on.url}/v1/events", content=json.dumps(events), headers=headers).status_code == 202


def confirmed(on: Stage) -> Counter[str]:
    return on.provider.addresses()


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_an_older_copy_restored(tmp_path: Path):
    if reason := why_not():
        pytest.skip(reason)
    with stage(tmp_path, "apache", CACHE) as on:
        url = on.platform.state().database_url or ""
        post(on, people(0, 20))
        with BulkPoster(on.kafka) as poster:
            poster.post(people(20, 40))
        until(lambda: on.number("SELECT progress FROM targets") == 40)
        until(lambda: len(confirmed(on)) == 40)
        dump = tmp_path / "copy.dump"
        subprocess.run([binaries() / "pg_dump", "--format=custom", f"--file={dump}", url], check=True)
        copied_at = datetime.now(UTC)
        post(on, people(40, 60))
        with BulkPoster(on.kafka) as poster:
            poster.post(people(60, 80))
        until(lambda: on.number("SELECT progress FROM targets") == 80)
        until(lambda: len(confirmed(on)) == 80)
        stop(on.platform)

        _put_back(on, dump, copied_at)
        env = {"YINFENG_SENDGRID_API_KEY": on.provider.key, "YINFENG_SENDGRID_HOST": on.provider.url}
        on.platform = whole(on.platform.home, **env, YINFENG_KAFKA=on.kafka)
        until(lambda: on.number("SELECT progress FROM targets") == 80)
        post(on, people(80, 90))
        until(lambda: on.number("SELECT progress FROM targets") == 90)
        until(lambda: len(confirmed(on)) == 90)
        assert on.yinfeng("audit").returncode == 0
        letters = Counter((address, subject) for address, subject, _, _ in on.provider.letters().values())
        assert set(letters.values()) == {1}
        assert on.number("SELECT count(*) FROM messages WHERE status = 'unknown'") > 0
        # Of those who were said over HTTP after the copy, their keys are lost; what lay in the clear is sealed anew.
        checked = on.yinfeng("vault", "check").stdout
        assert "20 persons count without a name" in checked
        assert {f"c{n}" for n in range(40, 60)} == set(re.findall(r"c\d+", checked.partition("name:")[2]))
        assert on.number("SELECT count(*) FROM positions WHERE topic = %s", FACTS) == 8


def _put_back(on: Stage, dump: Path, copied_at: datetime) -> None:
    """The copy, and the word that it is one: to say so twice does no harm."""
    home = on.platform.home
    postgres = EmbeddedPostgres(home, print)
    with running(postgres.spec(), home / "logs"):
        with psycopg.connect(postgres.url, autocommit=True) as connection:
            connection.execute("DROP SCHEMA IF EXISTS vault CASCADE; DROP SCHEMA public CASCADE")
            connection.execute("CREATE SCHEMA public")
        subprocess.run([binaries() / "pg_restore", f"--dbname={postgres.url}", dump], check=True)
        for _ in range(2):
            said = restored(home, postgres.url, on.kafka, copied_at)
            assert said.returncode == 0, said.stderr


def restored(home: Path, url: str, kafka: str, since: datetime) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "YINFENG_HOME": str(home), "YINFENG_DATABASE_URL": url, "YINFENG_KAFKA": kafka}
    words = [sys.executable, "-m", "yinfeng", "restored", "--since", since.isoformat()]
    return subprocess.run(words, env=env, capture_output=True, text=True, check=False, timeout=60)


def test_a_database_at_which_somebody_works_is_left_alone(tmp_path: Path, database_url: str, embedded_kafka: str):
    with psycopg.connect(database_url, application_name="yinfeng-worker"):
        said = restored(tmp_path, database_url, embedded_kafka, datetime.now(UTC))
    assert said.returncode == 1
    assert "yinfeng-worker work on this database: stop them first" in said.stderr
