"""The sender process, beside a worker that starts it, wakes it, and ends it.

Mails are made, sealed and packed here, so that facts need not wait for it: five hundred a second would hold the loop
that applies them for tenths of a second. Worker and sender speak over one line, each in letters (`sender_process.py`):
the worker says what there is, the sender that its loop comes round. Where the line ends, so does the sender.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from notifications.sending.running import Running
from schemas.settings import Settings, load_settings
from storage.vault.persons import file_vault
from storage.vault.process import open_vault
from yinfeng.garbage import collect_seldom
from yinfeng.masking import mask_logs
from yinfeng.readiness import at_once
from yinfeng.sender_process import ALIVE, BEAT_EVERY, FURTHER, LEAVE, MUCH, WAKE

END_WITHIN: Final = 8.0  # seconds
YIELDS: Final = 5  # of what `nice` takes: where processors are few, facts and pages go first


class Speaking:
    """What the sender says to its worker, once there is a line."""

    def __init__(self) -> None:
        self._writer: asyncio.StreamWriter | None = None

    def over(self, writer: asyncio.StreamWriter) -> None:
        """Over this line."""
        self._writer = writer

    def much(self) -> None:
        """More is due than this sender gets done in a while."""
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(MUCH)


def run_sender(settings: Settings, line: int, begin: Callable[[], None] = at_once, *, further: bool = False) -> int:
    """Run until the line, a socket's file descriptor, ends, or SIGTERM comes. Returns the exit code. `begin` waits
    until the servers may be asked. `further`: it begins beside others, or in the place of one."""
    mask_logs()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the worker, whose end is heard
    os.nice(YIELDS)
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    speaking = Speaking()
    running = Running(settings, much=speaking.much, further=further)
    collect_seldom()
    begin()
    open_vault(file_vault(settings.master_key))
    asyncio.run(_work(running, speaking, socket.socket(fileno=line)))
    return 0


async def _work(running: Running, speaking: Speaking, line: socket.socket) -> None:
    """Raises what ends the sender itself; then the process that comes after it goes on."""
    reader, writer = await asyncio.open_connection(sock=line)
    speaking.over(writer)
    working = asyncio.create_task(running.run())
    listening = asyncio.create_task(_listen(reader, running))
    beating = asyncio.create_task(_beat(writer))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, listening.cancel)
    await asyncio.wait([working, listening], return_when=asyncio.FIRST_COMPLETED)
    _end_soon()
    await running.close()
    await working
    beating.cancel()


async def _listen(reader: asyncio.StreamReader, running: Running) -> None:
    """Returns once the worker has nothing more to say."""
    with suppress(ConnectionError):  # it was ended while we spoke
        while said := await reader.read(4096):
            if LEAVE in said:
                await running.leave()
                return
            if WAKE in said:
                running.wake()


async def _beat(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(ALIVE)
        await asyncio.sleep(BEAT_EVERY)


def _end_soon() -> None:
    """Whatever hangs while this process ends, it ends."""
    timer = threading.Timer(END_WITHIN, os._exit, [1])
    timer.daemon = True
    timer.start()


if __name__ == "__main__":
    sys.exit(run_sender(load_settings(), int(sys.argv[1]), further=FURTHER in sys.argv[2:]))
