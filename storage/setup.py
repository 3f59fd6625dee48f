"""The tables made. Apart from `storage/database.py`: SQLModel is much to load for a process that never asks it."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, create_engine, inspect, text
from sqlalchemy.exc import OperationalError
from sqlmodel import SQLModel

import schemas.message_tables
import schemas.tables  # noqa: F401
from schemas.errors import ConfigurationError, DatabaseUnavailable

_SETUP_LOCK: Final = 0x59494E46


def create_tables(url: str) -> None:
    """Make what is missing; several processes may call this at once. Raises DatabaseUnavailable, and ConfigurationError
    when the tables there are of an earlier version, since nothing is guessed about a year's facts."""
    engine = create_engine(sqlalchemy_url(url))
    try:
        with engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _SETUP_LOCK})
            _require_columns(connection)
            SQLModel.metadata.create_all(connection)
    except OperationalError as error:
        raise DatabaseUnavailable(f"Postgres does not answer: {error.orig}") from error
    finally:
        engine.dispose()


def _require_columns(connection: Connection) -> None:
    """Raises ConfigurationError when a table that is there lacks a column."""
    found = inspect(connection).get_multi_columns()
    there = {table: {column["name"] for column in columns} for (_, table), columns in found.items()}
    lacking = [
        f"{name}.{column.name}"
        for name, table in sorted(SQLModel.metadata.tables.items())
        for column in table.columns
        if name in there and column.name not in there[name]
    ]
    if lacking:
        raise ConfigurationError(
            f"the database is of an earlier version of Yinfeng: it lacks {', '.join(lacking)}. Set YINFENG_HOME"
            " to a new folder, or YINFENG_DATABASE_URL to a new database, and post the facts again"
        )


def sqlalchemy_url(url: str) -> str:
    """A libpq URL as SQLAlchemy spells it, with psycopg as the driver."""
    return "postgresql+psycopg://" + url.split("://", 1)[1]
