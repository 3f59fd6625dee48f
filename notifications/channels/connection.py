"""One connection over which a request is posted, and its answer read: of what a server may say, no more than is shown.

asyncio's own transport and llhttp's parser: a third of what the standard library's client takes, and no thread
(docs/decisions/0047-rates.md).
"""

from __future__ import annotations

import asyncio
import select
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Final

import httptools

MOST_READ: Final = 16 * 1024  # bytes of an answer's body
MOST_HEAD: Final = 64 * 1024  # bytes before it
MOST: Final = 16 * MOST_READ  # bytes of all of it: a body may come in small chunks, and have words behind it
PIECE: Final = 64 * 1024  # bytes that are handed over at once: of what TLS has taken it does not tell how much is sent
_INFORMS: Final = range(100, 200)  # statuses before the answer


class NoAnswer(Exception):
    """It may have arrived, but no whole answer came."""


@dataclass(frozen=True, slots=True)
class Answer:
    """`headers` in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class _Unsent:
    """What of a request is still to be handed over: `size` bytes, in pieces that nobody puts together as a whole."""

    def __init__(self, pieces: Sequence[bytes] = ()) -> None:
        self.size = sum(map(len, pieces))
        self._left = [part for piece in reversed(pieces) for part in _cut(piece)]

    def take(self) -> bytes:
        """The next of it: at least PIECE bytes, but for the last."""
        taken, size = [], 0
        while self._left and size < PIECE:
            taken.append(self._left.pop())
            size += len(taken[-1])
        self.size -= size
        return b"".join(taken)


def _cut(piece: bytes) -> Sequence[bytes]:
    """A piece in parts of PIECE bytes at most, the last one first."""
    if len(piece) <= PIECE:
        return (piece,)
    return [piece[at : at + PIECE] for at in reversed(range(0, len(piece), PIECE))]


class Connection(asyncio.Protocol):
    """Carries one request at a time. `usable`: whether another may follow; `rested_at`: when it had done the last."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self.usable = True
        self.rested_at = 0.0
        self._request, self._is_full = _Unsent(), False  # what is still to be handed over, and whether it may not
        self._answer: asyncio.Future[Answer] | None = None
        self._alarm: asyncio.TimerHandle | None = None
        self._fresh()

    @property
    def is_open(self) -> bool:
        """Whether it came about and was not closed since, as far as anybody has noticed."""
        return self.usable and not self.transport.is_closing()

    async def ask(self, request: Sequence[bytes], *, timeout: float, without_body: bool = False) -> Answer:
        """Send a request, which comes in pieces, and wait for its answer. While the other side takes what is sent,
        there is time; then `timeout` seconds for all of the answer. `without_body`: what follows is none of it. Raises
        NoAnswer."""
        self._fresh(without_body=without_body)
        self._answer = asyncio.get_running_loop().create_future()
        try:
            self._request = _Unsent(request)
            self._hand_over()
            self._watch(timeout, self._unsent())
            return await self._answer
        except BaseException:
            self.close()
            raise
        finally:
            self.usable = self.usable and not self._request.size
            self._answer, self._request = None, _Unsent()
            if self._alarm is not None:
                self._alarm.cancel()

    def is_ended(self) -> bool:
        """Whether the other side has closed it, or speaks without being asked, also where nobody has noticed as yet."""
        if not self.is_open:
            return True
        waiting = select.poll()
        waiting.register(self.transport.get_extra_info("socket").fileno(), select.POLLIN)
        return bool(waiting.poll(0))

    def close(self) -> None:
        """At once, whatever is under way."""
        self.usable = False
        self.transport.abort()

    def _fresh(self, *, without_body: bool = False) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._headers: dict[str, str] = {}
        self._body, self._heads, self._read = b"", False, 0
        self._without_body = without_body

    def _hand_over(self) -> None:
        while self._request.size and not self._is_full:
            self.transport.write(self._request.take())

    def _unsent(self) -> int:
        return self._request.size + self.transport.get_write_buffer_size()

    def _watch(self, timeout: float, unsent: int) -> None:
        self._alarm = asyncio.get_running_loop().call_later(timeout, self._late, timeout, unsent)

    def _late(self, timeout: float, unsent: int) -> None:
        left = self._unsent()
        if left < unsent:
            self._watch(timeout, left)
            return
        self.usable = False
        self._end("timed out")

    def _end(self, why: str) -> None:
        """No more will come: what is known of the answer is the answer, once its status and headers are."""
        if self._answer is None or self._answer.done():
            return
        if self._heads:
            self._told()
        else:
            self._answer.set_exception(NoAnswer(why))

    def _told(self) -> None:
        if self._answer is not None and not self._answer.done():
            self.rested_at = monotonic()
            self._answer.set_result(Answer(self._parser.get_status_code(), self._headers, self._body[:MOST_READ]))
        if not self.usable:
            self.transport.abort()

    # What asyncio tells.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def pause_writing(self) -> None:
        self._is_full = True

    def resume_writing(self) -> None:
        self._is_full = False
        self._hand_over()

    def data_received(self, data: bytes) -> None:
        if self._answer is None or self._answer.done():
            self.close()  # it speaks without being asked
            return
        self._read += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self.usable = False
            self._end(f"{type(error).__name__} {error}".strip())
            self.transport.abort()
            return
        if self._read > (MOST if self._heads else MOST_HEAD):
            self._end("an answer without end")
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self.usable = False
        self._end(f"{type(exc).__name__} {exc}".strip() if exc else "the connection was closed")

    # What the parser tells.

    def on_message_begin(self) -> None:
        self._headers = {}
        if self._heads:  # a second answer, which nobody asked for
            self.usable = False

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self._heads = self._parser.get_status_code() not in _INFORMS
        if self._heads and self._without_body:
            self._told()

    def on_body(self, body: bytes) -> None:
        self._body += body[: MOST_READ + 1]
        if len(self._body) > MOST_READ:
            self.usable = False
            self._told()

    def on_message_complete(self) -> None:
        if self._heads:
            self.usable = self.usable and self._parser.should_keep_alive()
            self._told()
