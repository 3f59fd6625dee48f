"""PgBouncer between us and Postgres: pooling by session works, pooling by transaction is refused with its reason."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from storage.database import connect
from storage.ledger import ledger
from tests.facts import facts, hired, opened, target
from tests.platform import free_port, until
from tests.processes import part
from tests.strategies import Event
from yinfeng.embedded.postgres import SYSTEM_USER

CONFIG = """
[databases]
{name} = host={host} dbname={name} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
server_reset_query = DISCARD ALL
logfile = {folder}/log
"""


@contextmanager
def pgbouncer(database_url: str, mode: str) -> Iterator[str]:
    """The database's URL by way of a PgBouncer that pools so."""
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("pgbouncer is not installed (apt-get install pgbouncer)")
    parts, port = urlsplit(database_url), free_port()
    host, name = parse_qs(parts.query)["host"][0], parts.path[1:]
    folder = Path(tempfile.mkdtemp(prefix="yinfeng-pgbouncer-"))  # not below the tests' own, which are root's alone
    config = folder / "pgbouncer.ini"
    config.write_text(CONFIG.format(host=host, name=name, port=port, mode=mode, folder=folder))
    # As root it wants to become another: the server's user, who may go to its socket.
    other = ["-u", SYSTEM_USER] if os.geteuid() == 0 else []
    if other:
        account = pwd.getpwnam(SYSTEM_USER)
        os.chown(folder, account.pw_uid, account.pw_gid)
    process = subprocess.Popen([program, *other, config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"postgresql://postgres@127.0.0.1:{port}/{name}"
    try:
        until(lambda: _answers(url), 20)
        yield url
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(folder)


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


@pytest.mark.parametrize("command", ["web", "worker", "relay", "prepare"])
def test_pooling_by_transaction_is_refused(tmp_path: Path, database_url: str, embedded_kafka: str, command: str):
    with pgbouncer(database_url, "transaction") as url:
        env = {
            **os.environ,
            "YINFENG_HOME": str(tmp_path),
            "YINFENG_DATABASE_URL": url,
            "YINFENG_KAFKA": embedded_kafka,
        }
        words = [sys.executable, "-m", "yinfeng", command]
        said = subprocess.run(words, env=env, capture_output=True, text=True, check=False, timeout=60)
    assert said.returncode == 1
    assert "pools connections by transaction" in said.stderr
    assert "by session" in said.stderr


@pytest.mark.slow
def test_pooling_by_session_works_and_keeps_our_limits(tmp_path: Path, database_url: str, embedded_kafka: str):
    with (
        pgbouncer(database_url, "session") as url,
        part(tmp_path / "worker", "worker", database_url=url, kafka=embedded_kafka) as worker,
        part(tmp_path / "relay", "relay", database_url=url, kafka=embedded_kafka) as relay,
    ):
        worker.until_ready()
        relay.until_ready()
        accept(url, [opened(), target("t"), *(hired(f"c{n}") for n in range(50))])
        with psycopg.connect(database_url, autocommit=True) as connection:
            until(lambda: connection.execute("SELECT progress FROM targets").fetchall() == [(50,)])


def accept(url: str, events: list[Event]) -> None:
    """Facts are accepted by way of the pooler, with the web app's limits."""

    async def work() -> None:
        async with await connect(url, name="web") as conn:
            assert await ledger.append(conn, facts(events), posted_by=None)
            shown = await (await conn.execute("SHOW statement_timeout")).fetchone()
            assert shown == ("7s",)

    asyncio.run(work())
