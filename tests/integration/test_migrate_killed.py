"""`migrate` that is killed, wherever it stands, and run again: it goes on, and nothing half made is left behind."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine, event
from sqlalchemy.engine import Engine
from sqlalchemy.exc import PendingRollbackError
from sqlmodel import SQLModel

from storage.setup import _config, head, migrate, revision, sqlalchemy_url
from tests.integration.test_setup import COMPARED, to_first

INVALID = "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid"
UNDER_WAY = (
    "SELECT pid FROM pg_stat_activity WHERE query LIKE 'CREATE INDEX CONCURRENTLY%' AND wait_event_type = 'Lock'"
)
PATIENCE = 60.0  # seconds


class Killed(BaseException):
    """Nobody handles it: what was not committed is undone."""


@contextmanager
def killed_after(nth: int) -> Iterator[None]:
    """Kill whoever migrates after so many statements that stand at once, each in no transaction. An index that was
    made by the last of them is left as one of which the making was broken off."""
    left = nth

    def note(conn: Any, cursor: Any, statement: str, *_: Any) -> None:
        nonlocal left
        if not conn.connection.dbapi_connection.autocommit or not statement.startswith(("CREATE", "DROP", "ALTER")):
            return
        left -= 1
        if left == 0:
            made = statement.partition(" INDEX CONCURRENTLY ")[2].split(" ")[0]
            if statement.startswith("CREATE"):
                cursor.execute(
                    "UPDATE pg_index SET indisvalid = false WHERE indexrelid = %s::regclass", [_named(cursor, made)]
                )
            raise Killed

    event.listen(Engine, "after_cursor_execute", note)
    try:
        yield
    except (Killed, PendingRollbackError):
        if left > 0:
            raise
    finally:
        event.remove(Engine, "after_cursor_execute", note)


def _named(cursor: Any, index: str) -> str:
    cursor.execute("SELECT schemaname || '.' || indexname FROM pg_indexes WHERE indexname = %s", [index])
    return str(cursor.fetchone()[0])


def assert_whole(url: str) -> None:
    """The tables and indexes of this version, all of them of use."""
    assert revision(url) == head()
    with psycopg.connect(url) as connection:
        assert connection.execute(INVALID).fetchall() == []
    engine = create_engine(sqlalchemy_url(url))
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection, opts=COMPARED), SQLModel.metadata) == []
    engine.dispose()


def test_after_any_step_that_stands_at_once_it_goes_on(database_url: str):
    to_first(database_url)
    nth, before = 0, ""
    while (now := revision(database_url)) != head():
        nth, before = (nth + 1 if now == before else 1), str(now)
        with killed_after(nth):
            migrate(database_url)
    assert_whole(database_url)


@pytest.mark.parametrize("end", [signal.SIGKILL, None], ids=["the process", "its connection"])
def test_amid_an_index_it_is_begun_again(database_url: str, end: signal.Signals | None):
    """A process that is killed leaves the server at work on what it asked for; a connection that is ended leaves an
    index that is of no use."""
    to_first(database_url)
    engine = create_engine(sqlalchemy_url(database_url))
    with engine.connect() as connection:
        command.upgrade(_config(connection), "0060")
    engine.dispose()
    with psycopg.connect(database_url) as writing, psycopg.connect(database_url, autocommit=True) as looking:
        writing.execute("LOCK TABLE facts IN ROW EXCLUSIVE MODE")
        migrating = subprocess.Popen(
            [sys.executable, "-c", f"from storage.setup import migrate; migrate({database_url!r})"],
            stderr=subprocess.DEVNULL,
        )
        pid = _waiting(looking)
        if end is None:
            looking.execute("SELECT pg_terminate_backend(%s)", [pid])
            assert migrating.wait() != 0
            assert looking.execute(INVALID).fetchall() == [("facts_person",)]
        else:
            migrating.send_signal(end)
            migrating.wait()
        writing.rollback()
    assert migrate(database_url) == "0060"
    assert_whole(database_url)


def _waiting(looking: psycopg.Connection[Any]) -> int:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if row := looking.execute(UNDER_WAY).fetchone():
            return int(row[0])
        time.sleep(0.1)
    raise AssertionError("no index was begun")
