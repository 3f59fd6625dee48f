"""Postgres fails over to a replica that lags: positions go back with it, so what Kafka has counts again."""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from producers.client import BulkPoster
from tests.faults.frame import Stage
from tests.faults.matrix import stage
from tests.faults.test_restore import confirmed, people, post, restored
from tests.kafka.apache_kafka import why_not
from tests.platform import stop, until, whole
from yinfeng.children import running
from yinfeng.embedded.postgres import EmbeddedPostgres, binaries

CACHE = Path(__file__).parents[2] / ".cache" / "kafka"


@contextmanager
def replica(primary: str, home: Path) -> Iterator[EmbeddedPostgres]:
    """A standby that streams from the primary, with its data under this home."""
    server = EmbeddedPostgres(home, print)
    home.mkdir()
    words = [binaries() / "pg_basebackup", f"--dbname={primary}", f"--pgdata={server.data}", "--write-recovery-conf"]
    subprocess.run([*words, "--checkpoint=fast"], check=True)
    # What the primary has open while it is copied would be taken for a server that runs here.
    (server.data / ".s.PGSQL.5432.lock").unlink(missing_ok=True)
    if server.user:
        subprocess.run(["chown", "-R", f"{server.user}:", server.data], check=True)
    with running(server.spec(), home / "logs"):
        yield server


def progress(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT progress FROM targets").fetchone()
    return int(row[0]) if row else 0


def both_ways(on: Stage, start: int) -> None:
    """20 over HTTP and 20 straight over Kafka."""
    post(on, people(start, start + 20))
    with BulkPoster(on.kafka) as poster:
        poster.post(people(start + 20, start + 40))
    until(lambda: on.number("SELECT progress FROM targets") == start + 40)
    until(lambda: len(confirmed(on)) == start + 40)


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_replica_that_lags_takes_over(tmp_path: Path):
    if reason := why_not():
        pytest.skip(reason)
    with stage(tmp_path, "apache", CACHE) as on:
        primary, heir = on.platform.state().database_url or "", tmp_path / "heir"
        with replica(primary, heir) as server:
            both_ways(on, 0)
            until(lambda: progress(server.url) == 40)
            with psycopg.connect(server.url, autocommit=True) as connection:
                connection.execute("ALTER SYSTEM SET primary_conninfo = ''")  # the line between them is cut
                connection.execute("SELECT pg_reload_conf()")
                until(lambda: not connection.execute("SELECT 1 FROM pg_stat_wal_receiver").fetchall())
            cut_at = datetime.now(UTC)
            both_ways(on, 40)
            stop(on.platform)
            with psycopg.connect(server.url, autocommit=True) as connection:
                connection.execute("SELECT pg_promote()")
            assert progress(server.url) == 40
            said = restored(heir, server.url, on.kafka, cut_at)
            assert said.returncode == 0, said.stderr
            assert "are read again, without writing to anybody" in said.stdout
        shutil.copy(on.platform.home / "organizer.key", heir)
        env = {"YINFENG_SENDGRID_API_KEY": on.provider.key, "YINFENG_SENDGRID_HOST": on.provider.url}
        on.platform = whole(heir, **env, YINFENG_KAFKA=on.kafka)
        until(lambda: on.number("SELECT progress FROM targets") == 80)
        both_ways(on, 80)
        assert on.yinfeng("audit").returncode == 0
        letters = Counter((address, subject) for address, subject, _, _ in on.provider.letters().values())
        assert set(letters.values()) == {1}
        assert on.number("SELECT count(*) FROM messages WHERE status = 'unknown'") > 0
