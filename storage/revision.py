"""Whether a database is up to date, told without Alembic: loading it takes longer than all else at a start, and up to
40 MB that nobody needs once the tables stand."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import psycopg

from storage.database import translated

_VERSIONS: Final = Path(__file__).parent / "migrations" / "versions"


def latest() -> str:
    """The revision of this version, by the names of its files (a test holds it to what Alembic says)."""
    return max(path.name[1:5] for path in _VERSIONS.glob("r[0-9]*.py"))


def is_current(url: str) -> bool:
    """Whether a database has the tables of this version. Raises DatabaseUnavailable."""
    with translated(), psycopg.connect(url, autocommit=True, connect_timeout=5) as connection:
        there = connection.execute("SELECT to_regclass('alembic_version') IS NOT NULL").fetchone()
        if not there or not there[0]:
            return False
        return connection.execute("SELECT version_num FROM alembic_version").fetchall() == [(latest(),)]
