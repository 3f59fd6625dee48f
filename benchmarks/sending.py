"""Mails a second: rendered, and through claim, render, send and record against a local stand-in for SendGrid, by the
senders of one worker; what a mail takes of the processors, and memory over many. Beside them, in the same run, a plain
loop: a template rendered and one request made, mail by mail; and the stand-in alone, which is not to be the limit."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import psycopg
from jinja2 import Environment

from benchmarks.mailing import CONFIRMATIONS, OFFERS, REMINDERS, fill
from benchmarks.metering import Tree
from benchmarks.running import database, home
from notifications.sending.rendering import LOCALES, Renderer
from notifications.sending.samples import sample
from notifications.sending.signed_links import Links
from notifications.sending.situation import Writer
from tests.stand_ins.sendgrid import KEY, PATH

RENDERED = 6000
SENT = 10_000
MANY = 200_000
EARLY = 20_000  # mails after which memory is looked at first
PLAIN = 1000
PATIENCE = 900.0  # seconds
_TICK = 0.01  # seconds: no less is told of what a process took
_HEADERS = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}


def measure() -> Iterator[tuple[str, str, str]]:
    rendered, whole, plain = _renders(), _whole(), _plain_loop()
    yield "different mails rendered, HTML and text, one core", f"{rendered:,.0f}/s", "2,000"
    yield "  each filled whole, as one that shares its skeleton with none", f"{whole:,.0f}/s", ""
    yield "a plain loop: one template, one request a mail", f"{plain:,.0f}/s", ""
    with home() as at, database(at) as url, _provider() as provider:
        yield "the stand-in alone, one offer a request", f"{_alone(provider):,.0f}/s", ""
        single = _sends(at, url, provider, OFFERS, SENT)
        yield "offers: claim, render, send (one a request), record", f"{single.rate:,.0f}/s", "1,500"
        yield "  against the plain loop", f"x{single.rate / plain:.1f}", ""
        yield "  µs of processor an offer: sender, Postgres, stand-in", single.shares, ""
        tickets = _sends(at, url, provider, CONFIRMATIONS, SENT)
        yield "confirmations, each with its ticket's QR code", f"{tickets.rate:,.0f}/s", ""
        yield "  µs of processor a confirmation", tickets.shares, ""
        bulk = _sends(at, url, provider, REMINDERS, MANY)
        yield "reminders: the same, up to 500 a request", f"{bulk.rate:,.0f}/s", "4,000"
        yield "  µs of processor a reminder: sender, Postgres, stand-in", bulk.shares, ""
        memory = f"{bulk.early:.0f} and {bulk.late:.0f} MB"
        yield "  memory of the largest sender after 20,000 and 200,000", memory, "flat"


def _renders() -> float:
    renderer, values = Renderer(), _values()
    began = time.perf_counter()
    for number in range(RENDERED):
        locale = LOCALES[number % 2]
        renderer.render("offer", locale, _of(values[locale], number))
    return RENDERED / (time.perf_counter() - began)


def _whole() -> float:
    renderer, values = Renderer(), _values()
    began = time.perf_counter()
    for number in range(PLAIN):
        locale = LOCALES[number % 2]
        renderer.render("offer", locale, {**_of(values[locale], number), "name": f"李\u200d{number}"})
    return PLAIN / (time.perf_counter() - began)


def _values() -> dict[str, dict[str, Any]]:
    """The sample's, in each language."""
    campaign = {"campaign": "grads", "title": "2026 届毕业生", "organizer": "产业园", "timezone": "Asia/Shanghai"}
    writer, links = Writer("HR", "https://park.example", "hr@park.example"), Links(b"b" * 32, "https://park.example")
    return {
        locale: sample("offer", locale, campaign, sender=writer, links=links, now=datetime.now(UTC)).values
        for locale in LOCALES
    }


def _of(values: dict[str, Any], number: int) -> dict[str, Any]:
    """Of another person, position and link each time."""
    offer = {**values["offer"], "employer": f"employer {number % 7}", "position": f"position {number}"}
    return {**values, "name": f"李{number}", "offer": offer, "answer": f"https://park.example/{number}"}


def _plain_loop() -> float:
    """What one would write first: no claim, no record, nothing in parallel."""
    source = "<p>Dear {{ name }}, {{ offer.employer }} offers you {{ offer.position }}.</p>" * 8
    template, values = Environment(autoescape=True).from_string(source), _values()[LOCALES[0]]
    with _provider() as provider:
        began = time.perf_counter()
        for number in range(PLAIN):
            html = template.render(_of(values, number))
            _post(provider, number, html)
        return PLAIN / (time.perf_counter() - began)


def _post(provider: str, number: int, html: str) -> None:
    asked = urllib.request.Request(provider + PATH, json.dumps(_request(number, html)).encode(), _HEADERS)
    urllib.request.urlopen(asked, timeout=10).close()


def _request(number: int, html: str) -> dict[str, Any]:
    return {
        "personalizations": [
            {"to": [{"email": f"c{number}@mail.example"}], "custom_args": {"yinfeng_message": str(number)}}
        ],
        "from": {"email": "hr@park.example"},
        "subject": "Your offer",
        "content": [{"type": "text/html", "value": html}],
    }


def _alone(provider: str) -> float:
    """How many requests a second the stand-in has time for: by its processor time, not by who asks."""
    [pid] = _children("python")
    body = json.dumps(_request(0, "x" * 7000)).encode()
    asked = urllib.request.Request(provider + PATH, body, _HEADERS)
    began = _seconds([pid])
    for _ in range(PLAIN):
        urllib.request.urlopen(asked, timeout=10).close()
    return PLAIN / max(_seconds([pid]) - began, _TICK)


class Sent:
    """How quickly all went, and the sender's memory (MB) on the way and at the end; `shares`: µs of processor that a
    mail took of the sender, of Postgres and of the stand-in."""

    def __init__(self) -> None:
        self.rate = self.early = self.late = 0.0
        self.shares = ""


def _sends(at: Path, url: str, provider: str, kind: str, count: int) -> Sent:
    fill(url, kind, count)
    environment = {
        **os.environ,
        "YINFENG_HOME": str(at),
        "YINFENG_DATABASE_URL": url,
        "YINFENG_SENDGRID_API_KEY": KEY,
        "YINFENG_SENDGRID_HOST": provider,
    }
    sender = subprocess.Popen([sys.executable, "-m", "benchmarks.mailing"], env=environment)
    try:
        return _watched(url, kind, count, sender)
    finally:
        for pid in _tree(sender.pid):
            os.kill(pid, signal.SIGKILL)
        sender.wait()


def _watched(url: str, kind: str, count: int, sender: subprocess.Popen[bytes]) -> Sent:
    found, deadline = Sent(), time.monotonic() + PATIENCE
    query = "SELECT count(*) FROM messages WHERE kind = %s AND status = 'sent'"
    parties = [sender.pid], _children("postgres"), _children("python", but=sender.pid)
    began, used = 0.0, [0.0, 0.0, 0.0]  # when there was none as yet
    with psycopg.connect(url, autocommit=True) as conn:
        while time.monotonic() < deadline and sender.poll() is None:
            asked = time.perf_counter()
            row = conn.execute(query, [kind]).fetchone()
            now, done = time.perf_counter(), row[0] if row else 0
            if not done:
                began, used = now, [_seconds(each) for each in parties]
            found.early = found.early or (_megabytes(sender.pid) if done >= EARLY else 0.0)
            if done == count:
                found.rate, found.late = count / (now - began), _megabytes(sender.pid)
                spent = [_seconds(each) - before for each, before in zip(parties, used, strict=True)]
                found.shares = ", ".join(f"{each / count * 1e6:.0f}" for each in spent)
                return found
            # Looking takes a part of what is measured, the larger the table is.
            time.sleep(max(0.1, 20 * (now - asked)))
    raise SystemExit(f"{kind}: not all were sent in {PATIENCE:.0f} s, or the sender ended")


def _children(name: str, *, but: int = 0) -> list[int]:
    """The processes of this name that were started here, but for one with all that it started; servers of Postgres come
    and go."""
    found, out = [], set(_tree(but)) if but else set()
    for each in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            found += [each.pid] if name in each.name() and each.pid not in out else []
    return found


def _tree(pid: int) -> list[int]:
    root = psutil.Process(pid)
    return [pid, *(each.pid for each in root.children(recursive=True))]


def _seconds(pids: Sequence[int]) -> float:
    """Processor time of these processes, and of those that they started."""
    return Tree(lambda: pids).look()


def _megabytes(pid: int) -> float:
    """Of the largest sender."""
    pages = [int(Path(f"/proc/{each}/statm").read_text().split()[1]) for each in _tree(pid)]
    return max(pages) * os.sysconf("SC_PAGE_SIZE") / 2**20


@contextmanager
def _provider() -> Iterator[str]:
    """The stand-in in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.provider"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()
            process.wait(10)
