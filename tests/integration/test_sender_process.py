"""The sender beside a worker: woken by it, started anew when it ends or hangs, and ended with it."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable

import psutil
import pytest

from schemas.settings import load_settings
from tests.facts import opened
from tests.integration.office import Office
from tests.integration.test_sending import person
from yinfeng import sender_process
from yinfeng.sender_process import SenderProcess


@pytest.fixture(autouse=True)
def _soon(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YINFENG_DATABASE_URL", database_url)
    monkeypatch.setattr(sender_process, "DELAYS", (0.05, 0.05))


def nothing() -> None:
    pass


@pytest.fixture
def lost() -> list[str]:
    """Why senders were no use any more."""
    return []


@pytest.fixture
async def kept(lost: list[str]) -> AsyncIterator[SenderProcess]:
    sender = SenderProcess(load_settings(), nothing, lost.append)
    sender.start()
    keeping = asyncio.create_task(sender.keep())
    sender.release()
    yield sender
    await sender.close()
    await keeping


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(30):
        while not await holds():
            await asyncio.sleep(0.05)


async def sends_all(office: Office, sender: SenderProcess, count: int) -> None:
    """It is woken again and again: one that starts may not hear yet."""

    async def all_are_sent() -> bool:
        sender.wake()
        return await office.statuses() == {"sent": count}

    await until(all_are_sent)


async def until_another(sender: SenderProcess, first: int) -> None:
    async def is_another() -> bool:
        return sender.pid != first

    await until(is_another)


async def test_it_sends_what_is_asked_for(office: Office, kept: SenderProcess):
    await office.tell(opened(), person("c1"), person("c2"))
    await sends_all(office, kept, 2)


async def test_what_is_told_while_it_ends_is_told_to_nobody(office: Office, kept: SenderProcess):
    await office.tell(opened(), person("c1"))
    await sends_all(office, kept, 1)
    closing = asyncio.create_task(kept.close())
    await asyncio.sleep(0)
    kept.wake()
    await closing


@pytest.mark.slow
@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM, signal.SIGSTOP])
async def test_another_takes_the_place_of_one_that_ends_or_hangs(
    office: Office, kept: SenderProcess, lost: list[str], ending: signal.Signals, monkeypatch: pytest.MonkeyPatch
):
    await office.tell(opened(), person("c1"))
    await sends_all(office, kept, 1)
    first = kept.pid
    with monkeypatch.context() as patched:
        patched.setattr(sender_process, "MISSES", 3)
        os.kill(first, ending)
        await until_another(kept, first)
    assert not psutil.pid_exists(first)
    assert len(lost) == 1
    await office.tell(person("c2"))
    await sends_all(office, kept, 2)


@pytest.mark.slow
async def test_one_that_takes_anothers_place_tries_nothing_again_that_can_not_be_written(
    office: Office, kept: SenderProcess
):
    await office.tell(opened(), person("c1"))
    await sends_all(office, kept, 1)
    first = kept.pid
    os.kill(first, signal.SIGKILL)
    await office.tell(person("c2"))
    await office.change("UPDATE messages SET status = 'held', reason = 'can''t be written: x' WHERE candidate = 'c2'")
    await until_another(kept, first)
    await office.tell(person("c3"))
    kept.wake()

    async def c3_is_sent() -> bool:
        kept.wake()
        return await office.statuses() == {"sent": 2, "held": 1}

    await until(c3_is_sent)


@pytest.mark.slow
async def test_one_that_can_not_be_started_is_tried_again_and_stops_nothing_else(
    office: Office, kept: SenderProcess, lost: list[str], monkeypatch: pytest.MonkeyPatch
):
    """As where a container may have no more processes, or the disk holds the program no longer."""
    await office.tell(opened(), person("c1"))
    first = kept.pid

    async def is_missed() -> bool:
        return ["No such file or directory" in why for why in lost].count(True) > 1

    with monkeypatch.context() as patched:
        patched.setattr(sys, "executable", "/nowhere/python")
        os.kill(first, signal.SIGKILL)
        await until(is_missed)
    await until_another(kept, first)
    await sends_all(office, kept, 1)


async def test_one_that_is_closed_before_it_is_kept_ends(office: Office):
    sender = SenderProcess(load_settings(), nothing, [].append)
    sender.start()
    sender.release()
    await sender.close()
    assert not psutil.pid_exists(sender.pid)
    async with asyncio.timeout(1):
        await sender.keep()


@pytest.mark.slow
async def test_it_ends_when_whoever_started_it_is_gone(office: Office):
    ours, theirs = socket.socketpair()
    command = (sys.executable, "-m", "yinfeng.sender", str(theirs.fileno()))
    with ours, subprocess.Popen(command, pass_fds=[theirs.fileno()]) as process:
        theirs.close()
        ours.setblocking(True)
        assert await asyncio.to_thread(ours.recv, 1) == sender_process.ALIVE
        await office.tell(opened(), person("c1"))
        ours.close()
        assert await asyncio.to_thread(process.wait, 10) == 0
