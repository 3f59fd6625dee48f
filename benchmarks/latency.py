"""From the post of a fact until an open page is told of it (SSE), at a steady 500 facts a second, leg by leg.

`COMMITTED=1` tells the commit apart from the page too: then somebody looks at the number 250 times a second, which
takes 8 % of two cores.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext

import httpx

from benchmarks.facts import campaign
from benchmarks.legs import Committed, Seen, begun, legs, passed, published
from benchmarks.running import Running, home, platform
from tests.facts import CAMPAIGN, signed_up

RATE = 500  # facts a second
SECONDS = 30
WARM = 5  # seconds of them that don't count
EACH = 10  # facts in one request
FACTS = RATE * SECONDS
LOOK = os.environ.get("COMMITTED") == "1"
AIM = "p50 60 ms, p99 120 ms"


def measure() -> Iterator[tuple[str, str, str]]:
    with home() as at, platform(at) as running:
        _post(running, httpx.Client(), campaign())
        seen: list[Seen] = []
        with ThreadPoolExecutor(1) as pool, Committed(running) if LOOK else nullcontext() as committed:
            watch = pool.submit(_watch, running, FACTS, seen)
            posted, answered = _post_steadily(running)
            watch.result(60)
        points = [
            ("post", posted),
            ("202", answered),
            ("sent by the relay", published(running, FACTS)),
            ("the worker begins", begun(running, CAMPAIGN, FACTS)),
            *([("committed", passed(committed.seen, FACTS))] if committed is not None else []),
            ("page", passed(seen, FACTS)),
        ]
    *parts, whole = legs([(name, moments[RATE * WARM :]) for name, moments in points])
    yield f"at {RATE} facts/s, {whole[0]}", whole[1], AIM
    for name, took in parts:
        yield f"  {name}", took, ""


def _post_steadily(running: Running) -> tuple[list[float], list[float]]:
    """The moment at which each fact was about to be posted, and that of its answer."""
    client, posted, answered = httpx.Client(), list[float](), list[float]()
    began = time.perf_counter()
    for start in range(0, FACTS, EACH):
        time.sleep(max(0.0, began + start / RATE - time.perf_counter()))
        posted += [time.time()] * EACH
        _post(running, client, [signed_up(f"c{number}") for number in range(start, start + EACH)])
        answered += [time.time()] * EACH
    return posted, answered


def _watch(running: Running, last: int, seen: list[Seen]) -> None:
    headers = {"Authorization": f"Bearer {running.key}"}
    with httpx.stream("GET", f"{running.address}/v1/targets/stream", headers=headers, timeout=60) as answer:
        for line in answer.iter_lines():
            if line.startswith("data:"):
                entry = json.loads(line[5:])
                if entry.get("target") == "signups":
                    seen.append((time.time(), entry["progress"]))
                    if entry["progress"] >= last:
                        return


def _post(running: Running, client: httpx.Client, events: list[dict[str, object]]) -> None:
    answer = client.post(
        f"{running.address}/v1/events",
        content="\n".join(json.dumps(each, ensure_ascii=False) for each in events).encode(),
        headers={"Authorization": f"Bearer {running.key}", "Content-Type": "application/x-ndjson"},
    )
    assert answer.status_code == 202, answer.text
