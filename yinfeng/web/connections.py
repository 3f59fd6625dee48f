"""Connections. Those that say nothing are closed: who opens a thousand and sends a byte a minute takes nobody's place.
And those under a stream are lent to who tells the same to thousands: by way of the frameworks, each line cost a task's
waking and a dozen calls."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from dashboard.stream import LINE

SPEAKS_WITHIN: Final = 10.0  # seconds from opening a connection, or from a request's first byte, to its last header
UNSENT: Final = 16 * 1024  # bytes of a stream that may wait in the kernel: what comes after is newer
ANY: Final = 2**31 - 1


class ImpatientProtocol(HttpToolsProtocol):
    """uvicorn's protocol, which by itself waits for ever for a request's headers, and lends no line (see
    `dashboard.stream.Lent`)."""

    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait_for_headers()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._wait_for_headers()

    def on_headers_complete(self) -> None:
        self._stop_waiting()
        self.scope["state"][LINE] = self
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    @contextmanager
    def lent(self) -> Iterator[None]:
        """Until the block ends, nothing waits in this process but what the kernel did not take at once."""
        _limit(self.transport, UNSENT, 0)
        try:
            yield
        finally:
            _limit(self.transport, ANY, None)

    def is_free(self) -> bool:
        """Whether it stands, and nothing waits in this process."""
        return not self.flow.write_paused and not self.transport.is_closing()

    def write(self, chunk: bytes) -> None:
        """Write a chunk of an answer that has begun."""
        self.transport.write(chunk)

    def _wait_for_headers(self) -> None:
        self._stop_waiting()
        self._patience = asyncio.get_running_loop().call_later(SPEAKS_WITHIN, self._give_up)

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _give_up(self) -> None:
        transport: Any = self.transport
        if transport is not None and not transport.is_closing():
            transport.abort()


def _limit(transport: asyncio.Transport, unsent: int, buffered: int | None) -> None:
    """How many bytes the kernel takes beyond those that are on their way, and how many may wait here (None: as by
    default) until whoever writes is told to stop. Nothing of a line whose other end has gone."""
    if transport.is_closing():
        return
    line: socket.socket = transport.get_extra_info("socket")
    if hasattr(socket, "TCP_NOTSENT_LOWAT"):
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, unsent)
    transport.set_write_buffer_limits(high=buffered)
