"""What a fact costs as the ledger grows, and where its bytes are."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from typing import Final

from benchmarks.applying import Bench, Cost, Rows, bench, drift, sizes
from benchmarks.facts import STEPS, journeys
from yinfeng.worker import collect_seldom

FACTS: Final = int(os.environ.get("N", "1000000"))
PORTION: Final = 100_000  # facts of whole journeys, one after another: each is compared with the first


def measure() -> Rows:
    collect_seldom()
    with bench() as at:
        yield from asyncio.run(_measure(at))


async def _measure(at: Bench) -> list[tuple[str, str, str]]:
    await at.begin()
    await at.over_kafka(journeys(6_000, prefix="w"), Cost())
    costs = [await _portion(at, number) for number in range(FACTS // PORTION)]
    rows = [*_curve(costs), ("drift", str(await drift(at)), "0"), *sizes(at.url)]
    await at.persistence.close()
    return rows


async def _portion(at: Bench, number: int) -> Cost:
    cost = Cost()
    await at.over_kafka(journeys(PORTION - STEPS, prefix=f"g{number}-"), cost)
    return cost


def _curve(costs: list[Cost]) -> Iterator[tuple[str, str, str]]:
    first = costs[0].of(costs[0].both)
    for number, cost in enumerate(costs, 1):
        both = cost.of(cost.both)
        told = f"{both:.0f} µs: worker {cost.of(cost.worker):.0f}, PostgreSQL {cost.of(cost.postgres):.0f}"
        yield f"processor of a fact, up to {number * PORTION:,} facts", told, ""
        yield "  ratio to the first", f"{both / first:.2f}", "1.15"
