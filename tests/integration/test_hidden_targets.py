"""An employer reads targets that count itself alone, or nothing that employers do: others are as if they
were not there. Of one that all employers share it knows its own part."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from storage.access import keys
from storage.database import Conn
from tests.facts import CAMPAIGN, hired, opened, target
from tests.integration.streaming import apply, following, watching
from yinfeng.cli import make_cli

HIDDEN = ("t-all", "t-rival", "t-two")
SEEN = ("a-signups", "z-ours")
HTML = {"accept": "text/html"}


@pytest.fixture
async def key(conn: Conn) -> str:
    """Huayou's, in a campaign with targets of everybody, of its own, of its rival and of the two."""
    await apply(
        conn,
        opened(),
        target("a-signups", "signed_up"),
        target("t-all"),
        target("t-rival", where={"employer": ["rival"]}),
        target("t-two", where={"employer": ["huayou", "rival"]}),
        target("z-ours", where={"employer": ["huayou"]}),
        hired("c1", employer="huayou"),
        hired("c2", employer="rival"),
    )
    return await keys.create(conn, name="e", role="employer", employer="huayou")


async def get(at: str, key: str, path: str, **headers: str) -> httpx.Response:
    async with httpx.AsyncClient(base_url=at, headers={"authorization": f"Bearer {key}"} | headers) as http:
        return await http.get(path)


async def test_lists_have_what_it_reads_page_by_page(conn: Conn, address: str, key: str):
    path = f"/v1/campaigns/{CAMPAIGN}/targets"
    assert [row["target"] for row in (await get(address, key, path)).json()] == list(SEEN)
    first = await get(address, key, f"{path}?limit=1")
    assert [row["target"] for row in first.json()] == ["a-signups"]
    second = await get(address, key, first.links["next"]["url"])
    assert [row["target"] for row in second.json()] == ["z-ours"]
    assert "next" not in second.links
    for role in ("organizer", "viewer"):
        other = await keys.create(conn, name=role, role=role)
        assert len((await get(address, other, path)).json()) == 5


async def test_the_address_of_a_hidden_one_is_that_of_none(address: str, key: str):
    paths = {name: f"/v1/campaigns/{CAMPAIGN}/targets/{name}/counted" for name in (*HIDDEN, *SEEN, "none")}
    answers = {name: await get(address, key, path) for name, path in paths.items()}
    assert {name: answer.status_code for name, answer in answers.items()} == {
        **dict.fromkeys((*HIDDEN, "none"), 404),
        **dict.fromkeys(SEEN, 200),
    }
    for name in HIDDEN:
        assert answers[name].text.replace(name, "none") == answers["none"].text.replace(paths["none"], paths["none"])
        assert "Yinfeng-Progress" not in answers[name].headers


@pytest.mark.parametrize(
    "path",
    ["/v1/campaigns", f"/v1/campaigns/{CAMPAIGN}", "/", "/wall", f"/wall?campaign={CAMPAIGN}",
     f"/campaigns/{CAMPAIGN}/employers/huayou"],
)  # fmt: skip
async def test_no_page_shows_it(address: str, key: str, path: str):
    shown = await get(address, key, path, **({} if path.startswith("/v1") else HTML))
    assert shown.status_code == 200
    for name in HIDDEN:
        assert f'data-target="{name}"' not in shown.text
        assert name == "t-all" or name not in shown.text  # of that one its own page tells its part
    if not path.startswith("/v1"):
        assert 'data-target="z-ours"' in shown.text


async def test_its_own_page_tells_its_part_of_one_that_all_share_and_no_more(conn: Conn, address: str, key: str):
    await apply(conn, *(hired(f"r{n}", employer="rival") for n in range(69)))  # 70 of theirs, one of ours
    page = (await get(address, key, f"/campaigns/{CAMPAIGN}/employers/huayou?lang=en", **HTML)).text
    [told] = re.findall(r"<h3 class=\"name\">t-all</h3>.*?</article>", page, re.S)
    assert "<strong>1</strong>" in told
    assert not re.search(r"\b7[01]\b", page)


async def test_what_is_drawn_anew_of_hidden_targets_it_is_not_told(conn: Conn, address: str, key: str):
    with watching(address, key, f"/targets/stream?campaign={CAMPAIGN}&seen=") as events:
        await until(events, "")
        later = {"time": "2026-05-01T09:00:00+08:00"}
        await apply(conn, target("t-rival", id="g", goal=7, where={"employer": ["rival"]}, **later))
        await asyncio.sleep(1)
        await apply(conn, target("z-ours", id="h", goal=8, where={"employer": ["huayou"]}, **later))
        names = []
        while not names or names[-1] != "redraw":
            names.append((await asyncio.to_thread(next, events)).name)
    assert names[0] == "put"  # of its own: nothing was drawn anew before


async def test_the_command_shows_what_it_reads(address: str, key: str):
    ran = await asyncio.to_thread(
        CliRunner().invoke, make_cli(), ["targets"], env={"YINFENG_URL": address, "YINFENG_KEY": key}
    )
    assert ran.exit_code == 0, ran.output
    assert all(name in ran.output for name in SEEN)
    assert not any(name in ran.output for name in HIDDEN)


async def until(events: Any, word: str) -> list[str]:
    """All data that come until one has this word."""
    told: list[str] = []
    while not told or word not in told[-1]:
        told.append((await asyncio.to_thread(next, events)).data)
    return told


async def test_the_stream_of_numbers_tells_of_what_it_reads(conn: Conn, address: str, key: str):
    with watching(address, key) as events:
        first = {(await following(events))[1]["target"] for _ in range(2)}
        assert first == set(SEEN)
        await apply(conn, hired("c3", employer="rival"))
        await apply(conn, target("last", where={"employer": ["huayou"]}))
        told = await until(events, '"last"')
    assert not any(name in each for each in told for name in HIDDEN)


@pytest.mark.parametrize("of", ["targets", "charts"])
async def test_the_stream_of_pages_tells_of_what_it_reads(conn: Conn, address: str, key: str, of: str):
    with watching(address, key, f"/targets/stream?campaign={CAMPAIGN}&of={of}&seen=other:1") as events:
        await until(events, "")
        await apply(conn, hired("c3", employer="rival"))
        await asyncio.sleep(1)
        await apply(conn, hired("c4", employer="huayou"), target("last", where={"employer": ["huayou"]}))
        told = await until(events, 'data-target="last"')
    assert not any(name in each for each in told for name in HIDDEN)


async def test_one_that_is_narrowed_to_another_is_gone(conn: Conn, address: str, key: str):
    with watching(address, key) as events:
        seen = [await following(events) for _ in range(2)]
        again = target("z-ours", id="again", where={"employer": ["rival"]}, time="2026-05-01T09:00:00+08:00")
        await apply(conn, again)
        gone = ("withdrawn", {"campaign": CAMPAIGN, "target": "z-ours"})
        assert (await following(events))[:2] == gone
    with watching(address, key, last_event_id=str(max(int(id or 0) for _, _, id in seen))) as events:
        assert (await following(events))[:2] == gone
