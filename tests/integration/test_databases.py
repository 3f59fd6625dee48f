"""A database that a test was given is as good as new for the next."""

from __future__ import annotations

import psycopg
import pytest

from tests.databases import Databases

ENDED = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()"""
FEW = "INSERT INTO secrets (name, value) SELECT n::text, 'x' FROM generate_series(1, 3) n"
MANY = "INSERT INTO secrets (name, value) SELECT n::text, repeat('x', 900)::bytea FROM generate_series(1, 3000) n"


@pytest.mark.parametrize("left", [FEW, MANY, f"{FEW}; ANALYZE secrets", f"{FEW}; {ENDED}"])
def test_what_a_test_leaves_is_gone(databases: Databases, left: str):
    with databases.fresh() as url, psycopg.connect(url, autocommit=True) as conn:
        first = conn.execute("SELECT nextval('revisions')").fetchone()
        for each in left.split("; "):
            conn.execute(each)
    with databases.fresh() as again, psycopg.connect(again, autocommit=True) as conn:
        assert again == url
        assert conn.execute("SELECT FROM secrets").fetchall() == []
        assert conn.execute("SELECT nextval('revisions')").fetchone() == first
        assert conn.execute("SELECT pg_stat_get_live_tuples('secrets'::regclass)").fetchone() == (0,)
        assert conn.execute("SELECT reltuples > 0 FROM pg_class WHERE relname = 'secrets'").fetchone() == (False,)


@pytest.mark.parametrize(
    "changed",
    [
        "ALTER TABLE secrets ADD COLUMN more text",
        "ALTER TABLE secrets DROP COLUMN value",
        "CREATE INDEX ON secrets (value)",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    ],
)
def test_one_whose_tables_were_changed_is_not_given_again(databases: Databases, changed: str):
    with databases.fresh() as url, psycopg.connect(url, autocommit=True) as conn:
        conn.execute(changed)
    with databases.fresh() as another:
        assert another != url
