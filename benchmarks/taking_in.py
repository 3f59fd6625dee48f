"""How many facts a second one web process takes in: in NDJSON portions, and one by one from many clients at once.

Postgres and the web process run alone, as `yinfeng up` starts them: nothing applies meanwhile. Every fact is committed
when it is answered. What the clients send is made beforehand. `python -m benchmarks.taking_in PATH` measures another
checkout's web app in turn with this one: before and after, by the same clients in the same minutes.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Final

import httpx
import msgspec
import psutil
import psycopg

from benchmarks.facts import journeys
from benchmarks.running import PATIENCE, home
from producers.post import PORTION_EVENTS
from storage.access import keys
from storage.database import connect
from storage.setup import migrate
from yinfeng.children import running
from yinfeng.embedded.postgres import EmbeddedPostgres
from yinfeng.home import web_port

HERE: Final = Path(__file__).parents[1]
ROUNDS: Final = 3
WARM: Final = 10  # a tenth of the facts goes before, unmeasured
ORGANIZER: Final = "organizer"


@dataclass(frozen=True, slots=True)
class Way:
    """A way in: how many facts in all, in one request, and on how many connections at a time."""

    name: str
    facts: int
    each: int
    connections: int
    aim: str


WAYS: Final = (
    Way("in NDJSON portions", 24_000, PORTION_EVENTS, 4, "20,000/s"),
    Way("one by one", 3_000, 1, 64, "2,500/s"),
)


@dataclass(frozen=True, slots=True)
class Taken:
    """What a measurement found: facts a second, and microseconds of processor a fact of the web process and of
    Postgres."""

    rate: float
    web: float
    postgres: float


def measure(before: Path | None = None) -> Iterator[tuple[str, str, str]]:
    found: dict[tuple[Path, Way], list[Taken]] = {}
    with home() as at, _postgres(at) as (postgres, key):
        for number in range(ROUNDS):
            for place in [before, HERE] if before else [HERE]:
                for way, taken in _round(place, postgres, key, f"{place.name}-{number}-"):
                    found.setdefault((place, way), []).append(taken)
        _all_there(postgres.url, ROUNDS * (2 if before else 1))
    for way in WAYS:
        ours = _median(found[HERE, way])
        yield f"facts taken {way.name}", f"{ours.rate:,.0f}/s", way.aim
        yield "  processor a fact: web, Postgres", f"{ours.web:.0f} + {ours.postgres:.0f} µs", ""
        if before:
            theirs = _median(found[before, way])
            yield f"  the same before ({before.name})", f"{theirs.rate:,.0f}/s", ""
            yield "    processor a fact: web, Postgres", f"{theirs.web:.0f} + {theirs.postgres:.0f} µs", ""
            yield "    ratio of the rates", f"{ours.rate / theirs.rate:.2f}", ""


def _median(all_rounds: list[Taken]) -> Taken:
    return Taken(*(median(getattr(each, part) for each in all_rounds) for part in ("rate", "web", "postgres")))


@contextmanager
def _postgres(at: Path) -> Iterator[tuple[EmbeddedPostgres, str]]:
    """A server with the tables made, and a key."""
    at.mkdir(exist_ok=True)
    postgres = EmbeddedPostgres(at, lambda text: None)
    with running(postgres.spec(), at / "logs"):
        migrate(postgres.url)
        yield postgres, asyncio.run(_make_key(postgres.url))


def _round(place: Path, postgres: EmbeddedPostgres, key: str, prefix: str) -> Iterator[tuple[Way, Taken]]:
    """All ways into the web app of one checkout. Names begin with `prefix`."""
    server = int((postgres.data / "postmaster.pid").read_text().split()[0])
    with _web(place, postgres.data.parent, postgres.url) as (address, web):
        for way in WAYS:
            _post(address, key, replace(way, facts=way.facts // WARM), f"{prefix}warm")
            before = _spent(web), _spent(server)
            seconds = _post(address, key, way, prefix)
            used = [after - known for after, known in zip((_spent(web), _spent(server)), before, strict=True)]
            taken = Taken(way.facts / seconds, *(each / way.facts * 1e6 for each in used))
            print(place.name, way.name, taken, file=sys.stderr)
            yield way, taken


async def _make_key(url: str) -> str:
    async with await connect(url, name="bench") as conn:
        return await keys.create(conn, name="bench", role=ORGANIZER)


@contextmanager
def _web(place: Path, at: Path, url: str) -> Iterator[tuple[str, int]]:
    """The web app of the checkout at `place`: its address and process."""
    port = web_port("127.0.0.1", 0)
    env = {**os.environ, "YINFENG_HOME": str(at), "YINFENG_DATABASE_URL": url, "YINFENG_KAFKA": "127.0.0.1:1"}
    command = [sys.executable, "-m", "yinfeng", "web"]
    with (at / "web.log").open("wb") as log:
        web = subprocess.Popen(command, cwd=place, env={**env, "YINFENG_PORT": str(port)}, stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}"
    try:
        _until_ready(address, web)
        yield address, web.pid
    finally:
        web.terminate()
        web.wait()


def _until_ready(address: str, web: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and web.poll() is None:
        try:
            if httpx.get(f"{address}/readyz", trust_env=False).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.1)
    raise SystemExit("The web app did not start; run `yinfeng web` to see why")


def _spent(pid: int) -> float:
    """Seconds of processor that a process and its children have used, those that have ended among them."""
    parent = psutil.Process(pid)
    own = parent.cpu_times()
    children = (child.cpu_times() for child in parent.children(recursive=True))
    return own.user + own.system + own.children_user + own.children_system + sum(t.user + t.system for t in children)


def _all_there(url: str, rounds: int) -> None:
    sent = rounds * sum(way.facts + way.facts // WARM for way in WAYS)
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT (SELECT count(*) FROM facts), (SELECT count(*) FROM pending)").fetchone()
    assert row == (sent, sent), f"{sent} facts were answered with 202; in the ledger and the outbox are {row}"


def _post(address: str, key: str, way: Way, prefix: str) -> float:
    """Post from a process of its own. Returns the seconds that it took."""
    words = [address, key, str(way.facts), str(way.each), str(way.connections), f"{prefix}{way.each}-"]
    command = [sys.executable, "-m", "benchmarks.taking_in", "--load", *words]
    done = subprocess.run(command, cwd=HERE, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    return float(done.stdout)


class _Client(asyncio.Protocol):
    """Sends one request after another on one connection, each until it is taken; as cheaply as can be, so that the
    clients don't take the processor from what they measure."""

    def __init__(self, requests: Iterator[bytes]) -> None:
        self._requests, self._answer = requests, b""
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._next()

    def data_received(self, data: bytes) -> None:
        self._answer += data
        head, end, body = self._answer.partition(b"\r\n\r\n")
        if not end or len(body) < int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]):
            return
        known, self._answer = self._answer, b""
        if head.startswith(b"HTTP/1.1 202"):
            self._next()
        elif head.startswith(b"HTTP/1.1 503"):
            self._transport.write(self._request)
        else:
            self.done.set_exception(AssertionError(known[:500]))

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(error or ConnectionError("the web app hung up"))

    def _next(self) -> None:
        request = next(self._requests, None)
        if request is None:
            self.done.set_result(None)
            self._transport.close()
        else:
            self._request = request
            self._transport.write(request)


async def _load(address: str, requests: list[bytes], connections: int) -> float:
    host, port = address.removeprefix("http://").split(":")
    loop, waiting = asyncio.get_running_loop(), iter(requests)
    began = time.perf_counter()
    clients = [(await loop.create_connection(lambda: _Client(waiting), host, int(port)))[1] for _ in range(connections)]
    await asyncio.gather(*(client.done for client in clients))
    return time.perf_counter() - began


def _requests(key: str, facts: int, each: int, prefix: str) -> Iterator[bytes]:
    lines = (msgspec.json.encode(event) for event in islice(journeys(facts, prefix=prefix), facts))
    while body := b"\n".join(islice(lines, each)):
        kind = "application/cloudevents+json" if each == 1 else "application/x-ndjson"
        head = f"POST /v1/events HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {key}\r\nContent-Type: {kind}\r\n"
        yield f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def main(words: list[str]) -> None:
    if words[:1] == ["--load"]:
        address, key, facts, each, connections, prefix = words[1:]
        print(asyncio.run(_load(address, list(_requests(key, int(facts), int(each), prefix)), int(connections))))
        return
    for row in measure(Path(words[0]).resolve() if words else None):
        print(*(word for word in row if word), sep="  ")


if __name__ == "__main__":
    main(sys.argv[1:])
