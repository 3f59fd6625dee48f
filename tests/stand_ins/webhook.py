"""A local HTTP server in the place of an alert service: it keeps what it is told, and answers as it is told."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any, ClassVar

from tests.stand_ins.serving import serving

SECRET = "a-secret-in-the-path"


@dataclass
class Webhook:
    """`statuses` has the next answers in turn, then all is taken; `told` what came (paths and JSON documents)."""

    port: int = 0
    statuses: list[int] = field(default_factory=list)
    delay: float = 0
    told: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    @property
    def url(self) -> str:
        """As Apprise wants it."""
        return f"json://127.0.0.1:{self.port}/{SECRET}"


class _Handler(BaseHTTPRequestHandler):
    webhook: ClassVar[Webhook]

    def do_POST(self) -> None:
        told = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.webhook.told.append((self.path, told))
        time.sleep(self.webhook.delay)
        self.send_response(self.webhook.statuses.pop(0) if self.webhook.statuses else 200)
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the test says what matters."""


@contextmanager
def webhook() -> Iterator[Webhook]:
    """A running service."""
    made = Webhook()
    with serving(_Handler, webhook=made) as made.port:
        yield made
