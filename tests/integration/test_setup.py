"""The tables of a database: made once, kept, and not used when they are of another version."""

from __future__ import annotations

import psycopg
import pytest

from schemas.errors import ConfigurationError
from storage.setup import create_tables


def test_what_is_there_is_kept(database_url: str):
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute("INSERT INTO secrets (name, value) VALUES ('x', 'y')")
        conn.execute("DROP TABLE kind_switches")
        create_tables(database_url)
        assert conn.execute("SELECT count(*) FROM secrets").fetchone() == (1,)
        assert conn.execute("SELECT count(*) FROM kind_switches").fetchone() == (0,)


def test_tables_of_an_earlier_version_are_named_and_not_touched(database_url: str):
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute("ALTER TABLE suppressions DROP COLUMN about")
    with pytest.raises(ConfigurationError, match=r"lacks suppressions\.about\. Set YINFENG_HOME to a new folder"):
        create_tables(database_url)
