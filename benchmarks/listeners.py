"""2,000 pages listen to one web process (SSE), half of them in each language, while 2,000 facts a second are applied;
some of them read nothing."""

from __future__ import annotations

import resource
import statistics
import time
from collections.abc import Callable, Collection, Iterator, Sequence

import psutil

from benchmarks.ears import Ears, Plan
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


def measure() -> Iterator[tuple[str, str, str]]:
    resource.setrlimit(resource.RLIMIT_NOFILE, (8192, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    with home() as at, platform(at) as running, BulkPoster(running.kafka) as poster:
        poster.post(campaign())
        _until_standing(running)
        plan = Plan(running.address.removeprefix("http://"), running.key, LISTENERS, DEAF, TIMED)
        with Ears(plan) as ears, Committed(running) as committed:
            web = _web(running)
            before, ours = _processor(web), time.process_time()
            _post_steadily(poster)
            _until(lambda: bool(committed.seen) and committed.seen[-1][1] >= RATE * SECONDS)
            heard = ears.until(committed.seen[-1][1])
            used, ours = _processor(web) - before, time.process_time() - ours
            held, cut = web.memory_info().rss / 2**20, _cut(ears.deaf, web)
        cuts = statistics.quantiles(_waits(committed.seen, heard.seen), n=100)
        told = statistics.mean(map(len, heard.seen))
        yield f"{LISTENERS:,} listeners, from a change to each, p50", f"{cuts[49]:.0f} ms", ""
        yield f"{LISTENERS:,} listeners, from a change to each, p99", f"{cuts[98]:.0f} ms", "300 ms"
        yield "  seen in the database, told to each", f"{len(committed.seen)} and {told:.0f} times", ""
        yield "  processor time of the web process", f"{used:.1f} s", ""
        yield "    for each time and listener", f"{used * 1e6 / told / LISTENERS:.0f} µs", ""
        yield (
            "  processor time of those who listen, of who posts and looks",
            f"{heard.processor:.1f} s, {ours:.1f} s",
            "",
        )
        yield "  memory of the web process", f"{held:.0f} MB", "250 MB"
        yield f"  of {DEAF} that read nothing are cut", f"{cut} within {CUT_WITHIN} s", f"{DEAF}"


def _processor(of: psutil.Process) -> float:
    """Seconds that it has used."""
    return float(sum(of.cpu_times()[:2]))


def _waits(committed: Sequence[Seen], heard: Sequence[Sequence[Seen]]) -> list[float]:
    """Milliseconds from each change's commit until each listener heard of it, or of a later one."""
    waits = []
    for seen in heard:
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


def _cut(deaf: Collection[int], web: psutil.Process) -> int:
    """How many of these ports the web process has let go of in time. Theirs need not hear of it: it takes nothing."""
    deadline, standing = time.monotonic() + CUT_WITHIN, set(deaf)
    while standing and time.monotonic() < deadline:
        time.sleep(0.5)
        held = (line for line in web.net_connections("tcp") if line.status == psutil.CONN_ESTABLISHED and line.raddr)
        standing = set(deaf) & {line.raddr.port for line in held}
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
