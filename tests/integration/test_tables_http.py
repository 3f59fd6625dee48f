"""Tables that are taken away over HTTP: one caller has so many at a time, and leaves places to others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from typing import Any

import httpx
import pytest

from dashboard import taking_away
from dashboard.taking_away import MOST_TABLES
from schemas.settings import Settings
from storage.access import keys
from storage.database import Conn, connect
from tests.facts import CAMPAIGN, opened, signed_up, target
from tests.integration.forms import signed_in
from tests.integration.reading import Reader, apply
from yinfeng.web.app import create_app

LIST = f"/v1/campaigns/{CAMPAIGN}/candidates"
COUNTED = f"/v1/campaigns/{CAMPAIGN}/targets/t/counted"
AUDIT = "/accounts/audit"
READ = {LIST: "journeys", COUNTED: "journeys", AUDIT: "audit"}  # what their tables are read from


@pytest.fixture
async def holding(database_url: str, conn: Conn) -> AsyncIterator[Conn]:
    """Somebody who may hold what is read for a table, so that it waits for them."""
    await apply(conn, opened(), target("t"), signed_up("c1"))
    async with await connect(database_url, name="test") as other:
        yield other


async def answered(
    *asked: Awaitable[httpx.Response], first: int = 0
) -> tuple[list[httpx.Response], list[asyncio.Task[Any]]]:
    """The answers that there are a moment after the `first` ones, and who waits still."""
    tasks = [asyncio.ensure_future(each) for each in asked]
    async with asyncio.timeout(60):
        while sum(task.done() for task in tasks) < first:
            await asyncio.sleep(0.05)
    done, waiting = await asyncio.wait(tasks, timeout=1)
    return [each.result() for each in done], [*waiting]


@pytest.mark.parametrize("form", ["csv", "xlsx"])
@pytest.mark.parametrize("path", READ)
async def test_who_has_so_many_tables_is_told_to_wait_before_another_begins(
    readers: dict[str, Reader], holding: Conn, conn: Conn, path: str, form: str
):
    organizer = readers["organizer"]
    other = Reader(organizer.http, {"authorization": f"Bearer {await keys.create(conn, name='p', role='organizer')}"})
    async with holding.transaction():
        await holding.execute(f"LOCK TABLE {READ[path]}")
        table = f"{path}?format={form}"
        (refused,), waiting = await answered(*[organizer.get(table) for _ in range(MOST_TABLES + 1)], first=1)
        others, further = await answered(other.get(table), organizer.get(path))
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "60")
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["detail"] == (
        f"{MOST_TABLES} tables are being taken away already by this key or account; take this one when they are whole"
    )
    assert others == []
    assert {task.result().status_code for task in (await asyncio.wait(waiting + further))[0]} == {200}
    assert (await organizer.get(table)).status_code == 200


async def test_what_was_refused_is_not_noted_as_taken_away(readers: dict[str, Reader], holding: Conn, conn: Conn):
    async with holding.transaction():
        await holding.execute("LOCK TABLE journeys")
        asked = [readers["organizer"].get(f"{LIST}?format=csv") for _ in range(MOST_TABLES + 3)]
        _, waiting = await answered(*asked, first=3)
    await asyncio.wait(waiting)
    cursor = await conn.execute("SELECT count(*) FROM audit WHERE action = 'candidates_exported'")
    assert await cursor.fetchone() == (MOST_TABLES,)


def test_one_caller_leaves_a_place_to_others():
    assert MOST_TABLES < taking_away.AT_ONCE


@pytest.mark.parametrize(
    ("lang", "said"),
    [("en", f"{MOST_TABLES} tables are being taken away already"), ("zh-CN", f"已有 {MOST_TABLES} 份表格正在导出")],
)
async def test_a_person_is_told_why(database_url: str, holding: Conn, conn: Conn, lang: str, said: str):
    app = create_app(Settings(database_url=database_url, kafka="127.0.0.1:1"))
    async with app.router.lifespan_context(app), await signed_in(app, conn) as http:
        http.headers["accept-language"] = lang
        async with holding.transaction():
            await holding.execute("LOCK TABLE journeys")
            (refused,), waiting = await answered(
                *[http.get(f"{LIST}?format=csv") for _ in range(MOST_TABLES + 1)], first=1
            )
        await asyncio.wait(waiting)
    assert (refused.status_code, refused.headers["content-type"]) == (429, "text/html; charset=utf-8")
    assert said in refused.text
