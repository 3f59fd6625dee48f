"""Several questions to Postgres, sent one after another without waiting for the answers in between.

A round trip costs more than a small statement: each wakes two processes. What needs no other's answer goes together, by
libpq's pipeline mode: Postgres carries the statements out in the order in which they were asked, each seeing what those
before it did, while this process is at work on the next one.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, NamedTuple, Protocol, TypeVar

from psycopg import AsyncClientCursor, AsyncTransaction

from storage.database import Conn

T = TypeVar("T")


class Statement(NamedTuple):
    """A statement with the values of its `%s`; an empty one does nothing."""

    query: str = ""
    values: Sequence[Any] = ()


class Ask(Protocol):
    """Begins to ask; the answer is the task's result once the block has ended."""

    def __call__(self, question: Coroutine[Any, Any, T]) -> asyncio.Task[T]: ...


@asynccontextmanager
async def together(conn: Conn, *, beginning: AsyncExitStack | None = None) -> AsyncIterator[Ask]:
    """What is asked within the block goes together, in that order. Of a question that has several statements only the
    first one keeps its place. The error that came first is raised once all have ended; none is under way afterwards.

    `beginning`: a transaction begins with it, and ends with this stack.
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

    async with conn.pipeline():
        if beginning is not None:
            await beginning.enter_async_context(AsyncTransaction(conn))
        try:
            yield ask
            await asyncio.gather(*asked, return_exceptions=True)
        except BaseException:
            await _end(asked, questions)
            raise
        if errors:
            raise errors[0]


async def commit_with(conn: Conn, *statements: Statement, chained: bool) -> None:
    """Carry these out and commit, all sent in one message: what they lock is held for as long as Postgres takes, and
    not until this process, which may have much else to do, has heard of it. An error undoes the transaction as ever.

    `chained`: the transaction is the outermost; an empty one begins in its place, for its block to end. Else these are
    carried out alone, and what is around them commits.
    """
    told = [each for each in statements if each.query]
    if not told:
        return
    query = ";".join([*(each.query for each in told), *(["COMMIT AND CHAIN"] if chained else [])])
    values = [value for each in told for value in each.values]
    await AsyncClientCursor(conn).execute(query.encode(), values)


async def _end(asked: list[asyncio.Task[Any]], questions: list[Coroutine[Any, Any, Any]]) -> None:
    for task in asked:
        task.cancel()
    await asyncio.gather(*asked, return_exceptions=True)
    for question in questions:
        question.close()  # a task that never had its turn did not begin it
