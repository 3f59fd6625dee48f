"""Signups for one fair with a capacity that 50,000 have signed up for, beside one without: processor time a fact."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from benchmarks.running import database, home
from storage.database import connect
from streams.apply import apply_batch
from streams.intake import Incoming

THERE, SEATS, BATCH, ROUNDS = 50_000, 2_000, 2_000, 4
START = datetime(2026, 3, 1, tzinfo=UTC)
_THERE = """
INSERT INTO seats (campaign, candidate, fair, line, at, source, id, waiting)
SELECT 'c', 'there' || n, 'f', hashtextextended('c' || E'\\x1f' || 'f', 0), %(start)s + n * 1000000, '/bench', n::text,
       n >= %(seats)s
FROM generate_series(0, %(there)s - 1) AS n
"""


def measure() -> Iterator[tuple[str, str, str]]:
    with home() as at, database(at) as url:
        costs, early = asyncio.run(_measure(url))
    for name, (ours, postgres) in costs.items():
        yield f"a signup, {name}: worker + Postgres", f"{ours:.0f} + {postgres:.0f} µs", ""
    yield "an earlier signup that comes late to the full fair, and moves one back", f"{early * 1000:.1f} ms", ""


async def _measure(url: str) -> tuple[dict[str, tuple[float, float]], float]:
    async with await connect(url, name="bench") as conn:
        await _apply(conn, [_opened(), _fair("f", SEATS), _fair("g", None)])
        values = {"start": int(START.timestamp()) * 1_000_000, "seats": SEATS, "there": THERE}
        await conn.execute(_THERE, values)
        await conn.execute("UPDATE fair_seats SET kept = %s, waiting = %s", [SEATS, THERE - SEATS])
        await conn.execute("ANALYZE seats")
        costs: dict[str, list[tuple[float, float]]] = {"with a capacity": [], "without": []}
        for nth in range(ROUNDS + 1):
            for name, fair in (("with a capacity", "f"), ("without", "g")):
                batch = [_signup(f"{fair}{nth}-{n}", fair, THERE + nth * BATCH + n) for n in range(BATCH)]
                spent = await _spent(conn, batch)
                if nth:
                    costs[name].append(spent)
        early = [await _timed(conn, [_signup(f"early{n}", "f", n)]) for n in range(40)]
    medians = {name: (_median([a for a, _ in each]), _median([b for _, b in each])) for name, each in costs.items()}
    return medians, _median(early)


async def _spent(conn: Any, batch: list[Any]) -> tuple[float, float]:
    """Microseconds of processor a fact: ours, and the Postgres process's that serves us."""
    began, theirs = time.process_time(), _processor_of(conn.info.backend_pid)
    await _apply(conn, batch)
    ours = time.process_time() - began
    return ours / len(batch) * 1e6, (_processor_of(conn.info.backend_pid) - theirs) / len(batch) * 1e6


def _processor_of(pid: int) -> float:
    with open(f"/proc/{pid}/schedstat") as file:
        return int(file.read().split()[0]) / 1e9


async def _timed(conn: Any, batch: list[Any]) -> float:
    began = time.perf_counter()
    await _apply(conn, batch)
    return time.perf_counter() - began


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


async def _apply(conn: Any, events: list[Any]) -> None:
    batch = [Incoming("yinfeng.facts", 0, n, None, json.dumps(each).encode(), ()) for n, each in enumerate(events)]
    await apply_batch(conn, batch, now=START)


def _event(type: str, id: str, at: datetime, **data: Any) -> dict[str, Any]:
    said = {"campaign": "c", **data}
    return {"specversion": "1.0", "id": id, "source": "/bench", "type": type, "time": at.isoformat(), "data": said}


def _opened() -> dict[str, Any]:
    return _event("campaign.opened", "o", START, title="C", organizer="O", starts_on="2026-01-01", ends_on="2026-12-31")


def _fair(fair: str, capacity: int | None) -> dict[str, Any]:
    times = {"starts_at": "2027-01-01T09:00:00Z", "ends_at": "2027-01-01T17:00:00Z"}
    seats = {} if capacity is None else {"capacity": capacity}
    return _event("fair.scheduled", fair, START, fair=fair, title="F", mode="onsite", **times, **seats)


def _signup(candidate: str, fair: str, second: int) -> dict[str, Any]:
    at = START + timedelta(seconds=second)
    return _event("candidate.signed_up", candidate, at, candidate=candidate, name="N", fair=fair)


if __name__ == "__main__":
    for name, found, _ in measure():
        print(f"{name}: {found}")
