"""Questions that go to Postgres together: in their order, all answered, all or none."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from psycopg.pq import TransactionStatus

from schemas.errors import UnusableValue
from storage.database import Conn, connect, translated
from storage.together import together


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


async def test_a_transaction_is_committed_along_with_what_is_asked_last(conn: Conn, database_url: str):
    """Whoever waits for what it locks has it once Postgres is done, though this process does nothing meanwhile."""
    await conn.execute("CREATE TABLE shared (n int)")
    await conn.execute("INSERT INTO shared VALUES (0)")
    async with await connect(database_url, name="test") as other, AsyncExitStack() as transaction:
        await transaction.enter_async_context(conn.transaction())
        heard_it = asyncio.Event()

        async def add() -> int:
            row = await (await conn.execute("UPDATE shared SET n = n + 1 RETURNING n")).fetchone()
            heard_it.set()
            await asyncio.sleep(0.2)  # while it has nothing more to say
            return row[0] if row else 0

        async def look() -> Any:
            await heard_it.wait()
            await asyncio.sleep(0.1)
            return await (await other.execute("SELECT n FROM shared")).fetchone()

        looked = asyncio.create_task(look())
        async with together(conn, ending=transaction) as ask:
            added = ask(add())
        assert await looked == (1,)
        assert added.result() == 1
        assert conn.info.transaction_status is TransactionStatus.IDLE


@pytest.mark.parametrize("nth", [0, 1])
async def test_a_transaction_that_was_to_be_committed_along_is_rolled_back_after_an_error(conn: Conn, nth: int):
    async def last() -> None:
        with translated():
            async with AsyncExitStack() as transaction:
                await transaction.enter_async_context(conn.transaction())
                await say(conn, 1)
                async with together(conn, ending=transaction) as ask:
                    for question in [value(conn, "nothing"), say(conn, 2)][:: 1 - 2 * nth]:
                        ask(question)

    with pytest.raises(UnusableValue, match="invalid input"):
        await last()
    assert conn.info.transaction_status is TransactionStatus.IDLE
    assert await heard(conn) == []


async def test_a_transaction_that_was_to_be_committed_along_is_rolled_back_where_nobody_waits_any_more(conn: Conn):
    async def last() -> None:
        async with AsyncExitStack() as transaction:
            await transaction.enter_async_context(conn.transaction())
            await say(conn, 1)
            async with together(conn, ending=transaction) as ask:
                ask(say(conn, 2))
                await asyncio.sleep(60)

    task = asyncio.create_task(last())
    await asyncio.sleep(0.1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert conn.info.transaction_status is TransactionStatus.IDLE
    assert await heard(conn) == []
