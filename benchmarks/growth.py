"""What a fact costs as the ledger grows, and where its bytes are.

`N` facts in all. With `AT`, a folder, the database stays there: a run that was broken off, or that ended after
`MINUTES`, goes on from the last whole portion when it is begun again, and the curve is drawn there as `growth.svg`.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.applying import Bench, Cost, Rows, bench, drift, sizes
from benchmarks.curve import curve
from benchmarks.facts import STEPS, journeys
from benchmarks.running import home, home_at
from yinfeng.garbage import collect_seldom

FACTS: Final = int(os.environ.get("N", "1000000"))
AT: Final = os.environ.get("AT")
MINUTES: Final = float(os.environ.get("MINUTES", "inf"))
PORTION: Final = 100_000  # facts of whole journeys, one after another: each is compared with the first
AIM: Final = 1.15
_LINES: Final = 12  # of the curve, about, that are printed
_encode: Final = msgspec.json.Encoder().encode


class Grown(msgspec.Struct):
    """What was measured so far, kept beside the database: the cost of each whole portion. `runs`: how often it was
    begun; facts of a portion that was broken off are not said again."""

    runs: int = 0
    portions: list[Cost] = []


def measure() -> Rows:
    collect_seldom()
    with _place() as at:
        grown = _read(at)
        grown.runs += 1
        _keep(at, grown)
        with bench(at) as running:
            yield from asyncio.run(_measure(running, at, grown))


@contextmanager
def _place() -> Iterator[Path]:
    if AT is not None:
        yield home_at(Path(AT).resolve())
        return
    with home() as at:
        yield at


async def _measure(running: Bench, at: Path, grown: Grown) -> list[tuple[str, str, str]]:
    until = time.monotonic() + 60 * MINUTES
    await running.begin()
    await running.over_kafka(journeys(6_000, prefix=f"w{grown.runs}-"), Cost())
    while len(grown.portions) < FACTS // PORTION and time.monotonic() < until:
        grown.portions.append(await _portion(running, f"g{grown.runs}-{len(grown.portions)}-"))
        _keep(at, grown)
        print(f"{len(grown.portions) * PORTION:,} facts: {_told(grown.portions[-1])}", file=sys.stderr)
    rows = [*_curve(grown.portions), ("drift", str(await drift(running)), "0"), *sizes(running.url)]
    await running.persistence.close()
    return rows


async def _portion(running: Bench, prefix: str) -> Cost:
    cost = Cost()
    await running.over_kafka(journeys(PORTION - STEPS, prefix=prefix), cost)
    return cost


def _read(at: Path) -> Grown:
    kept = at / "growth.json"
    return msgspec.json.decode(kept.read_bytes(), type=Grown) if kept.exists() else Grown()


def _keep(at: Path, grown: Grown) -> None:
    """Written beside and renamed: a run that is broken off leaves what it had."""
    fresh = at / "growth.new"
    fresh.write_bytes(_encode(grown))
    fresh.rename(at / "growth.json")
    if grown.portions:
        points = [(number * PORTION, _ratio(grown.portions, cost)) for number, cost in enumerate(grown.portions, 1)]
        title = "Processor time of a fact, to that at 100,000 facts"
        (at / "growth.svg").write_text(curve(title, points, limit=AIM, along="facts"), encoding="utf-8")


def _curve(costs: list[Cost]) -> Iterator[tuple[str, str, str]]:
    """Some of the portions, the first and the last among them: each the mean of those since the one before."""
    step = max(1, len(costs) // _LINES)
    for end in [1, *range(1 + step, len(costs), step), len(costs)] if len(costs) > 1 else range(1, len(costs) + 1):
        mean = _sum(costs[max(0, end - step) : end])
        yield f"processor of a fact, up to {end * PORTION:,} facts", _told(mean), ""
        yield "  ratio to the first", f"{_ratio(costs, mean):.2f}", f"{AIM}"


def _sum(costs: list[Cost]) -> Cost:
    whole = Cost()
    for each in costs:
        whole = replace(
            whole,
            facts=whole.facts + each.facts,
            batches=whole.batches + each.batches,
            worker=whole.worker + each.worker,
            postgres=whole.postgres + each.postgres,
        )
    return whole


def _ratio(costs: list[Cost], cost: Cost) -> float:
    return cost.of(cost.both) / costs[0].of(costs[0].both)


def _told(cost: Cost) -> str:
    return f"{cost.of(cost.both):.0f} µs: worker {cost.of(cost.worker):.0f}, PostgreSQL {cost.of(cost.postgres):.0f}"
