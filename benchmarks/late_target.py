"""Targets that are set late, in a campaign of a million journeys, while facts go on coming in."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from benchmarks.running import database, home
from storage.database import connect
from storage.journeys.states import packed
from streams.apply import Applied, apply_batch
from streams.domain.fold import fold
from streams.intake import Incoming
from streams.persisting import Persistence
from streams.tallying import Tallier
from tests.facts import CAMPAIGN, facts, hired, opened, signed_up, target

JOURNEYS = 1_000_000
QUIET = 100  # batches before the target is set
# As the fold writes them, but that all have one person's journey: nothing looks into it here.
_FILL = """
INSERT INTO journeys (campaign, candidate, version, state, reached, employers, drawn, tags, tagged)
SELECT '{campaign}', 'p' || n, 1, %(state)s, ARRAY[at, at, at, at, at, at], ARRAY['huayou'], 1,
       ARRAY['at:hired', 'education:' || (array['doctor', 'master', 'bachelor'])[1 + n %% 3], 'employer:huayou',
             'fair:f1'], 1
FROM (SELECT n, 1772000000000000 + n * 1000000::bigint AS at FROM generate_series(1, {count}) AS n) AS people
"""
LATE = {
    "all who were hired": target("all", "hired", goal=2_000_000),
    "those with a doctor's degree": target("doctors", "hired", goal=100_000, where={"education": ["doctor"]}),
}


@dataclass(slots=True)
class Found:
    number: int
    setting: float
    right: float
    usual: list[float]
    meanwhile: list[float]


def measure() -> Iterator[tuple[str, str, str]]:
    with home() as at, database(at) as url:
        for name, late in LATE.items():
            found = asyncio.run(_set_late(url, late))
            yield (
                f"a late target of {name}, {JOURNEYS:,} journeys: set within",
                f"{found.setting * 1000:.0f} ms",
                "",
            )
            yield "  its number is right after", f"{found.right:.1f} s", "5 s"
            yield "  a batch meanwhile, longest", f"{max(found.meanwhile) * 1000:.0f} ms", "100 ms more"
            yield "  a batch before, longest", f"{max(found.usual) * 1000:.0f} ms", ""


async def _set_late(url: str, late: dict[str, Any]) -> Found:
    write = Persistence(url, name="worker", jitter=lambda: 1.0)
    async with await connect(url, name="bench") as conn:
        await _prepare(conn)
        usual = [await _batch(conn, f"u{late['id']}{n}") for n in range(QUIET)]
        began = time.perf_counter()
        await _apply(conn, [late])
        setting = time.perf_counter() - began
        looking = asyncio.create_task(Tallier(url, write, told=_nobody).look())
        meanwhile: list[float] = []
        while not looking.done():
            meanwhile.append(await _batch(conn, f"m{late['id']}{len(meanwhile)}"))
        right = time.perf_counter() - began
        await looking
        asked = await conn.execute("SELECT progress, tally FROM targets WHERE target = %s", [late["data"]["target"]])
        number = await asked.fetchone()
        assert number, "the target is not there"
        assert number[1] is None, "it is not counted"
    await write.close()
    return Found(int(number[0]), setting, right, usual, meanwhile)


async def _prepare(conn: Any) -> None:
    row = await (await conn.execute("SELECT count(*) FROM campaigns")).fetchone()
    if not row[0]:
        await _apply(conn, [opened()])
        one = fold(facts([signed_up("p", education="doctor", fair="f1"), hired("p")]))
        await conn.execute(_FILL.format(count=JOURNEYS, campaign=CAMPAIGN).encode(), {"state": packed(one)})
        await conn.execute("VACUUM ANALYZE journeys")


async def _batch(conn: Any, prefix: str) -> float:
    began = time.perf_counter()
    await _apply(conn, [hired(f"{prefix}-{n}", id=f"{prefix}-{n}") for n in range(10)])
    return time.perf_counter() - began


async def _apply(conn: Any, events: list[dict[str, Any]]) -> None:
    batch = [Incoming("t", 0, n, None, json.dumps(event).encode(), ()) for n, event in enumerate(events)]
    await apply_batch(conn, batch, now=datetime.now(UTC))


def _nobody(applied: Applied) -> None:
    pass
