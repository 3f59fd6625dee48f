"""How large a set of servers has to be: arithmetic from measured costs. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

YEAR: Final = 365 * 86400  # seconds
CALM: Final = 0.5  # what part of its processors a database may have busy at the peak
SPARE: Final = 0.7  # what part of a worker may be busy at the peak


@dataclass(frozen=True, slots=True)
class Costs:
    """What one fact costs, measured: µs of processor of the worker and of PostgreSQL, bytes of database, of
    write-ahead log and of Kafka's log; and the connections that a worker holds."""

    worker: float
    postgres: float
    stored: float
    logged: float
    carried: float
    connections: int


@dataclass(frozen=True, slots=True)
class Demand:
    """Facts a year, and the parts of them that come in the season: `season` of all facts within `days` days of `hours`
    hours; the busiest hour has `rush` times the season's mean, its busiest minute `burst` times that."""

    yearly: float
    season: float = 0.6
    days: int = 60
    hours: int = 8
    rush: float = 3.0
    burst: float = 4.0

    @property
    def mean(self) -> float:
        """Facts a second over the year."""
        return self.yearly / YEAR

    @property
    def in_season(self) -> float:
        """Facts a second in the season's hours."""
        return self.yearly * self.season / (self.days * self.hours * 3600)

    @property
    def peak(self) -> float:
        """Facts a second in the busiest hour."""
        return self.in_season * self.rush

    @property
    def minute(self) -> float:
        """Facts a second in the busiest minute."""
        return self.peak * self.burst


@dataclass(frozen=True, slots=True)
class Server:
    """A database server: cores, TB that it is to hold at most, and connections that it takes."""

    cores: int
    holds: float
    connections: int


@dataclass(frozen=True, slots=True)
class Size:
    """What is needed. Rates in facts a second, `written` in MB a second at the peak, `stored` in TB a year."""

    worker_cores: float
    workers: int
    postgres_cores: float
    written: float
    stored: float
    databases: int
    partitions: int


def size(demand: Demand, costs: Costs, server: Server, years: int) -> Size:
    """What this demand needs when its facts are kept for so many years.

    A worker is one process on one core. Each has at least two partitions, so that another can take over a part.
    """
    worker_cores = demand.minute * costs.worker / 1e6 / SPARE
    postgres_cores = demand.minute * costs.postgres / 1e6 / CALM
    stored = demand.yearly * costs.stored / 1e12
    workers = math.ceil(worker_cores)
    databases = max(
        math.ceil(postgres_cores / server.cores),
        math.ceil(stored * years / server.holds),
        math.ceil(workers * costs.connections / server.connections),
    )
    partitions = math.ceil(max(workers, databases) / databases) * 2
    written = demand.minute * costs.logged / 1e6
    return Size(worker_cores, workers, postgres_cores, written, stored, databases, max(partitions, 8))


def limit(costs: Costs, server: Server) -> float:
    """Facts a second that one database takes with its processors half busy."""
    return server.cores * CALM * 1e6 / costs.postgres
