"""From the post of a fact until an open page is told of it (SSE), at a steady 500 facts a second."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx

from benchmarks.facts import campaign
from benchmarks.running import Running, home, platform
from tests.facts import signed_up

RATE = 500  # facts a second
SECONDS = 30
EACH = 10  # facts in one request


def measure() -> Iterator[tuple[str, str, str]]:
    with home() as at, platform(at) as running:
        _post(running, httpx.Client(), campaign())
        seen: list[tuple[float, int]] = []
        with ThreadPoolExecutor(1) as pool:
            watch = pool.submit(_watch, running, RATE * SECONDS, seen)
            posted = _post_steadily(running)
            watch.result(60)
    waits = sorted(_waits(posted, seen))
    cuts = statistics.quantiles(waits, n=100)
    yield f"post to page at {RATE} facts/s, p50", f"{cuts[49] * 1000:.0f} ms", ""
    yield f"post to page at {RATE} facts/s, p99", f"{cuts[98] * 1000:.0f} ms", "1,000 ms"


def _post_steadily(running: Running) -> list[float]:
    """The moment at which each fact was about to be posted."""
    client, moments, began = httpx.Client(), [], time.perf_counter()
    for start in range(0, RATE * SECONDS, EACH):
        time.sleep(max(0.0, began + start / RATE - time.perf_counter()))
        moments += [time.perf_counter()] * EACH
        _post(running, client, [signed_up(f"c{number}") for number in range(start, start + EACH)])
    return moments


def _watch(running: Running, last: int, seen: list[tuple[float, int]]) -> None:
    headers = {"Authorization": f"Bearer {running.key}"}
    with httpx.stream("GET", f"{running.address}/v1/targets/stream", headers=headers, timeout=60) as answer:
        for line in answer.iter_lines():
            if line.startswith("data:"):
                entry = json.loads(line[5:])
                if entry.get("target") == "signups":
                    seen.append((time.perf_counter(), entry["progress"]))
                    if entry["progress"] >= last:
                        return


def _waits(posted: list[float], seen: list[tuple[float, int]]) -> Iterator[float]:
    """For each fact, how long until a number that includes it was seen (one poster: numbers follow its order)."""
    looks = iter(seen)
    at, number = next(looks)
    for count, moment in enumerate(posted, start=1):
        while number < count:
            at, number = next(looks)
        yield at - moment


def _post(running: Running, client: httpx.Client, events: list[dict[str, object]]) -> None:
    answer = client.post(
        f"{running.address}/v1/events",
        content="\n".join(json.dumps(each, ensure_ascii=False) for each in events).encode(),
        headers={"Authorization": f"Bearer {running.key}", "Content-Type": "application/x-ndjson"},
    )
    assert answer.status_code == 202, answer.text
