"""Walls: a link for the screens of an audience, made and revoked by organizers; who holds it sees targets alone."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import httpx

from storage.access import walls
from storage.database import Conn
from tests.access import COOKIE, csrf, session_of
from tests.facts import CAMPAIGN, event, hired, opened, signed_up, target
from tests.integration.streaming import apply, watching
from tests.integration.test_page_stream import heard

OTHER = "another-2026"


async def world(conn: Conn) -> None:
    """Two campaigns, with people in them."""
    other = [
        event("campaign.opened", campaign=OTHER, title="Secret plan", organizer="P", starts_on="2026-01-01",
              ends_on="2026-12-31"),
        event("target.set", campaign=OTHER, target="t", title="Theirs", measure="hired", goal=4, due_on="2026-12-31"),
    ]  # fmt: skip
    await apply(conn, opened(), target("t", goal=4), signed_up("c1", name="李思雨"), hired("c1"), *other)


async def get(address: str, path: str) -> httpx.Response:
    async with httpx.AsyncClient(base_url=address, headers={"accept": "text/html"}) as http:
        return await http.get(path)


async def test_a_wall_shows_targets_to_whoever_has_its_link_and_names_nobody(conn: Conn, address: str):
    await world(conn)
    token = await walls.create(conn, name="Hall", campaigns=[CAMPAIGN], made_by="test")
    page = await get(address, f"/wall/{token}?lang=en")
    assert page.status_code == 200
    assert 'data-target="t"' in page.text
    assert "Secret plan" not in page.text
    assert "Theirs" not in page.text
    assert "李" not in page.text
    assert not re.search(r'href="/(?!static)', page.text), "it leads nowhere"


async def test_a_wall_of_all_rotates_between_the_campaigns_that_are_on(conn: Conn, address: str):
    await world(conn)
    token = await walls.create(conn, name="Hall", campaigns=None, made_by="test")
    page = await get(address, f"/wall/{token}")
    assert page.text.count('class="slide"') == 2
    await apply(conn, event("campaign.closed", campaign=OTHER, time="2026-05-01T00:00:00Z"))
    assert (await get(address, f"/wall/{token}")).text.count('class="slide"') == 1


async def test_its_stream_tells_what_its_pages_show_of_its_campaigns_alone(conn: Conn, address: str):
    await world(conn)
    token = await walls.create(conn, name="Hall", campaigns=[CAMPAIGN], made_by="test")
    with watching(address, "none", f"/wall/{token}/stream?lang=zh-CN&seen=other:1") as events:
        assert (await asyncio.to_thread(next, events)).name == "redraw"
        await apply(conn, event("hire.started", campaign=OTHER, candidate="x", employer="e", started_on="2026-04-01"))
        await apply(conn, hired("c2"))
        told = await heard(events, "put")
    assert f'data-campaign="{CAMPAIGN}"' in told
    assert OTHER not in told


async def test_when_it_is_revoked_what_is_open_ends_and_nothing_opens_again(conn: Conn, address: str):
    await world(conn)
    token = await walls.create(conn, name="Hall", campaigns=None, made_by="test")
    (wall,) = await walls.listed(conn)
    with watching(address, "none", f"/wall/{token}/stream?seen=other:1") as events:
        assert (await asyncio.to_thread(next, events)).name == "redraw"
        await walls.revoke(conn, wall.wall)
        await asyncio.wait_for(asyncio.to_thread(lambda: list(events)), 60)
    for path in (f"/wall/{token}", f"/wall/{token}/stream"):
        assert (await get(address, path)).status_code == 404


async def test_no_other_token_opens_it(conn: Conn, address: str):
    await world(conn)
    token = await walls.create(conn, name="Hall", campaigns=None, made_by="test")
    (wall,) = await walls.listed(conn)
    nonce, _, signature = token.partition(".")
    changed = signature[:-2] + ("AA" if signature[-2:] != "AA" else "BB")
    for wrong in (nonce, wall.wall, f"{nonce}.", f"{nonce}.{changed}", f"{token}x", f"x{token}", f"%00.{signature}",
                  f"{wall.wall}.{signature}", "%F0%9F%92%A9", "x" * 150):  # fmt: skip
        for path in (f"/wall/{wrong}", f"/wall/{wrong}/stream"):
            assert (await get(address, path)).status_code == 404, path


async def test_organizers_make_list_and_revoke_them_in_the_console(conn: Conn, address: str):
    await world(conn)
    cookie = {COOKIE: await session_of(conn, "organizer")}
    async with httpx.AsyncClient(base_url=address, cookies=cookie, headers={"accept": "text/html"}) as http:
        word = {"csrf": csrf((await http.get("/walls")).text)}
        empty = await http.post("/walls", data={**word, "name": "  "})
        assert (empty.status_code, "This is needed" in empty.text) == (422, True)
        made = await http.post("/walls", data={**word, "name": "Hall <1>", "campaigns": [CAMPAIGN]})
        assert made.status_code == 303
        page = (await http.get("/walls?lang=en")).text
        link = re.search(r"<code>http[^<]*(/wall/[^<]+)</code>", page)
        assert link
        assert "Hall &lt;1&gt;" in page
        assert (await get(address, link[1])).status_code == 200
        (wall,) = await walls.listed(conn)
        assert (wall.campaigns, wall.name) == ([CAMPAIGN], "Hall <1>")
        assert (await http.post(f"/walls/{wall.wall}/revoke", data=word)).status_code == 303
        assert (await http.post(f"/walls/{wall.wall}/revoke", data=word)).status_code == 404
        assert "/wall/" not in re.sub(r'href="/wall"', "", (await http.get("/walls")).text)
        assert (await get(address, link[1])).status_code == 404
    done = await (await conn.execute("SELECT action FROM audit WHERE subject LIKE 'Hall%' ORDER BY id")).fetchall()
    assert [action for (action,) in done] == ["wall_made", "wall_revoked"]


async def test_a_key_of_the_table_alone_makes_no_link(conn: Conn):
    """Whoever reads the rows without the installation's secret has no link."""
    token = await walls.create(conn, name="Hall", campaigns=None, made_by="test")
    (wall,) = await walls.listed(conn)
    assert token.partition(".")[2] not in str(wall)
    tokens: dict[str, Any] = await walls.tokens(conn, [wall])
    assert tokens == {wall.wall: token}
