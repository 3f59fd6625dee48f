"""Connections whose server must answer in time: a host that vanished says nothing, and would be waited for."""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import suppress
from time import monotonic
from typing import Any

import psycopg
from psycopg import AsyncConnection, Connection


class Watched(AsyncConnection[Any]):
    """A connection whose server must answer within `silence` seconds: else its line is cut, which psycopg sees."""

    silence: float = 0.0
    heard_at: float = 0.0  # when its server answered last

    async def wait(self, *args: Any, **kwargs: Any) -> Any:
        """psycopg waits for the server here, and nowhere else."""
        timer = asyncio.get_running_loop().call_later(self.silence, cut, self) if self.silence else None
        try:
            found = await super().wait(*args, **kwargs)
            self.heard_at = monotonic()
            return found
        finally:
            if timer is not None:
                timer.cancel()


class WatchedSync(Connection[Any]):
    """The same without an event loop."""

    silence: float = 0.0

    def wait(self, *args: Any, **kwargs: Any) -> Any:
        """psycopg waits for the server here, and nowhere else."""
        if not self.silence:
            return super().wait(*args, **kwargs)
        timer = threading.Timer(self.silence, cut, [self])
        timer.daemon = True
        timer.start()
        try:
            return super().wait(*args, **kwargs)
        finally:
            timer.cancel()


def cut(conn: Any) -> None:
    """Cut a connection's line, so that whoever waits for its server learns of it at once."""
    with suppress(OSError, psycopg.Error, ValueError):
        line = socket.socket(fileno=socket.dup(conn.fileno()))
        with line:
            line.shutdown(socket.SHUT_RDWR)
