"""`make bench`: measure and print. `python -m benchmarks NAME…` measures a part."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.table import Table

from benchmarks import (
    applying,
    candidates,
    drain,
    growth,
    late_target,
    latency,
    listeners,
    morning,
    openings,
    scale_out,
    sealing,
    seats,
    sending,
    signing_up,
    start,
    taking_in,
    throughput,
    views,
    wall,
)
from benchmarks.running import end_in_order

Rows = Iterator[tuple[str, str, str]]


def main(names: list[str]) -> None:
    """Print a table of what was asked for: what, measured, aim. Raises SystemExit for a name that isn't."""
    end_in_order()
    if "--help" in names:
        print(f"{__doc__}\n\nThere are {', '.join(PARTS)}; without a name all are measured.")
        return
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        raise SystemExit(f"There is no benchmark {', '.join(unknown)}; there are {', '.join(PARTS)}")
    console, table = Console(), Table("what", "measured", "aim")
    for name in names or PARTS:
        console.print(f"measuring {name} …", style="dim")
        for row in PARTS[name]():
            table.add_row(*row)
        table.add_section()
    console.print(table)


PARTS: dict[str, Callable[[], Rows]] = {
    "start": start.measure,
    "throughput": throughput.measure,
    "taking_in": taking_in.measure,
    "latency": latency.measure,
    "listeners": listeners.measure,
    "applying": applying.measure,
    "drain": drain.measure,
    "growth": growth.measure,
    "sending": sending.measure,
    "signing_up": signing_up.measure,
    "openings": openings.measure,
    "candidates": candidates.measure,
    "seats": seats.measure,
    "morning": morning.measure,
    "views": views.measure,
    "wall": wall.measure,
    "sealing": sealing.measure,
    "late_target": late_target.measure,
    "scale_out": scale_out.measure,
}

if __name__ == "__main__":
    main(sys.argv[1:])
