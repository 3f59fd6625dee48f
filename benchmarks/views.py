"""How soon each page answers where there are many facts, read over HTTP as a browser does: `N=1000000` facts, or, with
`AT`, those of the database that `growth` keeps in that folder."""

from __future__ import annotations

import asyncio
import os
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx

from benchmarks.applying import Bench, Cost, Rows, bench
from benchmarks.facts import journeys
from benchmarks.running import home, home_at
from storage.access import keys
from storage.database import Conn, connect
from storage.messages import counting
from tests.facts import CAMPAIGN
from tests.web import served
from yinfeng.garbage import collect_seldom

FACTS: Final = int(os.environ.get("N", "1000000"))
AT: Final = os.environ.get("AT")
TRIES: Final = 15
AIM: Final = "100 ms"
PAGES: Final = {
    "/": "/",
    "a campaign's": f"/campaigns/{CAMPAIGN}",
    "candidates": f"/campaigns/{CAMPAIGN}/candidates",
    "messages": "/messages",
    "metrics": "/metrics",
}


def measure() -> Rows:
    collect_seldom()
    with _filled() as at:
        key, facts = asyncio.run(_read(at))
        with served(at.url) as address, httpx.Client(base_url=address, timeout=60) as client:
            client.headers.update({"authorization": f"Bearer {key}", "accept": "text/html, text/plain"})
            for name, path in PAGES.items():
                took = sorted(_took(client, path) for _ in range(TRIES))
                yield (
                    f"{name}, at {facts:,} facts, p50 and most",
                    f"{statistics.median(took):.0f}, {took[-1]:.0f} ms",
                    AIM,
                )


@contextmanager
def _filled() -> Iterator[Bench]:
    if AT is not None:
        with bench(home_at(Path(AT).resolve())) as at:
            yield at
        return
    with home() as place, bench(place) as at:
        asyncio.run(_fill(at))
        yield at


async def _fill(at: Bench) -> None:
    await at.begin()
    await at.over_kafka(journeys(FACTS, prefix="v"), Cost())
    await at.persistence.close()


async def _read(at: Bench) -> tuple[str, int]:
    """An organizer's key, and how many facts there are."""
    async with await connect(at.url, name="bench") as conn:
        await conn.execute("ANALYZE")
        await _count_messages(conn)
        row = await (await conn.execute("SELECT max(seq) FROM facts")).fetchone()
        assert row is not None
        return await keys.create(conn, name="bench", role="organizer"), row[0]


async def _count_messages(conn: Conn) -> None:
    """As a worker does beside its work."""
    part = await counting.count_some(conn, None)
    while part is not None:
        part = await counting.count_some(conn, part)


def _took(client: httpx.Client, path: str) -> float:
    """Milliseconds until the whole answer is there."""
    began = time.perf_counter()
    answer = client.get(path)
    assert answer.status_code == 200, (path, answer.status_code, answer.text[:300])
    return (time.perf_counter() - began) * 1000
