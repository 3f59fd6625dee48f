"""A home of the first version, with facts of all kinds in it, opens in this one: every number as before, and drift 0.

`tests/data/first.sql.gz` is a dump of what that version made of 167 facts over HTTP and Kafka, two of which still
waited to be applied; `first.json` has the numbers that it showed.
"""

from __future__ import annotations

import gzip
import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic import command
from sqlalchemy import create_engine

from schemas.errors import DatabaseUnavailable
from schemas.topics import SEQ_HEADER
from storage.database import connect
from storage.ledger.events import BESIDE, WHOLE
from storage.setup import FIRST, _config, head, migrate, revision, sqlalchemy_url
from streams.apply import apply_batch
from streams.audit import audit
from streams.intake import Incoming
from yinfeng.backup import copy_before_migrating
from yinfeng.embedded.postgres import binaries

DATA = Path(__file__).parents[1] / "data"
SHOWN: dict[str, Any] = json.loads((DATA / "first.json").read_text(encoding="utf-8"))
NUMBERS = {
    "targets": "SELECT jsonb_object_agg(target, progress) FROM targets",
    "days": "SELECT count(*) FROM target_days",
    "journeys": "SELECT count(*) FROM journeys",
    "facts": "SELECT count(*) FROM facts",
    "pending": "SELECT count(*) FROM pending",
    "dead_letters": "SELECT count(*) FROM dead_letters",
    "messages": "SELECT jsonb_object_agg(status, n) FROM (SELECT status, count(*) AS n FROM messages GROUP BY 1) AS m",
}


@pytest.fixture
def first(database_url: str) -> str:
    """A database as the first version left it."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS vault CASCADE; DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    dump = gzip.decompress((DATA / "first.sql.gz").read_bytes())
    subprocess.run(
        [binaries() / "psql", "--quiet", "--set=ON_ERROR_STOP=1", database_url],
        input=dump,
        check=True,
        capture_output=True,
    )
    return database_url


def numbers(url: str) -> dict[str, Any]:
    with psycopg.connect(url) as connection:
        rows = {name: connection.execute(query).fetchone() for name, query in NUMBERS.items()}
    return {name: row and row[0] for name, row in rows.items()}


async def test_every_number_is_as_before_and_what_waited_is_applied(first: str):
    assert numbers(first) == SHOWN
    assert migrate(first) == FIRST
    assert (revision(first), numbers(first)) == (head(), SHOWN)
    async with await connect(first, name="test") as conn:
        report = await audit(conn)
        assert (report.differences, report.unapplied) == ([], 2)
    async with await connect(first, name="test") as conn:
        cursor = await conn.execute(f"SELECT seq, {WHOLE} FROM pending JOIN facts f USING (seq) ORDER BY seq")
        waiting = [
            Incoming("yinfeng.facts", 0, seq, None, text.encode(), ((SEQ_HEADER, str(seq).encode()),))
            for seq, text in await cursor.fetchall()
        ]
        assert (await apply_batch(conn, waiting, now=datetime.now(UTC))).facts == 2
    async with await connect(first, name="test") as conn:
        assert (await audit(conn)).differences == []
    assert numbers(first)["targets"]["hired"] == SHOWN["targets"]["hired"] + 1


def test_a_copy_is_made_before_anything_is_changed(first: str, tmp_path: Path):
    said: list[str] = []
    path = copy_before_migrating(first, tmp_path / "backups", said.append)
    assert path is not None
    assert str(path) in said[0]
    migrate(first)
    assert copy_before_migrating(first, tmp_path / "backups", said.append) is None
    with psycopg.connect(first, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS vault CASCADE; DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    subprocess.run([binaries() / "pg_restore", f"--dbname={first}", path], check=True, capture_output=True)
    assert (revision(first), numbers(first)) == (FIRST, SHOWN)


def test_what_the_first_version_writes_can_still_be_written(first: str):
    """It and this one run side by side for a day: all its columns are there, and what it leaves out has a default."""
    columns = """
        SELECT table_name, column_name, data_type, is_nullable, column_default IS NOT NULL OR is_identity = 'YES'
        FROM information_schema.columns WHERE table_schema = 'public'
    """
    with psycopg.connect(first, autocommit=True) as connection:
        before = {
            (table, name): (kind, null, filled) for table, name, kind, null, filled in connection.execute(columns)
        }
        migrate(first)
        after = {(table, name): (kind, null, filled) for table, name, kind, null, filled in connection.execute(columns)}
    # What must not be empty may be so later on.
    assert all(after.get(key) in (column, (column[0], "YES", column[2])) for key, column in before.items())
    tables = {table for table, _ in before}
    added = {key: column for key, column in after.items() if key not in before and key[0] in tables}
    assert added
    assert all(null == "YES" or filled for _, null, filled in added.values())


def test_no_revision_waits_long_for_a_table_that_others_want(first: str):
    """Indexes are made without haste; what follows them in the same run gives up a lock as what came before did."""
    with psycopg.connect(first, autocommit=True) as connection:
        connection.execute("CREATE TABLE seen (query text, patience text)")
        connection.execute("""
            CREATE FUNCTION see() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
                INSERT INTO seen VALUES (current_query(), current_setting('lock_timeout')); END $$
        """)
        connection.execute(
            "CREATE EVENT TRIGGER seeing ON ddl_command_end WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION see()"
        )
        migrate(first)
        assert connection.execute("SELECT query FROM seen WHERE patience <> '200ms'").fetchall() == []
        assert connection.execute("SELECT FROM seen WHERE query LIKE '%drawn%'").fetchone() is not None


def test_a_revision_that_was_broken_off_can_be_begun_again(first: str, monkeypatch: pytest.MonkeyPatch):
    """What is dropped beside the work waits for all who look at it: long enough for somebody to lose patience."""
    engine = create_engine(sqlalchemy_url(first))
    with engine.connect() as connection:
        command.stamp(_config(connection), FIRST)
        connection.commit()
        command.upgrade(_config(connection), "0026")
    engine.dispose()
    with psycopg.connect(first) as busy:
        busy.execute("SELECT FROM targets")
        with monkeypatch.context() as impatient:
            impatient.setenv("PGOPTIONS", "-c statement_timeout=1000")
            with pytest.raises(DatabaseUnavailable):
                migrate(first)
        busy.rollback()
    assert migrate(first) == "0026"
    assert (revision(first), numbers(first)) == (head(), SHOWN)


def columns(url: str) -> dict[tuple[str, str], tuple[str, str, bool]]:
    """(table, column) → its type, whether it may be null, whether it has a default."""
    query = """
        SELECT table_name, column_name, data_type, is_nullable, column_default IS NOT NULL OR is_identity = 'YES'
        FROM information_schema.columns WHERE table_schema = 'public'
    """
    with psycopg.connect(url) as connection:
        return {(table, name): (kind, null, filled) for table, name, kind, null, filled in connection.execute(query)}


@pytest.mark.parametrize("heard", [True, False])
def test_what_a_worker_that_was_heard_reads_is_written_though_there_are_no_facts_yet(database_url: str, heard: bool):
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS vault CASCADE; DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
        _upgrade(database_url, "0099")
        if heard:
            connection.execute("INSERT INTO beats (holder, at, facts, conflicts, outages) VALUES ('w', now(), 0, 0, 0)")
        migrate(database_url)
        assert connection.execute(f"SELECT {BESIDE}").fetchone() == (heard,)


def _upgrade(url: str, revision: str) -> None:
    engine = create_engine(sqlalchemy_url(url))
    with engine.connect() as connection:
        command.upgrade(_config(connection), revision)
    engine.dispose()
