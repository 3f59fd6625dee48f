"""A server that answers as no identity provider should: too long, too slow, with what nobody can read."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import Any, ClassVar

from tests.stand_ins.serving import serving

CHUNK = b" " * 65536
MOST_CHUNKS = 1024
MOST_DRIPS = 60


@dataclass
class OddProvider:
    """`sent`: how many bytes of bodies left."""

    port: int = 0
    sent: int = 0

    def issuer(self, manner: str) -> str:
        """One that answers in this manner: `endless`, `slow`, or one of ANSWERS."""
        return f"http://127.0.0.1:{self.port}/{manner}"


ANSWERS: dict[str, tuple[int, bytes]] = {
    "deep": (200, b"[" * 100_000),
    "latin": (200, b'{"issuer": "\xff"}'),
    "list": (200, b"[]"),
    "nothing": (200, b""),
    "missing": (404, b"{}"),
    "moved": (302, b"{}"),
    "broken": (500, b"{}"),
}


class _Handler(BaseHTTPRequestHandler):
    provider: ClassVar[OddProvider]

    def do_GET(self) -> None:
        manner = self.path.split("/")[1]
        status, body = ANSWERS.get(manner, (200, b""))
        self.send_response(status)
        self.send_header("Location", "/list/elsewhere")
        self.end_headers()
        with suppress(OSError):
            if manner == "endless":
                for _ in range(MOST_CHUNKS):
                    self._send(CHUNK)
            elif manner == "slow":
                for _ in range(MOST_DRIPS):
                    self._send(b" ")
                    time.sleep(0.1)
            else:
                self._send(body)

    def _send(self, body: bytes) -> None:
        self.wfile.write(body)
        self.provider.sent += len(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the test says what matters."""


@contextmanager
def odd_provider() -> Iterator[OddProvider]:
    """Until the block ends."""
    made = OddProvider()
    with serving(_Handler, provider=made) as made.port:
        yield made
