"""`GET /targets/stream` on a real web app: what a page is told is what it would show if it were loaded now."""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import Iterator

import httpx
import pytest

from dashboard.following import StreamEvent
from schemas.access import Role
from storage.access import keys
from storage.database import Conn
from tests.facts import CAMPAIGN, event, hired, opened, target
from tests.integration.streaming import apply, watching


async def key_of(conn: Conn, role: Role) -> str:
    return await keys.create(conn, name=role, role=role)


async def page_of(at: str, key: str, path: str) -> str:
    async with httpx.AsyncClient(base_url=at, headers={"authorization": f"Bearer {key}"}) as http:
        return (await http.get(path, headers={"accept": "text/html"})).text


async def stream_of(at: str, key: str, path: str) -> str:
    """Where the script of this page listens, once the web app has seen the targets that the page shows."""
    for _ in range(100):
        page = await page_of(at, key, path)
        found = re.search(r'data-stream="([^"]+)" data-seen="(\w+):(\d+)"', page)
        if found and int(found[3]) >= max(map(int, re.findall(r'data-revision="(\d+)"', page))):
            return html.unescape(f"{found[1]}&seen={found[2]}:{found[3]}")
        await asyncio.sleep(0.05)
    raise AssertionError("the page names no stream")


def elements(text: str, kind: str) -> list[str]:
    """The elements of a kind, without what spaces they are drawn with."""
    return [re.sub(r"\s+", " ", found[0]) for found in re.finditer(rf"<{kind}\b.*?</{kind}>", text, re.DOTALL)]


async def heard(events: Iterator[StreamEvent], name: str, word: str = "") -> str:
    """The data of the next event of this name in which this word stands."""
    while (found := await asyncio.to_thread(next, events)).name != name or word not in found.data:
        pass
    return found.data


@pytest.mark.parametrize("lang", ["en", "zh-CN"])
@pytest.mark.parametrize("path", ["/", "/wall", f"/campaigns/{CAMPAIGN}"])
async def test_a_fragment_is_what_the_page_shows(conn: Conn, address: str, path: str, lang: str):
    await apply(conn, opened(), target("t", goal=4))
    key = await key_of(conn, "organizer")
    at = f"{path}?lang={lang}"
    with watching(address, key, await stream_of(address, key, at)) as events:
        await apply(conn, hired("c1"))
        told = await heard(events, "put", "<article")
    assert elements(told, "article") == elements(await page_of(address, key, at), "article")


async def test_charts_and_what_leadership_looks_at_are_what_the_page_shows(conn: Conn, address: str):
    await apply(conn, opened(), target("t", goal=4), hired("c1"))
    key, at = await key_of(conn, "organizer"), f"/campaigns/{CAMPAIGN}"
    with watching(address, key, await stream_of(address, key, at)) as events:
        told = await heard(events, "put", "<figure")
    page = await page_of(address, key, at)
    for kind in ("figure", "dl"):
        assert elements(told, kind) == elements(page, kind)
    drawn = elements(told, "table")
    assert len(drawn) > 2
    assert drawn == elements(page, "table")[: len(drawn)]


async def test_a_page_goes_on_where_it_was_drawn(conn: Conn, address: str):
    await apply(conn, opened(), target("t", goal=4), target("other", goal=9, where={"employer": ["nobody"]}))
    key = await key_of(conn, "viewer")
    stream = await stream_of(address, key, "/")
    await apply(conn, hired("c1"))
    with watching(address, key, stream) as events:
        assert 'data-target="t"' in await heard(events, "put")
        await apply(conn, event("target.withdrawn", target="other", time="2026-05-01T00:00:00Z"))
        assert await heard(events, "redraw")


async def test_a_page_of_another_process_is_drawn_anew(conn: Conn, address: str):
    await apply(conn, opened(), target("t", goal=4))
    key = await key_of(conn, "viewer")
    with watching(address, key, "/targets/stream?seen=other:1") as events:
        assert (await asyncio.to_thread(next, events)).name == "redraw"


async def test_a_milestone_is_said_in_the_readers_language(conn: Conn, address: str):
    await apply(conn, opened(), target("t", goal=4))
    key = await key_of(conn, "viewer")
    with watching(address, key, await stream_of(address, key, "/?lang=zh-CN")) as events:
        await apply(conn, hired("c1"), hired("c2"))
        assert "t已达 50%" in await heard(events, "reached")


async def test_an_employer_s_page_is_drawn_anew_when_its_own_part_of_what_all_share_changes(conn: Conn, address: str):
    """And not when a rival's does."""
    ours = target("ours", goal=4, where={"employer": ["huayou"]})
    await apply(conn, opened(), target("t", goal=4), ours, hired("c1"), hired("c2", employer="rival"))
    key = await keys.create(conn, name="huayou", role="employer", employer="huayou")
    with watching(address, key, await stream_of(address, key, f"/campaigns/{CAMPAIGN}/employers/huayou")) as events:
        redrawn = asyncio.ensure_future(heard(events, "redraw"))
        await apply(conn, hired("c3", employer="rival"))
        assert await asyncio.wait({redrawn}, timeout=1.5) == (set(), {redrawn})
        await apply(conn, hired("c4"))
        await asyncio.wait_for(redrawn, 10)


async def test_nobody_else_may(address: str):
    async with httpx.AsyncClient(base_url=address) as http:
        assert (await http.get("/targets/stream")).status_code == 401
