"""The tables of a database: made, kept, brought up to date, and not touched when they are of another version."""

from __future__ import annotations

import threading

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine
from sqlmodel import SQLModel

from schemas.errors import ConfigurationError
from storage.revision import is_current, latest
from storage.setup import FIRST, head, migrate, revision, sqlalchemy_url

EMPTY = "DROP SCHEMA IF EXISTS vault CASCADE; DROP SCHEMA public CASCADE; CREATE SCHEMA public"
COMPARED = {"compare_server_default": True, "include_schemas": True}


def test_what_is_there_is_kept(database_url: str):
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute("INSERT INTO secrets (name, value) VALUES ('x', 'y')")
        assert migrate(database_url) == head()
        assert conn.execute("SELECT count(*) FROM secrets").fetchone() == (1,)


def test_models_and_revisions_say_the_same(database_url: str):
    engine = create_engine(sqlalchemy_url(database_url))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=COMPARED)
        assert compare_metadata(context, SQLModel.metadata) == []
    engine.dispose()


def test_whether_it_is_up_to_date_is_told_without_alembic(database_url: str):
    to_first(database_url)
    assert not is_current(database_url)
    migrate(database_url)
    assert is_current(database_url)
    assert latest() == head()


def test_a_database_of_before_there_were_revisions_is_brought_up_to_date(database_url: str):
    to_first(database_url)
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute("DROP TABLE alembic_version")
        conn.execute("INSERT INTO pending (seq) VALUES (7)")
        assert revision(database_url) == FIRST
        assert migrate(database_url) == FIRST
        assert conn.execute("SELECT seq, size FROM pending").fetchall() == [(7, None)]
    assert revision(database_url) == head()


def test_a_database_that_is_empty_has_no_revision(database_url: str):
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute(EMPTY)
    assert revision(database_url) is None
    assert migrate(database_url) is None


def test_tables_of_too_early_a_version_are_named_and_not_touched(database_url: str):
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute("DROP TABLE alembic_version")
        conn.execute("ALTER TABLE suppressions DROP COLUMN about")
    with pytest.raises(ConfigurationError, match=r"lacks suppressions\.about\. Set YINFENG_HOME to a new folder"):
        migrate(database_url)


def test_a_database_of_a_later_version_is_refused(database_url: str):
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(ConfigurationError, match="of a later version of Yinfeng"):
        migrate(database_url)


def test_several_processes_may_bring_it_up_to_date_at_once(database_url: str):
    to_first(database_url)
    threads = [threading.Thread(target=migrate, args=(database_url,)) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert revision(database_url) == head()


def test_a_table_that_somebody_holds_is_waited_for_without_holding_up_those_behind(database_url: str):
    to_first(database_url)
    with psycopg.connect(database_url) as holder, psycopg.connect(database_url) as behind:
        holder.execute("SELECT * FROM pending")  # as a long backup would
        thread = threading.Thread(target=migrate, args=(database_url,))
        thread.start()
        for _ in range(20):
            behind.execute("SET LOCAL lock_timeout = '1s'")
            behind.execute("SELECT count(*) FROM pending")
            behind.rollback()
            threading.Event().wait(0.1)
        assert revision(database_url) == FIRST
        holder.rollback()
        thread.join()
    assert revision(database_url) == head()


def to_first(database_url: str) -> None:
    """The database as the first revision made it."""
    from alembic import command

    from storage.setup import _config

    engine = create_engine(sqlalchemy_url(database_url))
    with engine.connect() as connection:
        connection.exec_driver_sql(EMPTY)
        connection.commit()
        command.upgrade(_config(connection), FIRST)
    engine.dispose()
