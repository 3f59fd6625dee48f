"""A database of a test's own. Making one takes most of a second, so that those made are emptied and used again."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, LiteralString

import psycopg
from psycopg import Connection, sql

from yinfeng.embedded.postgres import EmbeddedPostgres

_END_OTHERS: LiteralString = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
# How many columns, constraints, triggers and functions there are, and which transaction made the last of each.
_SHAPE: LiteralString = """
SELECT string_agg(of || ' ' || number || ' ' || last, E'\n' ORDER BY of) FROM (
    SELECT 'columns', count(*), max(xmin::text::bigint) FROM pg_attribute WHERE attrelid >= 16384
    UNION ALL SELECT 'constraints', count(*), max(xmin::text::bigint) FROM pg_constraint WHERE oid >= 16384
    UNION ALL SELECT 'triggers', count(*), max(xmin::text::bigint) FROM pg_trigger WHERE oid >= 16384
    UNION ALL SELECT 'functions', count(*), max(xmin::text::bigint) FROM pg_proc WHERE oid >= 16384
) AS parts (of, number, last)
"""
_TABLES: LiteralString = """
SELECT nspname, relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE relkind = 'r' AND nspname IN ('public', 'vault') AND relname <> 'alembic_version'
"""
# What to do about a table. New files take longer than to delete a few rows; but they are small again, and what ANALYZE
# told of the table is forgotten.
_WAY: LiteralString = """
CASE WHEN NOT EXISTS (SELECT FROM {table}) THEN NULL
     WHEN pg_total_relation_size({name}::regclass) > 1000000 THEN 'TRUNCATE'
     WHEN (SELECT reltuples > 0 FROM pg_class WHERE oid = {name}::regclass) THEN 'TRUNCATE'
     ELSE 'DELETE' END
"""
_WAYS: Final = {"TRUNCATE": sql.SQL("TRUNCATE {} CASCADE"), "DELETE": sql.SQL("DELETE FROM {}")}
_BEFORE: LiteralString = """
SET LOCAL session_replication_role = replica;
SELECT pg_stat_force_next_flush();
SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false) FROM pg_sequences
WHERE schemaname = 'public' AND last_value IS NOT NULL
"""


@dataclass
class _Database:
    """One, and a connection to it that stays: what a session knows of its tables costs more than to empty them.
    `shape`: what its tables were like when it was made."""

    name: str
    connection: Connection
    shape: str


class Databases:
    """Databases with the tables made and nothing in them, on one server."""

    def __init__(self, postgres: EmbeddedPostgres) -> None:
        self._postgres = postgres
        self._idle: list[_Database] = []
        with psycopg.connect(postgres.url) as connection:
            self._tables = [sql.Identifier(*name) for name in connection.execute(_TABLES).fetchall()]
            each = [sql.SQL(_WAY).format(table=one, name=one.as_string(connection)) for one in self._tables]
            self._ways = sql.SQL("SELECT {}").format(sql.SQL(", ").join(each))

    @contextmanager
    def fresh(self) -> Iterator[str]:
        """The URL of one; it is emptied when it is left, or dropped when its tables are no longer what they were."""
        database = self._idle.pop() if self._idle else self._make()
        try:
            yield self._url(database.name)
        finally:
            self._take_back(database)

    def close(self) -> None:
        """Once none is used any more."""
        for database in self._idle:
            database.connection.close()

    def _make(self) -> _Database:
        name = f"t{uuid.uuid4().hex}"
        with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE yinfeng").format(sql.Identifier(name)))
        connection = self._connect(name)
        return _Database(name, connection, _shape(connection))

    def _connect(self, name: str) -> Connection:
        return psycopg.connect(self._url(name), autocommit=True)

    def _take_back(self, database: _Database) -> None:
        try:
            database.connection.execute(_END_OTHERS)
        except psycopg.OperationalError:  # ours was ended too
            database.connection.close()
            database.connection = self._connect(database.name)
            database.connection.execute(_END_OTHERS)
        if _shape(database.connection) == database.shape:
            self._empty(database.connection)
            self._idle.append(database)
        else:
            self._drop(database)

    def _drop(self, database: _Database) -> None:
        database.connection.close()
        with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(database.name)))

    def _empty(self, connection: Connection) -> None:
        """In one go, and whatever refers to what: all of it goes."""
        ways = connection.execute(self._ways, prepare=True).fetchone()
        assert ways
        told = [_WAYS[way].format(table) for table, way in zip(self._tables, ways, strict=True) if way]
        with connection.transaction():
            connection.execute(sql.SQL("; ").join([sql.SQL(_BEFORE), *told]), prepare=False)

    def _url(self, name: str) -> str:
        return self._postgres.url.replace("/yinfeng?", f"/{name}?")


def _shape(connection: Connection) -> str:
    row = connection.execute(_SHAPE).fetchone()
    assert row
    return str(row[0])
