"""The tables of `scale_out`: what the runs came to, and what size follows from their costs. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks import pages
from benchmarks.sizing import Costs, Demand, Server, limit, size

DEMANDS: Final = (1e7, 1e8, 1e9, 1e10)  # facts a year


@dataclass(frozen=True, slots=True)
class Outcome:
    """One run. `partitions` and `facts` are what each worker had, `locked` the share of statements that waited for a
    lock, `worker` and `postgres` µs of processor a fact, `stored`, `logged` and `carried` bytes a fact, `connections`
    those of one worker."""

    workers: int
    campaigns: int
    rate: float
    partitions: tuple[int, ...]
    facts: tuple[int, ...]
    conflicts: int
    locked: float
    exact: bool
    drift: bool
    worker: float
    postgres: float
    stored: float
    logged: float
    carried: float
    connections: int

    def costs(self) -> Costs:
        """As the arithmetic takes them."""
        return Costs(self.worker, self.postgres, self.stored, self.logged, self.carried, self.connections)


def outcome_table(found: Sequence[Outcome]) -> str:
    """The runs, a line each."""
    header = (
        "workers",
        "campaigns",
        "facts/s",
        "partitions of each",
        "facts of each",
        "conflicts",
        "waiting for locks",
        "exact",
        "audit",
        "µs a fact: workers",
        "PostgreSQL",
    )
    return pages.table(
        header,
        [
            (
                str(each.workers),
                str(each.campaigns),
                f"{each.rate:,.0f}",
                numbers(each.partitions),
                numbers(each.facts),
                f"{each.conflicts:,}",
                f"{each.locked:.0%}",
                yes(each.exact),
                "drift" if each.drift else "drift 0",
                f"{each.worker:.0f}",
                f"{each.postgres:.0f}",
            )
            for each in found
        ],
    )


def sizing_table(costs: Costs, server: Server, years: int) -> str:
    """What some demands need, by these costs."""
    header = (
        "facts a year",
        "mean, facts/s",
        "busiest hour",
        "busiest minute",
        "worker cores",
        "PostgreSQL cores",
        "log written, MB/s",
        "TB a year",
        f"databases for {years} years",
        "partitions of each",
    )
    rows = []
    for yearly in DEMANDS:
        demand = Demand(yearly)
        need = size(demand, costs, server, years)
        rates = (f"{demand.mean:,.1f}", f"{demand.peak:,.0f}", f"{demand.minute:,.0f}")
        cores = (f"{need.worker_cores:.1f}", f"{need.postgres_cores:.1f}", f"{need.written:.1f}")
        rows.append((f"{yearly:,.0f}", *rates, *cores, f"{need.stored:.2f}", str(need.databases), str(need.partitions)))
    return pages.table(header, rows)


def cost_lines(costs: Costs, server: Server) -> dict[str, str]:
    """What the arithmetic stands on."""
    return {
        "Processor a fact": f"{costs.worker:.0f} µs of the worker, {costs.postgres:.0f} µs of PostgreSQL",
        "Bytes a fact": f"{costs.stored:,.0f} of database, {costs.logged:,.0f} of write-ahead log,"
        f" {costs.carried:,.0f} of Kafka's log before it is compressed",
        "Connections of a worker": str(costs.connections),
        "One database": f"{server.cores} cores half busy take {limit(costs, server):,.0f} facts/s",
    }


def numbers(some: Iterable[int]) -> str:
    return " · ".join(f"{number:,}" for number in some)


def yes(right: bool) -> str:
    return "yes" if right else "no"
