"""Senders that are killed where a test says: at their nth await, whichever of their tasks that is in. One process is
the parent of them all, so that each costs no start; it is asked by lines, and answers by lines."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import types
from collections.abc import Callable, Coroutine, Generator
from typing import Any

from notifications.channels.port import Channel
from notifications.channels.sendgrid import SendGrid
from notifications.channels.smtp import Smtp
from notifications.sending.channel_routes import CONNECTIONS
from notifications.sending.rendering import Renderer
from notifications.sending.route import Chance, Route
from notifications.sending.sender import Sender
from notifications.sending.situation import Writer
from schemas.kinds import AUDIENCES
from schemas.mail_server import MailServer
from schemas.settings import load_settings
from storage.database import make_pool
from storage.vault.persons import file_vault
from storage.vault.process import open_vault
from tests.integration.office import Clock
from tests.stand_ins.sendgrid import KEY

Awaits = Generator[Any, Any, Any]


def doomed(awaits: Callable[[], None]) -> Callable[..., asyncio.Task[Any]]:
    """A factory of tasks each of whose awaits is counted before it begins to wait."""

    @types.coroutine
    def counted(inner: Coroutine[Any, Any, Any]) -> Awaits:
        value: Any = None
        while True:
            try:
                waits_for = inner.send(value)
            except StopIteration as end:
                return end.value
            awaits()
            try:
                value = yield waits_for
            except BaseException as error:  # a cancellation
                try:
                    waits_for = inner.throw(error)
                except StopIteration as end:
                    return end.value
                value = yield waits_for

    def make(loop: asyncio.AbstractEventLoop, coro: Coroutine[Any, Any, Any], **more: Any) -> asyncio.Task[Any]:
        return asyncio.Task(counted(coro), loop=loop, **more)  # type: ignore[arg-type]

    return make


async def send(asked: dict[str, Any], renderer: Renderer) -> int:
    """Send what is due, to be killed at await `at`; returns how many awaits there were when that never came."""
    seen = 0

    def awaits() -> None:
        nonlocal seen
        seen += 1
        if seen == asked["at"]:
            os.kill(os.getpid(), signal.SIGKILL)

    open_vault(file_vault(load_settings().master_key))
    chance = Chance(Clock(), lambda: 1.0)
    writer = Writer("引凤", "https://park.example", None)
    async with make_pool(asked["database"], name="doomed", size=CONNECTIONS) as pool:
        kinds = tuple(kind for kind, reader in AUDIENCES.items() if reader == "candidate")
        route = Route(kinds, channel(asked), asked["lanes"])
        sender = Sender(pool, [route], writer, renderer, owner=f"doomed:{os.getpid()}", chance=chance)
        asyncio.get_running_loop().set_task_factory(doomed(awaits))
        await asyncio.create_task(_work(sender))
        asyncio.get_running_loop().set_task_factory(None)
        await sender.close()
    return seen


async def _work(sender: Sender) -> None:
    await sender.sweep()
    await sender.send_all()


def channel(asked: dict[str, Any]) -> Channel:
    address = {"sender": "park@yinfeng.example", "sender_name": "产业园"}
    if asked["channel"] == "smtp":
        server = MailServer("127.0.0.1", int(asked["provider"]), tls=False)
        return Smtp(server, timeout=10, clock=Clock(), jitter=lambda: 1.0, **address)
    return SendGrid(KEY, host=asked["provider"], timeout=10, most=asked["most"], **address)


def main() -> None:
    """For each line, a child that does what it says; its exit and, where it came to its end, its awaits."""
    renderer = Renderer()
    for line in sys.stdin:
        reads, writes = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reads)
            seen = asyncio.run(send(json.loads(line), renderer))
            os.write(writes, str(seen).encode())
            os._exit(0)
        os.close(writes)
        _, status = os.waitpid(child, 0)
        said = os.read(reads, 100).decode()
        os.close(reads)
        print(json.dumps({"killed": os.WIFSIGNALED(status), "awaits": int(said or 0)}), flush=True)


if __name__ == "__main__":
    main()
