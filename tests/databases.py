"""A database of a test's own. Making one takes most of a second, so that those made are emptied and used again."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import LiteralString

import psycopg
from psycopg import Connection, sql

from yinfeng.embedded.postgres import EmbeddedPostgres

_END_OTHERS: LiteralString = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
_SHAPE: LiteralString = """
SELECT md5(string_agg(described, E'\\n' ORDER BY described)) FROM (
    SELECT format('%s %s %s', attrelid::regclass, attname, atttypid) FROM pg_attribute
    JOIN pg_class c ON c.oid = attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema' AND attnum > 0
    UNION ALL SELECT format('%s %s', conrelid::regclass, conname) FROM pg_constraint
    UNION ALL SELECT format('%s %s', tgrelid::regclass, tgname) FROM pg_trigger
) AS parts (described)
"""
_TABLES: LiteralString = """
SELECT nspname, relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE relkind IN ('r', 'p') AND nspname IN ('public', 'vault') AND relname <> 'alembic_version'
"""
_SEQUENCES: LiteralString = (
    "SELECT sequencename FROM pg_sequences WHERE schemaname = 'public' AND last_value IS NOT NULL"
)


class Databases:
    """Databases with the tables made and nothing in them, on one server."""

    def __init__(self, postgres: EmbeddedPostgres) -> None:
        self._postgres = postgres
        self._idle: list[str] = []
        with psycopg.connect(postgres.url) as connection:
            self._shape = _shape(connection)

    @contextmanager
    def fresh(self) -> Iterator[str]:
        """The URL of one; it is emptied when it is left, or dropped when its tables are no longer what they were."""
        name = self._idle.pop() if self._idle else self._make()
        try:
            yield self._url(name)
        finally:
            self._take_back(name)

    def _make(self) -> str:
        name = f"t{uuid.uuid4().hex}"
        with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE yinfeng").format(sql.Identifier(name)))
        return name

    def _take_back(self, name: str) -> None:
        with psycopg.connect(self._url(name), autocommit=True) as connection:
            connection.execute(_END_OTHERS)
            if _shape(connection) == self._shape:
                _empty(connection)
                self._idle.append(name)
                return
        with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def _url(self, name: str) -> str:
        return self._postgres.url.replace("/yinfeng?", f"/{name}?")


def _shape(connection: Connection) -> str:
    row = connection.execute(_SHAPE).fetchone()
    assert row
    return str(row[0])


def _empty(connection: Connection) -> None:
    tables = [sql.Identifier(*name) for name in connection.execute(_TABLES).fetchall()]
    each = [sql.SQL("(EXISTS (SELECT FROM {}))").format(table) for table in tables]
    row = connection.execute(sql.SQL("SELECT {}").format(sql.SQL(", ").join(each))).fetchone()
    assert row
    filled = [table for table, has_rows in zip(tables, row, strict=True) if has_rows]
    if filled:
        connection.execute(sql.SQL("TRUNCATE {} CASCADE").format(sql.SQL(", ").join(filled)))
    for (name,) in connection.execute(_SEQUENCES).fetchall():
        connection.execute(sql.SQL("ALTER SEQUENCE {} RESTART").format(sql.Identifier(name)))
