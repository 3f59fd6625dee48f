"""A stand-in for SendGrid that takes as little of the machine as it can, while it refuses what SendGrid refuses by the
rules of the tests and, where it is at hand, the provider's published schema. It accepts everything else.

`python -m benchmarks.provider` answers until its input ends; its address is its first line.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Final

import httptools

from tests.stand_ins.sendgrid import KEY, PATH
from tests.stand_ins.sendgrid_rules import breaches

ACCEPTED: Final = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\nX-Message-Id: bench\r\n\r\n"


class Provider(asyncio.Protocol):
    """One connection."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self._parser = httptools.HttpRequestParser(self)
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []
        self._url = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_begin(self) -> None:
        self._headers, self._body, self._url = {}, [], b""

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode().lower()] = value.decode()

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        wrong = breaches(KEY, self._headers, b"".join(self._body)) if self._url == PATH.encode() else [(404, "no page")]
        self.transport.write(_refusal(*wrong[0]) if wrong else ACCEPTED)


def _refusal(status: int, message: str) -> bytes:
    said = json.dumps({"errors": [{"message": message, "field": None, "help": None}]}).encode()
    return f"HTTP/1.1 {status} Refused\r\nContent-Length: {len(said)}\r\n\r\n".encode() + said


async def serve() -> None:
    """Until the input ends."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Provider, "127.0.0.1", 0)
    async with server:
        print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
        await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve())
