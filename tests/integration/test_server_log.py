"""What PostgreSQL itself writes down of an error tells nobody's name."""

from __future__ import annotations

import psycopg
import pytest

from yinfeng.embedded.postgres import EmbeddedPostgres

NAMED = "INSERT INTO vault.person (campaign, candidate, life, name) VALUES ('c', 'c1', NULL, %s)"


def test_the_log_has_no_row_that_was_refused(postgres: EmbeddedPostgres, database_url: str):
    with psycopg.connect(database_url) as conn, pytest.raises(psycopg.errors.NotNullViolation, match="Li Siyu"):
        conn.execute(NAMED, ["Li Siyu"])
    said = (postgres.data.parent / "logs" / "postgres.log").read_text()
    assert 'null value in column "life"' in said
    assert "Li Siyu" not in said
