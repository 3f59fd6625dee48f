"""Connections to Postgres, bounded in time by what they are for, and its errors translated into ours."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from time import monotonic
from typing import Any, Final

import psycopg
from psycopg import AsyncConnection, AsyncCursor, Connection, errors
from psycopg.pq import PipelineStatus, TransactionStatus
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from schemas.errors import (
    ConcurrentChange,
    ConfigurationError,
    DatabaseUnavailable,
    NotNew,
    StatementTooLong,
    UnusableValue,
)
from storage.silence import Watched, WatchedSync, cut
from storage.time_limits import limits, server_limits

Conn = AsyncConnection[Any]
Pool = AsyncConnectionPool[Conn]
Horizon = str  # a transaction's number: those with a lower one are over, and whoever looks now sees what they wrote


CONNECT_WITHIN: Final = 5  # seconds
CHECK_WITHIN: Final = 2.0  # seconds in which a connection of the pool must answer before it is lent
HEARD_WITHIN: Final = 1.0  # seconds since it answered last, in which it need not be asked
LENT_WITHIN: Final = 4.0  # seconds in which the pool must have one
KEPT_IDLE: Final = 60.0  # seconds that a connection of the pool stays of which nobody asks anything

_LIMIT: Final = """
SELECT set_config('statement_timeout', %s, false), set_config('lock_timeout', %s, false),
       set_config('idle_in_transaction_session_timeout', %s, false)
"""
_BACKEND: Final = "SELECT pg_backend_pid()"
_TRIES: Final = 3  # a pooler that others use too may hand out another session
_POOLED: Final = (
    "Postgres is behind a pooler that pools connections by transaction: Yinfeng listens, and its connections carry"
    " their own limits. Let it pool by session (PgBouncer: pool_mode = session), or name Postgres itself"
)

_CONFLICTS = (
    errors.SerializationFailure,
    errors.DeadlockDetected,
    errors.UniqueViolation,
    errors.LockNotAvailable,
)
_ABOUT_THE_VALUE = (errors.DataError, errors.IntegrityError, errors.ProgramLimitExceeded)


class _Yielding(AsyncCursor[Any]):
    """Where statements go together (see storage/together.py), the next one is sent before anybody waits for this one's
    answer."""

    async def execute(self, *args: Any, **kwargs: Any) -> Any:
        """psycopg's, after which others have their turn."""
        await super().execute(*args, **kwargs)
        if self.connection.info.pipeline_status is not PipelineStatus.OFF:
            await asyncio.sleep(0)
        return self


@contextmanager
def translated() -> Iterator[None]:
    """Let Postgres's errors leave as ours: ConcurrentChange (retry), UnusableValue (the values themselves: repeating
    would not help), StatementTooLong (ask for less at a time) or DatabaseUnavailable (wait, retry).

    All that is none of the first three (away, read-only, full, not set up) is the server's state, which somebody will
    mend.
    """
    try:
        yield
    except _CONFLICTS as error:
        raise ConcurrentChange(_said(error)) from error
    except _ABOUT_THE_VALUE as error:
        raise UnusableValue(_said(error)) from error
    except errors.QueryCanceled as error:
        raise StatementTooLong(_said(error)) from error
    except (psycopg.Error, PoolTimeout, ConnectionError, TimeoutError) as error:
        raise DatabaseUnavailable(f"Postgres does not answer as it should: {_said(error)}{_lack()}") from error


@contextmanager
def supposing(new: Collection[str]) -> Iterator[None]:
    """Where what is inserted into these tables is supposed to be `new`, let what is there already leave as NotNew.
    Around a transaction, which is lost. In any other table another worker came first: a conflict, as ever."""
    try:
        yield
    except errors.UniqueViolation as error:
        if (table := error.diag.table_name) in new:
            raise NotNew(_said(error), table) from error
        raise


def _said(error: Exception) -> str:
    """What an error says, without what Postgres adds below: rows and values, which are for nobody's log."""
    primary = error.diag.message_primary if isinstance(error, psycopg.Error) else None
    return primary or str(error)


async def connect(url: str, *, name: str) -> Conn:
    """A connection outside a transaction (autocommit), with the limits of this name. Raises DatabaseUnavailable."""
    with translated():
        conn = await Watched.connect(url, autocommit=True, cursor_factory=_Yielding, **_options(name))
        try:
            await _limit(conn, name)
        except BaseException:  # whoever waits for it may be cancelled between the two
            await conn.close()
            raise
    return conn


def connect_sync(url: str, *, name: str) -> Connection[Any]:
    """The same for a process without an event loop. Raises DatabaseUnavailable."""
    with translated():
        conn = WatchedSync.connect(url, autocommit=True, **_options(name))
        conn.silence = limits(name).silence
        try:
            conn.execute(_LIMIT, server_limits(name))
        except BaseException:
            conn.close()
            raise
    return conn


def require_own_session(url: str) -> None:
    """Raise ConfigurationError where a pooler hands one session to several connections, transaction by transaction:
    what one sets (limits, how commits are made safe, what it listens for) would be another's, or nobody's.

    Raises DatabaseUnavailable when Postgres is away.
    """
    with translated(), closing(_bare(url)) as one, closing(_bare(url)) as other:
        for _ in range(_TRIES):
            pid = one.execute(_BACKEND).fetchone()
            with other.transaction():
                if other.execute(_BACKEND).fetchone() == pid:
                    raise ConfigurationError(_POOLED)


def make_pool(url: str, *, name: str, size: int = 8) -> AsyncConnectionPool[Conn]:
    """A bounded pool, closed as yet; connections are in autocommit. None is made before it is wanted, and those that
    were wanted at once go when they are not any more: each is a process of Postgres."""

    async def configure(conn: Conn) -> None:
        assert isinstance(conn, Watched)
        await _limit(conn, name)

    return AsyncConnectionPool(
        url,
        connection_class=Watched,
        min_size=0,
        max_size=size,
        max_idle=KEPT_IDLE,
        timeout=LENT_WITHIN,
        open=False,
        configure=configure,
        check=_check,
        kwargs={"autocommit": True, "cursor_factory": _Yielding, **_options(name)},
    )


@asynccontextmanager
async def borrowed(pool: AsyncConnectionPool[Conn]) -> AsyncIterator[Conn]:
    """A connection of the pool, with errors translated."""
    with translated():
        async with pool.connection() as conn:
            yield conn


@asynccontextmanager
async def in_transaction(conn: Conn) -> AsyncIterator[None]:
    """In the transaction that is under way, or one of its own."""
    if is_in_transaction(conn):
        yield
        return
    async with conn.transaction():
        yield


def is_in_transaction(conn: Conn) -> bool:
    """Whether a transaction is under way."""
    return conn.info.transaction_status is TransactionStatus.INTRANS


async def dispense_with_the_disk(conn: Conn) -> None:
    """Let this transaction be committed before it is on the disk, as it will be within a second. A crash of Postgres
    meanwhile undoes it whole, and what others committed after it is on the disk no earlier."""
    await conn.execute("SET LOCAL synchronous_commit TO off")


def _lack() -> str:
    """What this process lacks, where it lacks what a connection needs: libpq does not say."""
    try:
        os.close(os.dup(2))
    except OSError as error:
        return f" ({error.strerror})" if error.errno in (errno.EMFILE, errno.ENFILE) else ""
    return ""


async def _check(conn: Conn) -> None:
    assert isinstance(conn, Watched)
    if conn.heard_at > monotonic() - HEARD_WITHIN:
        return
    timer = asyncio.get_running_loop().call_later(CHECK_WITHIN, cut, conn)
    try:
        await AsyncConnectionPool.check_connection(conn)
    finally:
        timer.cancel()


async def _limit(conn: Watched, name: str) -> None:
    """Set its limits: not as it is opened, since a pooler would not pass them on."""
    conn.silence = limits(name).silence
    await conn.execute(_LIMIT, server_limits(name))


def _bare(url: str) -> Connection[Any]:
    return psycopg.connect(url, autocommit=True, connect_timeout=CONNECT_WITHIN)


def _options(name: str) -> dict[str, Any]:
    return {
        "application_name": f"yinfeng-{name}",
        "connect_timeout": CONNECT_WITHIN,
        # A host that vanished says nothing; by default it would be believed in for two hours.
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 20_000,
    }
