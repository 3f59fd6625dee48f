"""Requests that arrive together are committed together, and each has its own answer whatever becomes of the others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from psycopg_pool import AsyncConnectionPool

from producers.committing import FEW, MOST_WAITING, Committing
from schemas.errors import DatabaseUnavailable, Unauthorized, Unavailable, UnusableValue
from schemas.facts import Fact
from storage.access import keys
from storage.database import Conn, make_pool
from storage.ledger import ledger
from tests.facts import facts, signed_up


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[AsyncConnectionPool[Conn]]:
    async with make_pool(database_url, name="web") as made:
        yield made


@pytest.fixture
def committing(pool: AsyncConnectionPool[Conn]) -> Committing:
    return Committing(pool)


def said(*ids: str) -> list[Fact]:
    return facts(signed_up(f"c-{id}", id=id) for id in ids)


def asked(committing: Committing, *requests: Sequence[Fact]) -> list[asyncio.Task[Any]]:
    """So many requests at once, each of another poster."""
    return [
        asyncio.create_task(committing.append(request, posted_by=f"key:{n}", size=300 * len(request)))
        for n, request in enumerate(requests)
    ]


async def rows(conn: Conn, query: str) -> list[tuple[Any, ...]]:
    return await (await conn.execute(query)).fetchall()


async def test_those_that_come_together_share_commits_and_each_stands_under_its_own_name(
    committing: Committing, conn: Conn
):
    requests = [said(f"{n}a", f"{n}b") for n in range(50)]
    answers = await asyncio.gather(*asked(committing, *requests))
    assert [set(answer) for answer in answers] == [{fact.identity for fact in request} for request in requests]
    assert await rows(conn, "SELECT seq, posted_by FROM facts ORDER BY seq") == sorted(
        (seq, f"key:{n}") for n, answer in enumerate(answers) for seq in answer.values()
    )
    [(commits,)] = await rows(conn, "SELECT count(DISTINCT xmin::text) FROM facts")
    assert commits <= 3
    assert await rows(conn, "SELECT seq FROM facts EXCEPT SELECT seq FROM pending WHERE size > 100") == []


async def test_one_alone_and_a_large_one_are_committed_too(committing: Committing, conn: Conn):
    large = said(*(f"l{n}" for n in range(FEW + 1)))
    assert len(await committing.append(said("a"), posted_by="key:k", size=300)) == 1
    assert len(await committing.append(large, posted_by="key:k", size=300 * len(large))) == FEW + 1
    assert await committing.append(said("a"), posted_by="key:k", size=300) == {}
    assert await rows(conn, "SELECT count(*) FROM facts") == [(FEW + 2,)]


async def test_of_those_that_say_the_same_it_is_new_of_one(committing: Committing, conn: Conn):
    answers = await asyncio.gather(*asked(committing, *([said("same", f"own-{n}") for n in range(20)])))
    assert sorted(len(answer) for answer in answers) == [1] * 19 + [2]
    assert await rows(conn, "SELECT count(*) FROM facts") == [(21,)]


async def test_a_fact_that_postgres_refuses_harms_no_other(committing: Committing, conn: Conn):
    await conn.execute("""
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'no such value' USING ERRCODE = 'data_exception'; END $$;
        CREATE TRIGGER refuse BEFORE INSERT ON facts FOR EACH ROW WHEN (NEW.id = 'bad') EXECUTE FUNCTION refuse()
    """)
    found = await asyncio.gather(
        *asked(committing, *(said("bad" if n == 5 else f"good{n}") for n in range(20))), return_exceptions=True
    )
    assert isinstance(found[5], UnusableValue)
    assert all(isinstance(answer, dict) and len(answer) == 1 for n, answer in enumerate(found) if n != 5)


@pytest.mark.parametrize("place", [0, 5])
async def test_who_waits_for_anothers_lock_holds_up_nobody(committing: Committing, conn: Conn, place: int):
    [held] = said("held")
    async with conn.transaction():
        await ledger.append(conn, [held], posted_by="key:other")
        tasks = asked(committing, *([held] if n == place else said(f"e{n}") for n in range(10)))
        blocked = tasks.pop(place)
        assert [len(answer) for answer in await asyncio.gather(*tasks)] == [1] * 9
        assert not blocked.done()
    assert await blocked == {}


async def test_a_client_that_goes_is_not_waited_for(committing: Committing, conn: Conn):
    gone, *others = asked(committing, *(said(f"e{n}") for n in range(10)))
    await asyncio.sleep(0)
    gone.cancel()
    assert [len(answer) for answer in await asyncio.gather(*others)] == [1] * 9
    assert gone.cancelled()


async def test_while_the_database_is_away_each_is_told_and_later_all_goes_on(committing: Committing, conn: Conn):
    async with conn.transaction():
        await conn.execute("LOCK TABLE facts IN ACCESS EXCLUSIVE MODE")
        waiting = asked(committing, said("a"), said("b"), said("c"))
        while not all(task.done() for task in waiting):
            await conn.execute("SELECT pg_stat_clear_snapshot()")  # whoever came since the transaction began, too
            await conn.execute(CUT)
            await asyncio.sleep(0.01)
        found = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(each) for each in found] == [DatabaseUnavailable] * 3
    answers = await asyncio.gather(*asked(committing, said("a"), said("b"), said("c")))
    assert [len(answer) for answer in answers] == [1] * 3


CUT = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND wait_event_type = 'Lock'
"""


async def test_so_many_that_wait_are_told_to_come_again(committing: Committing):
    tasks = asked(committing, *([said("same")] * (MOST_WAITING + 50)))
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert any(isinstance(each, Unavailable) for each in found)
    assert sum(len(each) for each in found if isinstance(each, dict)) == 1


async def test_many_keys_are_verified_at_once_each_for_what_it_is(pool: AsyncConnectionPool[Conn], conn: Conn):
    tokens = [await keys.create(conn, name=f"k{n}", role="organizer") for n in range(5)]
    known = keys.Keys(pool)
    wrong = [tokens[0][:-1] + ("A" if tokens[0][-1] != "A" else "B"), "yf_0_0", "", "yf_\0_x", "yf__"]
    found = await asyncio.gather(*(known.verify(each) for each in (*tokens * 3, *wrong)), return_exceptions=True)
    assert [caller.name for caller in found[:15]] == [f"k{n}" for n in range(5)] * 3
    assert [type(each) for each in found[15:]] == [Unauthorized] * 5
    await keys.revoke(conn, tokens[1].split("_")[1])
    again = await asyncio.gather(known.verify(tokens[0]), known.verify(tokens[1]), return_exceptions=True)
    assert [type(each).__name__ for each in again] == ["Caller", "Unauthorized"]


async def test_while_the_database_is_away_no_key_is_wrong():
    async with make_pool("postgresql://127.0.0.1:1/nowhere", name="web") as pool:
        pool.timeout = 0.2
        known = keys.Keys(pool)
        found = await asyncio.gather(*(known.verify(f"yf_{n}_x") for n in range(5)), return_exceptions=True)
    assert [type(each) for each in found] == [DatabaseUnavailable] * 5
