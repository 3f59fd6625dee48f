"""Facts applied a second, end to end: from the first post until the last fact is in a target's number."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

from benchmarks.facts import campaign, journeys
from benchmarks.running import Running, home, platform
from producers.client import BulkPoster
from producers.post import PORTION_EVENTS, HttpPoster, PostAnswer

FACTS = 120_000
MEMORY_AFTER = "600 MB"


def measure() -> Iterator[tuple[str, str, str]]:
    with home() as at, platform(at) as running:
        _post_kafka(running, campaign())
        _until_applied(running, 0)
        warm = list(journeys(2_000, prefix="w"))
        _post_kafka(running, warm)
        _until_applied(running, 0)
        yield from _timed(running, "over Kafka", "k", _post_kafka, "10,000/s")
        yield from _timed(running, "over HTTP", "h", _post_http, "")
        yield "memory of all parts, afterwards", f"{running.memory():.0f} MB", MEMORY_AFTER


def _timed(running: Running, way: str, prefix: str, post: Any, aim: str) -> Iterator[tuple[str, str, str]]:
    events = list(journeys(FACTS, prefix=prefix))
    known = running.scalar("SELECT count(*) FROM facts")
    began = time.perf_counter()
    post(running, events)
    posted = time.perf_counter() - began
    _until_applied(running, known + len(events))
    whole = time.perf_counter() - began
    yield f"facts applied {way}", f"{len(events) / whole:,.0f}/s", aim
    yield f"  of which posting took part of the time, {way}", f"{posted / whole:.0%}", ""


def _post_kafka(running: Running, events: list[dict[str, Any]]) -> None:
    with BulkPoster(running.kafka) as poster:
        poster.post(events)


def _post_http(running: Running, events: list[dict[str, Any]]) -> None:
    poster, total = HttpPoster(running.address, running.key), PostAnswer()
    for start in range(0, len(events), PORTION_EVENTS):
        poster.post(
            [json.dumps(each, ensure_ascii=False).encode() for each in events[start : start + PORTION_EVENTS]], total
        )
    poster.close()
    assert not total.rejected, total.rejections


def _until_applied(running: Running, facts: int) -> None:
    while running.scalar("SELECT count(*) FROM facts") < facts or running.scalar("SELECT count(*) FROM pending"):
        time.sleep(0.05)
