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
    one, other = (Draining(ask, holder=holder, batch_size=WHOLE) for holder in ("one", "other"))
    async with running(one, other):
        one.note(WHOLE // 100)
        await asyncio.sleep(0.2)
        assert not await goes_on(conn)
        for each in (one, other):
            each.note(WHOLE // 2)
            each.note(1)
            await until(conn, wanted=True)
        await asyncio.sleep(0.2)
        await conn.execute("UPDATE leases SET expires_at = now()")
        one.note(1)
        await asyncio.sleep(0.2)
        assert not await goes_on(conn)
        other.note(WHOLE)
        await until(conn, wanted=True)
    await ask.close()
