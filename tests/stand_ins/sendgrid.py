"""A local HTTP server in SendGrid's place: it refuses what SendGrid refuses, and misbehaves as it is told."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, Literal

from tests.stand_ins.sendgrid_rules import breaches

PATH = "/v3/mail/send"
KEY = "SG.a-key-of-the-tests"


@dataclass(frozen=True)
class Answer:
    """What happens to a request that breaks no rule. `drop`: the connection ends before or after it is accepted.

    `delay` in seconds before the answer (a 202 is accepted before the delay); `reset` as epoch seconds with a 429;
    `says` is the body of an error.
    """

    status: int = 202
    delay: float = 0
    reset: int | None = None
    drop: Literal["", "before", "after"] = ""
    says: bytes = b""


ACCEPT = Answer()


@dataclass
class SendGridStandIn:
    """`script` has the next answers in turn; `script_for` those for one address, in turn; then all is accepted.

    `accepted` has each accepted mail as (personalization, whole request); `refused` the breaches; `asked` counts all,
    `strayed` the requests that a redirect led elsewhere.
    """

    url: str = ""
    key: str = KEY
    script: list[Answer] = field(default_factory=list)
    script_for: dict[str, list[Answer]] = field(default_factory=dict)
    accepted: list[tuple[dict[str, Any], dict[str, Any]]] = field(default_factory=list)
    refused: list[list[tuple[int, str]]] = field(default_factory=list)
    asked: int = 0
    strayed: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def ids(self) -> Counter[str]:
        """How often each message id of ours was accepted."""
        with self.lock:
            return Counter(part["custom_args"]["yinfeng_message"] for part, _ in self.accepted)

    def addresses(self) -> Counter[str]:
        with self.lock:
            return Counter(person["email"] for part, _ in self.accepted for person in part["to"])

    def letters(self) -> dict[str, tuple[str, str, str, str]]:
        """By message id: the address, and subject, text and HTML as they are read there."""
        with self.lock:
            return {part["custom_args"]["yinfeng_message"]: read(part, request) for part, request in self.accepted}

    def judge(self, headers: dict[str, str], body: bytes) -> tuple[Answer, list[tuple[int, str]]]:
        """The answer to a request, and what is wrong with it; what will be accepted is kept."""
        with self.lock:
            self.asked += 1
            wrong = breaches(self.key, headers, body)
            if wrong:
                self.refused.append(wrong)
                return Answer(wrong[0][0]), wrong
            mail = json.loads(body)
            answer = self._next(mail)
            if answer.status == 202 and answer.drop != "before":
                self.accepted.extend((part, mail) for part in mail["personalizations"])
            return answer, []

    def _next(self, mail: dict[str, Any]) -> Answer:
        for part in mail["personalizations"]:
            for person in part["to"]:
                if waiting := self.script_for.get(person["email"]):
                    return waiting.pop(0)
        return self.script.pop(0) if self.script else ACCEPT


def read(part: dict[str, Any], request: dict[str, Any]) -> tuple[str, str, str, str]:
    """One person's mail of a request: the address, subject, text and HTML, with what is substituted in them."""
    text, html = (each["value"] for each in request["content"])
    subject = part.get("subject") or request["subject"]
    return part["to"][0]["email"], *(_filled(each, part.get("substitutions", {})) for each in (subject, text, html))


def _filled(text: str, substitutions: dict[str, str]) -> str:
    """Substituted values are substituted in turn, which the provider does up to four times."""
    for _ in range(4):
        for tag, value in substitutions.items():
            text = text.replace(tag, value)
    return text


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    stand_in: ClassVar[SendGridStandIn]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        if self.path != PATH:
            self._say(404, {}, b"")
            return
        answer, wrong = self.stand_in.judge({name.lower(): text for name, text in self.headers.items()}, body)
        time.sleep(answer.delay)
        if answer.drop:
            self.close_connection = True
            return
        headers = {"X-RateLimit-Reset": str(answer.reset)} if answer.reset else {}
        if answer.status == 302:
            headers["Location"] = f"{self.stand_in.url}/elsewhere"
        errors = {"errors": [{"message": message, "field": None, "help": None} for _, message in wrong]}
        self._say(answer.status, headers, answer.says or json.dumps(errors).encode() if answer.status >= 400 else b"")

    def do_GET(self) -> None:
        self.stand_in.strayed += 1
        self._say(200, {}, b"a page that has nothing to do with mail")

    def _say(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, text in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the test says what matters."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up (its time-out) is a behaviour under test."""


@contextmanager
def sendgrid_stand_in() -> Iterator[SendGridStandIn]:
    """The server, answering on a free port of loopback until the block ends."""
    stand_in = SendGridStandIn()
    handler = type("Handler", (_Handler,), {"stand_in": stand_in})
    server = _Server(("127.0.0.1", 0), handler)
    stand_in.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield stand_in
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
