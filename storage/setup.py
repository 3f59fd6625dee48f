"""The tables made. Apart from `storage/database.py`: SQLModel is much to load for a process that never asks it."""

from __future__ import annotations

from typing import Final

from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError
from sqlmodel import SQLModel

import schemas.message_tables
import schemas.tables  # noqa: F401
from schemas.errors import DatabaseUnavailable

_SETUP_LOCK: Final = 0x59494E46


def create_tables(url: str) -> None:
    """Make what is missing; several processes may call this at once. Raises DatabaseUnavailable."""
    engine = create_engine(sqlalchemy_url(url))
    try:
        with engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _SETUP_LOCK})
            SQLModel.metadata.create_all(connection)
    except OperationalError as error:
        raise DatabaseUnavailable(f"Postgres does not answer: {error.orig}") from error
    finally:
        engine.dispose()


def sqlalchemy_url(url: str) -> str:
    """A libpq URL as SQLAlchemy spells it, with psycopg as the driver."""
    return "postgresql+psycopg://" + url.split("://", 1)[1]
