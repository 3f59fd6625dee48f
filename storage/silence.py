"""Connections whose server must answer in time: one that says nothing for longer is given up.

Each connection is looked at now and then, rather than each wait by an alarm of its own: where few facts come, alarms
were a sixth of what a relay did.
"""

from __future__ import annotations

import asyncio
import socket
import threading
import time
import weakref
from contextlib import suppress
from time import monotonic
from typing import Any, Final

import psycopg
from psycopg import AsyncConnection, Connection

LOOKS: Final = 8  # within the time that a server may say nothing


class Watched(AsyncConnection[Any]):
    """A connection whose server must answer within `silence` seconds, about: else its line is cut, which psycopg
    sees."""

    silence: float = 0.0
    heard_at: float = 0.0  # when its server answered last
    waits_since: float | None = None
    _is_looked_at = False

    async def wait(self, *args: Any, **kwargs: Any) -> Any:
        """psycopg waits for the server here, and nowhere else."""
        if self.silence and not self._is_looked_at:
            self._is_looked_at = True
            _look_later(weakref.ref(self), asyncio.get_running_loop(), self.silence / LOOKS)
        self.waits_since = monotonic()
        try:
            found = await super().wait(*args, **kwargs)
            self.heard_at = monotonic()
            return found
        finally:
            self.waits_since = None


class WatchedSync(Connection[Any]):
    """The same without an event loop."""

    silence: float = 0.0
    waits_since: float | None = None
    _is_looked_at = False

    def wait(self, *args: Any, **kwargs: Any) -> Any:
        """psycopg waits for the server here, and nowhere else."""
        if self.silence and not self._is_looked_at:
            self._is_looked_at = True
            asked = [weakref.ref(self), self.silence / LOOKS]
            threading.Thread(target=_keep_looking, args=asked, daemon=True, name="silence").start()
        self.waits_since = monotonic()
        try:
            return super().wait(*args, **kwargs)
        finally:
            self.waits_since = None


def cut(conn: Any) -> None:
    """Cut a connection's line, so that whoever waits for its server learns of it at once."""
    with suppress(OSError, psycopg.Error, ValueError):
        line = socket.socket(fileno=socket.dup(conn.fileno()))
        with line:
            line.shutdown(socket.SHUT_RDWR)


def _look_later(of: weakref.ref[Watched], loop: asyncio.AbstractEventLoop, pause: float) -> None:
    def look() -> None:
        if _looked_at(of()):
            loop.call_later(pause, look)

    loop.call_later(pause, look)


def _keep_looking(of: weakref.ref[WatchedSync], pause: float) -> None:
    time.sleep(pause)
    while _looked_at(of()):
        time.sleep(pause)


def _looked_at(conn: Watched | WatchedSync | None) -> bool:
    """Whether it is still to be looked at. One that has waited for too long is cut."""
    if conn is None or conn.closed:
        return False
    since = conn.waits_since
    if since is not None and monotonic() - since > conn.silence:
        cut(conn)
    return True
