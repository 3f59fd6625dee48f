"""Several questions to Postgres, sent one after another without waiting for the answers in between.

A round trip costs more than a small statement: each wakes two processes. What needs no other's answer goes together, by
libpq's pipeline mode: Postgres carries the statements out in the order in which they were asked, each seeing what those
before it did, while this process is at work on the next one.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any, Protocol, TypeVar

from psycopg import AsyncPipeline, AsyncTransaction
from psycopg.errors import ProgrammingError
from psycopg.pq import TransactionStatus

from storage.database import Conn

T = TypeVar("T")


class Ask(Protocol):
    """Begins to ask; the answer is the task's result once the block has ended."""

    def __call__(self, question: Coroutine[Any, Any, T]) -> asyncio.Task[T]: ...


@asynccontextmanager
async def together(
    conn: Conn, *, beginning: AsyncExitStack | None = None, ending: AsyncExitStack | None = None
) -> AsyncIterator[Ask]:
    """What is asked within the block goes together, in that order. Of a question that has several statements only the
    first one keeps its place. The error that came first is raised once all have ended; none is under way afterwards.

    `beginning`: a transaction begins with it, and ends with this stack. `ending`: this stack's transaction is committed
    along with it, so that nobody waits for what it locks until this process has heard an answer and given another word;
    after an error it is rolled back.
    """
    questions: list[Coroutine[Any, Any, Any]] = []
    asked: list[asyncio.Task[Any]] = []
    errors: list[Exception] = []

    async def noting(question: Coroutine[Any, Any, T]) -> T:
        try:
            return await question
        except Exception as error:
            errors.append(error)  # those that come later say only that there was one
            raise

    def ask(question: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        questions.append(question)
        asked.append(task := asyncio.create_task(noting(question)))
        return task

    async with _Commit(conn, ending) as commit, conn.pipeline() as pipeline:
        if beginning is not None:
            await beginning.enter_async_context(AsyncTransaction(conn))
        try:
            yield ask
            if ending is not None:
                ask(commit.carry_out(pipeline))
            await asyncio.gather(*asked, return_exceptions=True)
        except BaseException:
            await _end(asked, questions)
            raise
        if errors:
            raise errors[0]


class _Commit:
    """The end of a transaction along with the last that is asked in it. Where that failed, it is rolled back: its stack
    has let go of it by then."""

    def __init__(self, conn: Conn, transaction: AsyncExitStack | None) -> None:
        self._conn, self._transaction, self._let_go = conn, transaction, False

    async def carry_out(self, pipeline: AsyncPipeline) -> None:
        """Commit, and send all that is still to be sent."""
        assert self._transaction is not None
        self._let_go = True
        await self._transaction.aclose()
        await pipeline.sync()

    async def __aenter__(self) -> _Commit:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *error: object) -> None:
        over = self._conn.closed or self._conn.info.transaction_status is TransactionStatus.IDLE
        if kind is not None and self._let_go and not over:
            with suppress(ProgrammingError):  # within another transaction, which this error ends
                await self._conn.rollback()


async def _end(asked: list[asyncio.Task[Any]], questions: list[Coroutine[Any, Any, Any]]) -> None:
    for task in asked:
        task.cancel()
    await asyncio.gather(*asked, return_exceptions=True)
    for question in questions:
        question.close()  # a task that never had its turn did not begin it
