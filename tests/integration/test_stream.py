"""`GET /v1/targets/stream` on a real web app: snapshot, changes, resume, heartbeats; with and without a broker."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import time

import httpx
import pytest

from dashboard import stream
from dashboard.doorbell import listen
from dashboard.following import StreamEvent, follow, make_client
from schemas.errors import Refused
from storage.access import keys
from storage.campaigns import announcements
from storage.database import Conn
from tests.facts import event, hired, target
from tests.integration.streaming import apply, following, watching
from tests.platform import free_port
from tests.web import served

CHANGES = 60


@pytest.fixture
async def key(conn: Conn) -> str:
    return await keys.create(conn, name="wall", role="viewer")


async def test_all_that_stands_then_every_change(conn: Conn, address: str, key: str):
    await apply(conn, target("t", goal=4), hired("c1"))
    with watching(address, key) as events:
        name, first, first_id = await following(events)
        assert (name, first) == (
            "progress",
            {
                "campaign": "grads-2026",
                "target": "t",
                "title": "t",
                "measure": "hired",
                "goal": 4,
                "progress": 1,
                "due_on": "2026-12-31",
                "where": {},
            },
        )
        await apply(conn, hired("c2"), hired("c3"))
        name, second, second_id = await following(events)
        assert (name, second["progress"]) == ("progress", 3)
        assert int(second_id or 0) > int(first_id or 0)
        await apply(conn, event("target.withdrawn", target="t", time="2026-05-01T00:00:00Z"))
        assert (await following(events))[:2] == ("withdrawn", {"campaign": "grads-2026", "target": "t"})


async def test_who_comes_back_goes_on_where_it_was(conn: Conn, address: str, key: str):
    same = target("same", where={"employer": ["nobody"]})
    await apply(conn, target("gone"), target("moved", where={"employer": ["other"]}), same)
    with watching(address, key) as events:
        seen = [await following(events) for _ in range(3)]
    withdrawal = event("target.withdrawn", target="gone", time="2026-05-01T00:00:00Z")
    await apply(conn, hired("c1", employer="other"), withdrawal)
    with watching(address, key, last_event_id=str(seen[-1][2])) as events:
        told = [(name, entry["target"]) for name, entry, _ in [await following(events) for _ in range(2)]]
    assert told == [("withdrawn", "gone"), ("progress", "moved")]


@pytest.mark.parametrize("last", ["x", "-1", "99999999999999999999999", "²", "1e3", "12345"])
async def test_an_id_that_is_none_of_ours_means_all(conn: Conn, address: str, key: str, last: str):
    await apply(conn, target("t"))
    with watching(address, key, last_event_id=last) as events:
        assert (await following(events))[1]["target"] == "t"


async def test_of_one_campaign_only(conn: Conn, address: str, key: str):
    other = target("theirs") | {"data": {**target("theirs")["data"], "campaign": "other"}}
    await apply(conn, target("t"), other)
    with watching(address, key, "/v1/targets/stream?campaign=other") as events:
        assert (await following(events))[1]["target"] == "theirs"


@pytest.mark.parametrize(("role", "employer"), [("viewer", None), ("organizer", None), ("employer", "huayou")])
async def test_every_role_may_watch(conn: Conn, address: str, role: str, employer: str | None):
    await apply(conn, target("t", measure="signed_up"))
    with watching(address, await keys.create(conn, name="k", role=role, employer=employer)) as events:
        assert (await following(events))[0] == "progress"


async def test_nobody_else_may(address: str):
    async with httpx.AsyncClient(base_url=address) as http:
        for headers in ({}, {"authorization": "Bearer yf_a_b"}):
            assert (await http.get("/v1/targets/stream", headers=headers)).status_code == 401


async def test_it_beats_while_nothing_happens(database_url: str, conn: Conn, key: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(stream.make_router, "__kwdefaults__", {"heartbeat": 0.05})
    with served(database_url) as at:
        with watching(at, key, "/v1/targets/stream?heartbeats=event") as events:
            assert [(await following(events))[0] for _ in range(3)] == ["ping"] * 3
        with make_client(at, key) as client, client.stream("GET", "/v1/targets/stream") as answer:
            lines = answer.iter_lines()
            assert await asyncio.to_thread(lambda: next(line for line in lines if line.startswith(":")))


class Enough(Exception):
    """Ends what would go on for ever."""


async def test_a_follower_goes_on_through_an_outage_and_hears_only_what_it_missed(
    database_url: str, conn: Conn, key: str
):
    await apply(conn, target("same", where={"employer": ["nobody"]}), target("t"))
    told: list[tuple[str, int]] = []
    states: list[str | None] = []

    def on_event(found: StreamEvent) -> None:
        entry = json.loads(found.data)
        told.append((entry["target"], entry["progress"]))
        if entry["progress"]:
            raise Enough

    def run(at: str) -> None:
        with make_client(at, key) as client:
            follow(client, None, on_event=on_event, on_state=states.append, sleep=lambda _: time.sleep(0.1))

    port = free_port()
    with served(database_url, port=port) as at:
        watcher = asyncio.create_task(asyncio.to_thread(run, at))
        while len(told) < 2:
            await asyncio.sleep(0.01)
    while len(states) < 2:
        await asyncio.sleep(0.01)
    await apply(conn, hired("c1"))
    with served(database_url, port=port), pytest.raises(Enough):
        await watcher
    assert told == [("same", 0), ("t", 0), ("t", 1)]
    assert states[0] is None
    assert "trying again" in str(states[1])


def test_a_follower_that_is_refused_says_so(address: str):
    with make_client(address, "yf_a_b") as client, pytest.raises(Refused, match="revoked"):
        follow(client, None, on_event=print, on_state=print, sleep=print)


async def test_the_bell_rings_at_each_word_and_waits_for_a_database_that_is_away(database_url: str, conn: Conn):
    rung = asyncio.Event()
    nobody = asyncio.create_task(listen("postgresql://127.0.0.1:1/nowhere", rung.set))
    await asyncio.sleep(0.2)
    assert not nobody.done()
    assert not rung.is_set()
    listening = asyncio.create_task(listen(database_url, rung.set))
    for _ in range(3):
        await asyncio.wait_for(rung.wait(), 60)
        rung.clear()
        await announcements.ring(conn)
    for task in (nobody, listening):
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()


async def test_a_listener_that_takes_nothing_harms_nobody(conn: Conn, address: str, key: str):
    await apply(conn, target("t", goal=4))
    host, port = address.removeprefix("http://").split(":")
    request = f"GET /v1/targets/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n\r\n"
    with socket.create_connection((host, int(port))) as deaf, watching(address, key) as events:
        deaf.sendall(request.encode())
        await following(events)
        for number in range(5):
            await apply(conn, hired(f"c{number}"))
            await announcements.ring(conn)
            assert (await following(events))[1]["progress"] == number + 1


async def test_who_reads_slowly_is_told_how_things_stand_and_not_all_that_was(conn: Conn, address: str, key: str):
    """Its line is full after a few pages of news. What it reads then: those, and at once the newest."""
    await apply(conn, target("t", goal=400))
    host, port = address.removeprefix("http://").split(":")
    request = f"GET /targets/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n\r\n"
    with socket.socket() as slow, watching(address, key) as events:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect((host, int(port)))
        slow.sendall(request.encode())
        await following(events)
        for number in range(CHANGES):
            await apply(conn, hired(f"c{number}"))
            await announcements.ring(conn)
            assert (await following(events))[1]["progress"] == number + 1
        told = await asyncio.to_thread(_read_until, slow, f">{CHANGES}<".encode())
    assert told.count(b"event: put") < CHANGES / 2


def _read_until(line: socket.socket, word: bytes) -> bytes:
    line.settimeout(10)
    told = b""
    while word not in told:
        told += line.recv(4096)
    return told


async def test_open_streams_hold_up_no_stop(database_url: str, conn: Conn, key: str):
    with contextlib.ExitStack() as stack:
        with served(database_url) as at:
            client = stack.enter_context(make_client(at, key))
            answer = stack.enter_context(client.stream("GET", "/v1/targets/stream"))
            lines = answer.iter_lines()
            assert next(lines) == "retry: 1000"
        assert list(lines) is not None  # ended in order: a line that is cut raises
