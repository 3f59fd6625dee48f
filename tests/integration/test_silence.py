"""A Postgres that says nothing: those who ask are told so soon, and all goes on when it speaks again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import httpx
import psutil
import psycopg
import pytest

from schemas.errors import ConcurrentChange, DatabaseUnavailable, StatementTooLong
from storage.database import connect, connect_sync, translated
from storage.time_limits import LIMITS, Limits
from tests.facts import hired, opened, target
from tests.platform import Platform, stop, until, whole
from tests.strategies import Event

SHORT = Limits(statement=0.3, lock=0.2, idle=0.5, silence=1.0)


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    running = whole(tmp_path_factory.mktemp("silence") / "home")
    yield running
    stop(running)


@contextmanager
def silent(platform: Platform, name: str) -> Iterator[None]:
    """Every process of this part stands still meanwhile."""
    pid = platform.child(name).pid
    assert pid is not None
    parent = psutil.Process(pid)
    family = [parent, *parent.children(recursive=True)]
    for process in family:
        with suppress(psutil.NoSuchProcess):
            process.suspend()
    yield
    for process in [parent, *parent.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):
            process.resume()


def post(platform: Platform, event: Event) -> httpx.Response:
    key = (platform.home / "organizer.key").read_text().strip()
    return httpx.post(
        f"http://127.0.0.1:{platform.port}/v1/events",
        json=event,
        headers={"Authorization": f"Bearer {key}", "Content-Type": "application/cloudevents+json"},
        timeout=10,
    )


def progress(platform: Platform) -> Any:
    url = platform.state().database_url
    assert url
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT sum(progress) FROM targets").fetchone()
    return row and row[0]


def test_while_postgres_is_silent_a_post_is_answered_and_later_all_goes_on(platform: Platform):
    for event in (opened(), target("t"), hired("c1")):
        assert post(platform, event).status_code == 202
    until(lambda: progress(platform) == 1)
    with silent(platform, "postgres"):
        for _ in range(2):
            answer = post(platform, hired("c2", id="c2"))
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    until(lambda: post(platform, hired("c2", id="c2")).status_code == 202)
    until(lambda: progress(platform) == 2)


@pytest.mark.parametrize("name", ["postgres", "broker", "worker", "relay", "web"])
def test_a_part_that_stands_still_is_started_again_and_all_goes_on(platform: Platform, name: str):
    pid = platform.child(name).pid
    assert pid is not None
    psutil.Process(pid).suspend()
    until(lambda: platform.child(name).pid not in (pid, None) and platform.child(name).state == "ready", 90)
    before = progress(platform) or 0
    until(lambda: is_accepted(platform, [opened(), target("t"), hired(f"after-{name}")]))
    until(lambda: (progress(platform) or 0) > before, 30)


def is_accepted(platform: Platform, events: list[Event]) -> bool:
    try:
        return all(post(platform, event).status_code == 202 for event in events)
    except httpx.HTTPError:
        return False


async def test_a_server_that_is_silent_is_given_up(database_url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(LIMITS, "test", SHORT)
    conn = await connect(database_url, name="test")
    sync = connect_sync(database_url, name="test")
    pids = [conn.info.backend_pid, sync.info.backend_pid]
    for pid in pids:
        psutil.Process(pid).suspend()
    try:
        with pytest.raises(DatabaseUnavailable), translated():
            await conn.execute("SELECT 1")
        with pytest.raises(DatabaseUnavailable), translated():
            sync.execute("SELECT 1")
    finally:
        for pid in pids:
            psutil.Process(pid).resume()
    assert conn.closed
    assert sync.closed


async def test_what_takes_too_long_is_told_by_its_kind(database_url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(LIMITS, "test", SHORT)
    async with await connect(database_url, name="test") as conn:
        with pytest.raises(StatementTooLong), translated():
            await conn.execute("SELECT pg_sleep(5)")
        with psycopg.connect(database_url) as holder:
            holder.execute("LOCK TABLE targets IN ACCESS EXCLUSIVE MODE")
            with pytest.raises(ConcurrentChange), translated():
                await conn.execute("SELECT * FROM targets")
        await conn.execute("BEGIN")
        time.sleep(1)
        with pytest.raises(DatabaseUnavailable), translated():
            await conn.execute("SELECT 1")
