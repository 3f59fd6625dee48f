"""One, two and four workers on Apache Kafka: with one campaign that all of them work on, and with many.

`python -m benchmarks.scale_out --write` puts the tables into docs/scaling.md.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final

import typer

from benchmarks import pages, surroundings
from benchmarks.running import end_in_order
from benchmarks.scale_report import Outcome, cost_lines, numbers, outcome_table, sizing_table, yes
from benchmarks.scaled import run
from benchmarks.sizing import Server
from tests.kafka import apache_kafka

FACTS_POSTED: Final = 40_000
MANY: Final = 100  # campaigns
WORKERS: Final = (1, 2, 4)
PAGE: Final = Path("docs/scaling.md")
SERVER: Final = Server(cores=16, holds=4.0, connections=400)  # what the arithmetic takes one database to be
YEARS: Final = 3


def measure() -> Iterator[tuple[str, str, str]]:
    """For `python -m benchmarks`."""
    for found in outcomes(FACTS_POSTED):
        name = f"{found.workers} workers, {found.campaigns} campaigns"
        yield name, f"{found.rate:,.0f}/s", ""
        yield "  partitions and facts of each", f"{numbers(found.partitions)} · {numbers(found.facts)}", "even"
        yield "  conflicts", f"{found.conflicts:,}", ""
        yield "  targets exact, audit", f"{yes(found.exact)}, {'drift' if found.drift else 'drift 0'}", "yes, drift 0"


def outcomes(facts: int) -> Iterator[Outcome]:
    """Every number of workers, with one campaign and with many."""
    broker = apache_kafka.start(Path(".cache/kafka").absolute(), name=f"scale-{os.getpid()}")
    try:
        for workers in WORKERS:
            for campaigns in (1, MANY):
                apache_kafka.empty_topics(broker.address)
                yield run(broker, workers, campaigns, facts)
    finally:
        broker.stop()
        shutil.rmtree(broker.folder, ignore_errors=True)


def main(
    facts: Annotated[int, typer.Option("-n", "--facts", min=600)] = FACTS_POSTED,
    write: Annotated[bool, typer.Option(help="Write docs/scaling.md")] = False,
) -> None:
    """Measure, print, and write the page when told to."""
    end_in_order()
    begun = surroundings.moment()
    found: list[Outcome] = []
    for each in outcomes(facts):
        print(outcome_table([each]).splitlines()[-1], flush=True)
        found.append(each)
        if write:  # each time: a run that is broken off leaves what it had
            _write(found, begun, facts)


def _write(found: list[Outcome], begun: str, facts: int) -> None:
    costs = found[0].costs()
    said = {
        "Measured": f"{begun}, {facts:,} facts a run, commit {surroundings.commit()}",
        "Machine": surroundings.machine(),
        "Versions": surroundings.versions(),
    }
    runs = pages.particulars(said) + "\n" + outcome_table(found)
    page = pages.between_markers(PAGE.read_text(), "scale-out", runs)
    text = pages.particulars(cost_lines(costs, SERVER)) + "\n" + sizing_table(costs, SERVER, YEARS)
    PAGE.write_text(pages.between_markers(page, "sizing", text))


if __name__ == "__main__":
    typer.run(main)
