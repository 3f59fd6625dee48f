"""Questions that go to Postgres together: in their order, all answered, all or none."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from psycopg import Rollback
from psycopg.pq import TransactionStatus

from schemas.errors import UnusableValue
from storage.database import Conn, connect, translated
from storage.together import Statement, commit_with, together


@pytest.fixture
async def conn(database_url: str) -> AsyncIterator[Conn]:
    async with await connect(database_url, name="test") as connection:
        await connection.execute("CREATE TEMP TABLE said (nth int PRIMARY KEY)")
        yield connection


async def say(conn: Conn, nth: int) -> None:
    await conn.execute("INSERT INTO said VALUES (%s)", [nth])


async def heard(conn: Conn) -> list[int]:
    rows = await (await conn.execute("SELECT nth FROM said ORDER BY nth")).fetchall()
    return [nth for (nth,) in rows]


async def value(conn: Conn, text: str) -> Any:
    row = await (await conn.execute("SELECT %s::int", [text])).fetchone()
    return row[0] if row else None


async def test_each_sees_what_was_asked_before_it_and_nothing_after(conn: Conn):
    async with together(conn) as ask:
        nothing = ask(heard(conn))
        ask(say(conn, 1))
        one = ask(heard(conn))
        ask(say(conn, 2))
        both = ask(heard(conn))
    assert (nothing.result(), one.result(), both.result()) == ([], [1], [1, 2])


async def test_a_transaction_that_begins_with_it_goes_on_after_it(conn: Conn):
    async with AsyncExitStack() as transaction:
        async with together(conn, beginning=transaction) as ask:
            ask(say(conn, 1))
        await say(conn, 2)
        assert await heard(conn) == [1, 2]
    assert await heard(conn) == [1, 2]


@pytest.mark.parametrize("nth", [0, 1, 2])
async def test_the_error_that_is_raised_is_the_statement_s_own_and_nothing_of_the_transaction_stays(
    conn: Conn, nth: int
):
    questions = ["1", "2", "3"]
    questions[nth] = "nothing"

    async def ask_all() -> None:
        async with AsyncExitStack() as transaction, together(conn, beginning=transaction) as ask:
            ask(say(conn, 7))
            for text in questions:
                ask(value(conn, text))
            ask(say(conn, 8))

    with pytest.raises(UnusableValue, match="invalid input syntax"), translated():
        await ask_all()
    assert await heard(conn) == []


async def test_an_error_of_ours_ends_the_others_too(conn: Conn):
    async def refuse() -> None:
        await value(conn, "1")
        raise UnusableValue("not this one")

    async def ask_all() -> None:
        async with AsyncExitStack() as transaction, together(conn, beginning=transaction) as ask:
            ask(refuse())
            ask(say(conn, 1))

    with pytest.raises(UnusableValue, match="not this one"):
        await ask_all()
    assert await heard(conn) == []


async def test_who_is_cancelled_while_it_waits_leaves_nothing_under_way(conn: Conn):
    async def wait_long() -> None:
        async with AsyncExitStack() as transaction:
            async with together(conn, beginning=transaction) as ask:
                ask(say(conn, 1))
                ask(value(conn, "1"))
                slow = ask(sleep(conn))
            slow.result()

    async def sleep(conn: Conn) -> None:
        await (await conn.execute("SELECT pg_sleep(60)")).fetchall()

    waiting = asyncio.create_task(wait_long())
    await asyncio.sleep(0.2)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(waiting, 20)
    others = asyncio.all_tasks() - {asyncio.current_task()}
    assert not [task for task in others if "noting" in repr(task)]
    assert conn.closed or await heard(conn) == []


async def fail_beside(conn: Conn, asked: list[asyncio.Task[None]]) -> None:
    async with together(conn) as ask:
        asked.append(ask(say(conn, 1)))
        raise KeyError


async def test_where_what_is_around_it_fails_no_question_is_begun(conn: Conn):
    """One that was asked and never had its turn would be warned of."""
    asked: list[asyncio.Task[None]] = []
    with pytest.raises(KeyError):
        await fail_beside(conn, asked)
    assert asked[0].cancelled()
    assert await heard(conn) == []


ADD = Statement("INSERT INTO said VALUES (%s)", [2])
NOTHING = Statement("SELECT %s::int", ["nothing"])


async def test_what_is_asked_last_and_the_commit_are_one_message(conn: Conn):
    async with AsyncExitStack() as transaction:
        await transaction.enter_async_context(conn.transaction())
        await say(conn, 1)
        await commit_with(conn, ADD, Statement(), chained=True)
        await conn.execute("ROLLBACK AND CHAIN")  # of what comes after
    assert conn.info.transaction_status is TransactionStatus.IDLE
    assert await heard(conn) == [1, 2]


async def test_with_nothing_to_ask_the_transaction_is_committed_as_ever(conn: Conn):
    async with conn.transaction():
        await say(conn, 1)
        await commit_with(conn, Statement(), chained=True)
    assert await heard(conn) == [1]


async def test_within_another_transaction_that_one_decides(conn: Conn):
    async with conn.transaction() as around:
        async with conn.transaction():
            await commit_with(conn, ADD, chained=False)
        raise Rollback(around)
    assert await heard(conn) == []


@pytest.mark.parametrize("statements", [(NOTHING, ADD), (ADD, NOTHING)])
async def test_an_error_of_what_is_asked_last_undoes_the_transaction(conn: Conn, statements: tuple[Statement, ...]):
    async def last() -> None:
        with translated():
            async with conn.transaction():
                await say(conn, 1)
                await commit_with(conn, *statements, chained=True)

    with pytest.raises(UnusableValue, match="invalid input"):
        await last()
    assert conn.info.transaction_status is TransactionStatus.IDLE
    assert await heard(conn) == []
