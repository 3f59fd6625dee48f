"""Connections to Postgres, and its errors translated into ours."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import psycopg
from psycopg import AsyncConnection, Connection, errors
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from schemas.errors import ConcurrentChange, DatabaseUnavailable, UnusableValue

Conn = AsyncConnection[Any]

_CONFLICTS = (errors.SerializationFailure, errors.DeadlockDetected, errors.UniqueViolation)
_ABOUT_THE_VALUE = (errors.DataError, errors.IntegrityError, errors.ProgramLimitExceeded)


@contextmanager
def translated() -> Iterator[None]:
    """Let Postgres's errors leave as ours: ConcurrentChange (retry at once), UnusableValue (the values themselves:
    repeating would not help) or DatabaseUnavailable (wait, retry).

    All that is neither of the first two (away, read-only, full, not set up) is the server's state, which somebody
    will mend.
    """
    try:
        yield
    except _CONFLICTS as error:
        raise ConcurrentChange(str(error)) from error
    except _ABOUT_THE_VALUE as error:
        raise UnusableValue(str(error)) from error
    except (psycopg.Error, PoolTimeout, ConnectionError) as error:
        raise DatabaseUnavailable(f"Postgres does not answer as it should: {error}") from error


async def connect(url: str, *, name: str) -> Conn:
    """A connection outside a transaction (autocommit). Raises DatabaseUnavailable."""
    with translated():
        return await AsyncConnection.connect(
            url, autocommit=True, application_name=f"yinfeng-{name}", connect_timeout=5
        )


def connect_sync(url: str, *, name: str) -> Connection[Any]:
    """The same for a process without an event loop. Raises DatabaseUnavailable."""
    with translated():
        return psycopg.connect(url, autocommit=True, application_name=f"yinfeng-{name}", connect_timeout=5)


def make_pool(url: str, *, name: str, size: int = 8) -> AsyncConnectionPool[Conn]:
    """A bounded pool, closed as yet; connections are in autocommit."""
    return AsyncConnectionPool(
        url,
        min_size=1,
        max_size=size,
        timeout=5,
        open=False,
        check=AsyncConnectionPool.check_connection,
        kwargs={"autocommit": True, "application_name": f"yinfeng-{name}", "connect_timeout": 5},
    )


@asynccontextmanager
async def borrowed(pool: AsyncConnectionPool[Conn]) -> AsyncIterator[Conn]:
    """A connection of the pool, with errors translated."""
    with translated():
        async with pool.connection() as conn:
            yield conn
