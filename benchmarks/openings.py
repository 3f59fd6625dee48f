"""One opening more, in a campaign that has none and in one that has 5,000."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from benchmarks.running import database, home
from storage.database import connect
from streams.apply import apply_batch
from streams.intake import Incoming

MANY = 5000
TRIES = 40


def measure() -> Iterator[tuple[str, str, str]]:
    with home() as at, database(at) as url:
        none, many = asyncio.run(_both(url))
    yield "one opening more, where there are none", f"{none * 1000:.1f} ms", ""
    yield f"one opening more, where there are {MANY:,}", f"{many * 1000:.1f} ms", "20 ms"
    yield "  ratio", f"{many / none:.2f}", ""


async def _both(url: str) -> tuple[float, float]:
    async with await connect(url, name="bench") as conn:
        await _set(conn, "full", range(MANY))
        return await _one_by_one(conn, "empty"), await _one_by_one(conn, "full")


async def _one_by_one(conn: Any, campaign: str) -> float:
    """The median."""
    times = []
    for number in range(TRIES):
        began = time.perf_counter()
        await _set(conn, campaign, [MANY + number])
        times.append(time.perf_counter() - began)
    return sorted(times)[TRIES // 2]


async def _set(conn: Any, campaign: str, numbers: Any) -> None:
    events = [
        {
            "specversion": "1.0",
            "id": f"{campaign}-{number}",
            "source": "/bench",
            "type": "opening.set",
            "time": "2026-03-01T09:00:00+08:00",
            "data": {"campaign": campaign, "opening": f"o{number}", "employer": "e", "position": "p", "seats": 1},
        }
        for number in numbers
    ]
    batch = [Incoming("t", 0, n, None, json.dumps(event).encode(), ()) for n, event in enumerate(events)]
    await apply_batch(conn, batch, now=datetime.now(UTC))
