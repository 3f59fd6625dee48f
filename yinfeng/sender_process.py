"""A worker's side of the sender process: it starts one, wakes it, starts another where that one ends or hangs, and ends
it with itself."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from schemas.settings import Settings
from yinfeng.forking import Forked, Gate, can_fork
from yinfeng.loading import loading

log = logging.getLogger(__name__)

# What is said over the line between the two.
WAKE: Final = b"w"  # there may be something to send
LEAVE: Final = b"l"  # begin nothing more, and end once all that is under way is recorded
ALIVE: Final = b"."  # the sender's loop comes round
MUCH: Final = b"m"  # more is due than one sender gets done in a while

FURTHER: Final = "further"  # the argument of one that begins beside others, or in the place of one

BEAT_EVERY: Final = 1.0  # seconds between two of these
MISSES: Final = 40  # of them in a row that do not come, after which it hangs
DELAYS: Final = (0.5, 10.0)  # seconds before another is started: the shortest, the longest
FORGIVEN_AFTER: Final = 60.0  # seconds of life after which the shortest delay is enough again
CLOSES_WITHIN: Final = 7.0  # seconds: what was sent is to be recorded


class SenderProcess:
    """A sender of one worker. Started before there are threads, it goes on from this process, and waits to be
    released; those that come after it are started by a command. `much` is called when it says that it has much, `lost`
    with the reason where one that is kept is no use any more."""

    def __init__(self, settings: Settings, much: Callable[[], None], lost: Callable[[str], None]) -> None:
        self._settings, self._much, self._lost = settings, much, lost
        self._closing = False
        self._was_heard = False  # one has begun, and tried again what an earlier version could not do
        self._writer: asyncio.StreamWriter | None = None
        self._line: socket.socket
        self._process: Forked | subprocess.Popen[bytes]

    def start(self) -> None:
        """Start the first one."""
        self._line, theirs = socket.socketpair()
        with theirs:
            self._process = _begun(self._settings, theirs)

    def start_by_command(self, *more: str) -> None:
        """Start another, with these arguments. Raises OSError where none can be."""
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                self._process = _by_command(theirs, *more)
            except OSError:
                ours.close()
                raise
        self._line = ours

    @property
    def pid(self) -> int:
        """Of the one that runs, or ran last."""
        return self._process.pid

    def release(self) -> None:
        """The servers may be asked."""
        if isinstance(self._process, Forked):
            self._process.release()

    def wake(self) -> None:
        """There may be something to send."""
        self._say(WAKE)

    def leave(self) -> None:
        """Begin nothing more, and end once what is under way is recorded."""
        self._say(LEAVE)

    async def keep(self) -> None:
        """Have a sender run until it is closed. Where none can be started, it is tried again: facts go on."""
        delay = 0.0
        while not self._closing:
            began = asyncio.get_running_loop().time()
            why = await self._lived()
            if self._closing:
                return
            self._lost(why)
            alive = asyncio.get_running_loop().time() - began
            delay = DELAYS[0] if alive > FORGIVEN_AFTER or not delay else min(2 * delay, DELAYS[1])
            log.error("the sender %s after %.0f s; another takes its place in %.1f s", why, alive, delay)
            await asyncio.sleep(delay)

    async def _lived(self) -> str:
        """Have one run, another where there is none; says why it is no use any more."""
        try:
            if self._process.poll() is not None:
                self.start_by_command(*([FURTHER] if self._was_heard else []))
        except OSError as error:
            return f"can't be started ({error})"
        return await self.watched()

    async def close(self) -> None:
        """Tell it to end, and wait until it has recorded what it sent; it is ended if that takes too long."""
        self._closing = True
        if self._writer is not None and self._writer.can_write_eof():
            self._writer.write_eof()
        else:
            with suppress(OSError):  # it has ended
                self._line.shutdown(socket.SHUT_RDWR)
            self._line.close()
        if not await self._has_ended(CLOSES_WITHIN):
            log.warning("the sender does not end; it is ended, and what it sent last may be in doubt")
        self._end()

    def _say(self, word: bytes) -> None:
        if self._writer is not None and not self._closing and not self._writer.is_closing():
            self._writer.write(word)

    async def watched(self) -> str:
        """Listen until it ends or hangs; says why it is no use any more."""
        try:
            reader, self._writer = await asyncio.open_connection(sock=self._line)
        except (OSError, ValueError) as error:
            if not self._closing:
                self._end()
            return f"can't be heard ({error})"
        missed = 0
        try:
            while missed < MISSES and not (self._closing and missed):
                try:
                    async with asyncio.timeout(BEAT_EVERY):
                        said = await reader.read(4096)
                    if not said:
                        break
                    self._was_heard = True
                    if MUCH in said:
                        self._much()
                    missed = 0
                except TimeoutError:
                    missed += 1
        except OSError as error:
            log.warning("the line to the sender: %s", error)
        finally:
            self._writer.close()
            self._writer = None
        if missed < MISSES and await self._has_ended(1.0):
            return f"ended with {self._process.poll()}"
        if not self._closing:
            self._end()
        return f"said nothing for {missed * BEAT_EVERY:.0f} s"

    async def _has_ended(self, within: float) -> bool:
        clock = asyncio.get_running_loop().time
        deadline = clock() + within
        while self._process.poll() is None and clock() < deadline:
            await asyncio.sleep(0.02)
        return self._process.poll() is not None

    def _end(self) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)
        self._process.wait()


def _begun(settings: Settings, line: socket.socket) -> Forked | subprocess.Popen[bytes]:
    """A sender at the other end of this line, as a fork of this process where that can be."""
    if not can_fork():
        return _by_command(line)

    def run(begin: Gate) -> int:
        with loading():
            from yinfeng.sender import run_sender  # noqa: PLC0415 - all that it needs is the child's alone

        return run_sender(settings, line.fileno(), begin)

    return Forked(run, name="sender", log=2, env=os.environ.copy(), line=line.fileno())


def _by_command(line: socket.socket, *more: str) -> subprocess.Popen[bytes]:
    command = (sys.executable, "-m", "yinfeng.sender", str(line.fileno()), *more)
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=[line.fileno()])  # noqa: S603 - our own
