"""A database brought to the tables of this version. Apart from `storage/database.py`: Alembic and SQLModel are much to
load for a process that never asks them."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, create_engine, event, inspect, text
from sqlalchemy.exc import OperationalError

import schemas.access_tables
import schemas.message_tables
import schemas.privacy_tables
import schemas.seat_tables
import schemas.signup_tables
import schemas.tables
import schemas.vault_tables  # noqa: F401 - the models, for comparing
from schemas.errors import ConfigurationError, DatabaseUnavailable

FIRST: Final = "0001"  # the tables of before there were revisions
PATIENCE: Final = 60.0  # seconds in which a lock that others hold is asked for again
_SETUP_LOCK: Final = 0x59494E46
_LOCK_TIMEOUT: Final = "200ms"  # a statement that waits for a lock lets nobody past it


def migrate(url: str) -> str | None:
    """Bring the database up to date; several processes may call this at once. Returns the revision that it had before,
    None when it was empty.

    Raises DatabaseUnavailable, and ConfigurationError when the database is of a later version, or of one of before
    there were migrations that lacks something: nothing is guessed about a year's facts.
    """
    engine = create_engine(sqlalchemy_url(url))
    try:
        with engine.connect() as guard, engine.connect() as connection:
            guard.execution_options(isolation_level="AUTOCOMMIT")  # no transaction that an index would wait for
            # Asked again and again: who waits in a statement is waited for by an index that is made meanwhile.
            while not guard.execute(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": _SETUP_LOCK}).scalar():
                time.sleep(0.2)
            before = _revision(connection)
            if before is None and inspect(connection).has_table("facts"):
                _require_first(connection)
                connection.rollback()
                command.stamp(_config(connection), FIRST)
                before = FIRST
            connection.rollback()
            if before != head():
                _upgrade(connection)
            return before
    except CommandError as error:
        raise ConfigurationError(
            f"the database is of a later version of Yinfeng ({error}): start that version, or restore the copy that"
            " was made before it"
        ) from error
    except OperationalError as error:
        raise DatabaseUnavailable(f"Postgres does not answer: {error.orig}") from error
    finally:
        engine.dispose()


def revision(url: str) -> str | None:
    """The revision of a database; None when it is empty, `0001` too when it is of before there were revisions."""
    engine = create_engine(sqlalchemy_url(url))
    try:
        with engine.connect() as connection:
            found = _revision(connection)
            return FIRST if found is None and inspect(connection).has_table("facts") else found
    except OperationalError as error:
        raise DatabaseUnavailable(f"Postgres does not answer: {error.orig}") from error
    finally:
        engine.dispose()


def head() -> str:
    """The revision of this version."""
    found = ScriptDirectory.from_config(_config(None)).get_current_head()
    assert found
    return found


def sqlalchemy_url(url: str) -> str:
    """A libpq URL as SQLAlchemy spells it, with psycopg as the driver."""
    return "postgresql+psycopg://" + url.split("://", 1)[1]


def _upgrade(connection: Connection) -> None:
    event.listen(connection, "begin", _be_impatient)
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            command.upgrade(_config(connection), "head")
            return
        except OperationalError as error:
            if "lock timeout" not in str(error.orig) or time.monotonic() > deadline:
                raise
            connection.rollback()
            time.sleep(0.5)


def _be_impatient(connection: Connection) -> None:
    """In each transaction anew: a revision that made an index had to set its patience aside."""
    connection.exec_driver_sql(f"SELECT set_config('lock_timeout', '{_LOCK_TIMEOUT}', true)")


def _config(connection: Connection | None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _require_first(connection: Connection) -> None:
    """Raises ConfigurationError when tables of before there were revisions lack a column of the last such version."""
    found = inspect(connection).get_multi_columns()
    there = {(table, column["name"]) for (_, table), columns in found.items() for column in columns}
    lacking = sorted(f"{table}.{column}" for table, column in _first_columns() - there)
    if lacking:
        raise ConfigurationError(
            f"the database is of too early a version of Yinfeng: it lacks {', '.join(lacking)}. Set YINFENG_HOME"
            " to a new folder, or YINFENG_DATABASE_URL to a new database, and post the facts again"
        )


def _first_columns() -> set[tuple[str, str]]:
    columns = set()
    for statement in (Path(__file__).parent / "migrations" / "versions" / "0001_first.sql").read_text().split(";\n"):
        head, _, body = statement.partition("(\n")
        if "CREATE TABLE" in head:
            table = head.split()[-1]
            names = [line.split()[0].strip('"') for line in body.splitlines() if line.startswith("    ")]
            columns |= {(table, name) for name in names if not name.isupper()}
    return columns
