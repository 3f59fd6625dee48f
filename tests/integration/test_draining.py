"""Workers say that facts pour in, and every sender sees it, whichever worker's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from notifications.sending.drain import DrainSeen
from storage.database import Conn
from streams.draining import Draining
from streams.persisting import Persistence

WHOLE = 2000  # facts of a batch
CHUNK = 250


async def goes_on(conn: Conn) -> bool:
    seen = DrainSeen()
    await seen.look(conn)
    return seen.goes_on


@asynccontextmanager
async def running(*draining: Draining) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(each.run()) for each in draining]
    await asyncio.sleep(0.1)
    yield
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def until(conn: Conn, wanted: bool) -> None:
    async with asyncio.timeout(10):
        while await goes_on(conn) != wanted:
            await asyncio.sleep(0.02)


async def test_it_is_said_as_soon_as_many_facts_wait_and_again_while_they_do(
    conn: Conn, database_url: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("streams.draining.SAID_EVERY", 0.05)
    ask = Persistence(database_url, name="test", jitter=lambda: 1.0)
    one, other = (Draining(ask, holder=holder, batch_size=WHOLE, chunk_size=CHUNK) for holder in ("one", "other"))
    async with running(one, other):
        one.note_applied(WHOLE // 100)
        await asyncio.sleep(0.2)
        assert not await goes_on(conn)
        for each in (one, other):
            each.note_applied(WHOLE // 2)
            each.note_applied(1)
            await until(conn, wanted=True)
        await asyncio.sleep(0.2)
        await conn.execute("UPDATE leases SET expires_at = now()")
        one.note_applied(1)
        await asyncio.sleep(0.2)
        assert not await goes_on(conn)
        other.note_applied(WHOLE)
        await until(conn, wanted=True)
    await ask.close()


@pytest.mark.parametrize(
    ("together", "waiting", "pours"), [(CHUNK, WHOLE, True), (CHUNK, CHUNK, False), (15, 5 * WHOLE, False)]
)
async def test_facts_pour_in_where_many_came_together_not_where_a_few_at_a_time_wait_for_a_lock(
    conn: Conn, database_url: str, together: int, waiting: int, *, pours: bool
):
    ask = Persistence(database_url, name="test", jitter=lambda: 1.0)
    draining = Draining(ask, holder="one", batch_size=WHOLE, chunk_size=CHUNK)
    async with running(draining):
        draining.note_read(together, waiting)
        if pours:
            await until(conn, wanted=True)
        else:
            await asyncio.sleep(0.3)
            assert not await goes_on(conn)
    await ask.close()
