"""`make faults N=50`: the matrix of faults many times, as a table that goes into docs/reliability.md."""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from tests.faults.frame import Outcome, Stage, run
from tests.faults.matrix import CASES, Deed, expected, injection, stage
from tests.kafka.apache_kafka import why_not

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reliability.md"
START, END = "<!-- figures -->", "<!-- /figures -->"
IN_A_ROW = 5  # so many times, one after the other,
EVERY = 20  # in each twentieth round, the first among them


@dataclass
class Row:
    """What all runs of one fault came to."""

    runs: int = 0
    lost: int = 0
    doubled: int = 0
    wrong: int = 0
    mails_twice: int = 0
    stood_still: float = 0.0
    recovered_after: float = 0.0
    said: list[str] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        self.runs += 1
        self.lost += len(outcome.lost)
        self.doubled += len(outcome.doubled)
        self.wrong += len(outcome.wrong)
        self.mails_twice += len(outcome.mails_twice)
        self.stood_still = max(self.stood_still, outcome.stood_still)
        self.recovered_after = max(self.recovered_after, outcome.recovered_after)
        self.said += outcome.faults()

    def include(self, other: Row) -> None:
        """What other runs of the same came to."""
        self.runs += other.runs
        self.lost += other.lost
        self.doubled += other.doubled
        self.wrong += other.wrong
        self.mails_twice += other.mails_twice
        self.stood_still = max(self.stood_still, other.stood_still)
        self.recovered_after = max(self.recovered_after, other.recovered_after)
        self.said += other.said


Table = dict[str, Row]
Case = tuple[str, Deed, int]  # the part, what is done to it, how many times in a row


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("-n", type=int, default=1, help="how many times each fault is tried on each broker")
    asked.add_argument("--seconds", type=float, default=1e9, help="begin no further round after so many")
    asked.add_argument("--brokers", nargs="*", default=["embedded", "apache"])
    asked.add_argument(
        "--only", nargs="*", default=[], help="parts, such as worker or broker; all of them unless given"
    )
    asked.add_argument("--add", action="store_true", help="add to the table that stands, instead of a new one")
    words = asked.parse_args()
    cases = [case for case in CASES if not words.only or case[0] in words.only]
    tables: dict[str, Table] = {}
    for broker in words.brokers:
        if broker == "apache" and (reason := why_not()):
            print(reason)
        else:
            tables[broker] = {}

    def try_on(broker: str) -> None:
        _try_all(broker, words.n, time.monotonic() + words.seconds, tables[broker], cases)

    with ThreadPoolExecutor() as at_once:  # the brokers side by side: most of the time is waiting
        for _ in at_once.map(try_on, tables):
            pass
    if not words.only:
        table = {name: row for table in tables.values() for name, row in table.items()}
        _write(_added(_read(), table) if words.add else table)
    return 1 if any(row.said for table in tables.values() for row in table.values()) else 0


def _try_all(broker: str, rounds: int, deadline: float, table: Table, cases: Sequence[tuple[str, Deed]]) -> None:
    for number in range(rounds):
        waiting = [(*case, times) for case in cases for times in ((1, IN_A_ROW) if number % EVERY == 0 else (1,))]
        while waiting and time.monotonic() < deadline:
            _on_one_platform(broker, waiting, deadline, table, f"{number + 1}/{rounds}")


def _on_one_platform(broker: str, waiting: list[Case], deadline: float, table: Table, nth: str) -> None:
    """Take from what waits and try it, on a platform of its own: what is checked after a fault grows with what was
    posted before. A fault that can't be tried to its end is noted, and takes the platform with it; the others wait for
    the next."""
    case = waiting[0]
    try:
        with (
            tempfile.TemporaryDirectory(prefix="yinfeng-faults-") as folder,
            stage(Path(folder), broker, ROOT / ".cache" / "kafka") as on,  # type: ignore[arg-type]
        ):
            while waiting and time.monotonic() < deadline:
                case = waiting[0]
                outcome = _try(on, broker, *case)
                table.setdefault(_name(broker, *case), Row()).add(outcome)
                told = outcome.faults() or f"as promised, {outcome.recovered_after:.1f} s"
                _say(f"{nth} {_name(broker, *case)}: {told}")
                waiting.remove(case)
    except Exception as error:
        told = f"not tried to its end: {type(error).__name__}: {error}"
        table.setdefault(_name(broker, *case), Row()).said.append(told)
        _say(f"{nth} {_name(broker, *case)}: {told}")
        if case in waiting:
            waiting.remove(case)


def _try(on: Stage, broker: str, part: str, deed: Deed, times: int) -> Outcome:
    name = _name(broker, part, deed, times).replace(" ", "-").replace(",", "")
    return run(on, name, injection(on, part, deed, times), expected(on, part, deed))


def _name(broker: str, part: str, deed: Deed, times: int) -> str:
    return f"{deed} {part}, {broker}" + (f", {times} in a row" if times > 1 else "")


def _say(text: str) -> None:
    print(f"{datetime.now(UTC):%H:%M:%S} {text}", flush=True)


def _lines(table: Table) -> Iterator[str]:
    yield f"{datetime.now(UTC):%Y-%m-%d}, two cores, `make faults`:\n\n"
    yield "| fault | runs | lost | doubled | wrong | mails twice | longest stand-still (s) | longest recovery (s) |\n"
    yield "|---|---|---|---|---|---|---|---|\n"
    for name, row in table.items():
        cells = [row.runs, row.lost, row.doubled, row.wrong, row.mails_twice]
        times = [f"{row.stood_still:.1f}", f"{row.recovered_after:.1f}"]
        yield f"| {' | '.join(map(str, [name, *cells, *times]))} |\n"


def _read() -> Table:
    """The table as it stands on the page."""
    page = PAGE.read_text(encoding="utf-8").split(START)[1].split(END)[0]
    rows = [[cell.strip() for cell in line.strip("| ").split("|")] for line in page.splitlines() if line.count("|") > 8]
    return {
        name: Row(*map(int, counts), float(still), float(recovered))
        for name, *counts, still, recovered in rows
        if counts[0].isdigit()
    }


def _added(known: Table, more: Table) -> Table:
    for name, row in more.items():
        known.setdefault(name, Row()).include(row)
    return known


def _write(table: Table) -> None:
    page = PAGE.read_text(encoding="utf-8")
    before, after = page.split(START)[0], page.split(END)[1]
    PAGE.write_text(f"{before}{START}\n{''.join(_lines(table))}{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    raise SystemExit(main())
