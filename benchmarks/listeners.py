"""2,000 pages listen to one web process (SSE), half of them in each language, while 2,000 facts a second are applied;
some of them read nothing."""

from __future__ import annotations

import re
import resource
import select
import socket
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack

import psutil

from benchmarks.facts import campaign
from benchmarks.legs import Committed, Seen
from benchmarks.running import Running, home, platform
from producers.client import BulkPoster
from tests.facts import signed_up

LISTENERS = 2_000
DEAF = 20  # of them
TIMED = 200  # of them: to time all of them would take more of the machine than to serve them
RATE = 2_000  # facts a second
SECONDS = 20
CUT_WITHIN = 90  # seconds
PATIENCE = 60  # seconds
EACH = 100  # facts at a time
LANGS = ("en", "zh-CN")
_NUMBER = re.compile(rb'data-target="signups".*?data-number>([\d,]+)<', re.DOTALL)
_SMALL = 4096  # bytes that the kernel takes for a deaf one


def measure() -> Iterator[tuple[str, str, str]]:
    resource.setrlimit(resource.RLIMIT_NOFILE, (8192, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    with home() as at, platform(at) as running, ExitStack() as stack, BulkPoster(running.kafka) as poster:
        poster.post(campaign())
        _until_standing(running)
        lines = [stack.enter_context(_line(running, number)) for number in range(LISTENERS)]
        ears = _Ears(lines[DEAF:])
        with Committed(running) as committed, ears:
            _post_steadily(poster)
            _until(lambda: bool(committed.seen) and committed.seen[-1][1] >= RATE * SECONDS)
            _until(lambda: ears.least() >= committed.seen[-1][1])
            web = _web(running)
            held, used = float(web.memory_info().rss) / 2**20, sum(web.cpu_times()[:2])
        waits = _waits(committed.seen, ears.seen)
        cuts = statistics.quantiles(waits, n=100)
        yield f"{LISTENERS:,} listeners, from a change to each, p50", f"{cuts[49]:.0f} ms", ""
        yield f"{LISTENERS:,} listeners, from a change to each, p99", f"{cuts[98]:.0f} ms", "300 ms"
        yield "  processor time of the web process", f"{used:.1f} s", ""
        yield "  memory of the web process", f"{held:.0f} MB", "250 MB"
        yield f"  of {DEAF} that read nothing are cut", f"{_cut(lines[:DEAF], web)} within {CUT_WITHIN} s", f"{DEAF}"


class _Ears:
    """Reads what all are sent, and notes when each that is timed heard which number."""

    def __init__(self, lines: Sequence[socket.socket]) -> None:
        self.seen: dict[int, list[Seen]] = {line.fileno(): [] for line in lines[:: len(lines) // TIMED]}
        self._lines = {line.fileno(): line for line in lines}
        self._poll, self._stop = select.epoll(), threading.Event()
        self._thread = threading.Thread(target=self._listen)
        for number in self._lines:
            self._poll.register(number, select.EPOLLIN)

    def __enter__(self) -> _Ears:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._poll.close()

    def least(self) -> int:
        """What the slowest has heard."""
        return min(seen[-1][1] if seen else 0 for seen in self.seen.values())

    def _listen(self) -> None:
        while not self._stop.is_set():
            for number, _ in self._poll.poll(0.1):
                heard = self._lines[number].recv(65_536)
                assert heard, "a listener that reads was cut"
                if number in self.seen and (last := _last_number(heard)):
                    self.seen[number].append((time.time(), last))


def _last_number(heard: bytes) -> int:
    found = _NUMBER.findall(heard)
    return int(found[-1].replace(b",", b"")) if found else 0


def _waits(committed: Sequence[Seen], heard: dict[int, list[Seen]]) -> list[float]:
    """Milliseconds from each change's commit until each listener heard of it, or of a later one."""
    waits = []
    for seen in heard.values():
        looks = iter(seen)
        at, number = next(looks)
        for moment, wanted in committed:
            while number < wanted:
                at, number = next(looks)
            waits.append((at - moment) * 1000)
    return waits


def _post_steadily(poster: BulkPoster) -> None:
    began = time.perf_counter()
    for start in range(0, RATE * SECONDS, EACH):
        time.sleep(max(0.0, began + start / RATE - time.perf_counter()))
        poster.post([signed_up(f"c{number}") for number in range(start, start + EACH)])


def _line(running: Running, number: int) -> socket.socket:
    """The first ones are deaf; every other one reads Chinese."""
    host, _, port = running.address.removeprefix("http://").rpartition(":")
    line = socket.socket()
    if number < DEAF:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALL)
    line.connect((host, int(port)))
    asked = f"GET /targets/stream?lang={LANGS[number % 2]} HTTP/1.1"
    line.sendall("\r\n".join([asked, f"Host: {host}", f"Authorization: Bearer {running.key}", "", ""]).encode())
    return line


def _cut(lines: Sequence[socket.socket], web: psutil.Process) -> int:
    """How many the web process has let go of in time. The other end need not hear of it: it takes nothing."""
    deaf = {line.getsockname()[1] for line in lines}
    deadline, standing = time.monotonic() + CUT_WITHIN, deaf
    while standing and time.monotonic() < deadline:
        time.sleep(0.5)
        held = (line for line in web.net_connections("tcp") if line.status == psutil.CONN_ESTABLISHED and line.raddr)
        standing = deaf & {line.raddr.port for line in held}
    return len(deaf) - len(standing)


def _web(running: Running) -> psutil.Process:
    return psutil.Process(next(child.pid for child in running.state.children if child.name == "web"))


def _until_standing(running: Running) -> None:
    _until(lambda: running.scalar("SELECT count(*) FROM targets") == len(campaign()) - 1)


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > deadline:
            raise SystemExit(f"waited for {PATIENCE} s")
        time.sleep(0.05)
