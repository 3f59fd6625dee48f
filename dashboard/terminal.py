"""Targets in a terminal: a table with bars, or a line for each where no person looks."""

from __future__ import annotations

from collections.abc import Iterable

from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from dashboard.following import TargetEntry
from dashboard.formats import Formats

_FORMATS = Formats("en")


def table(entries: Iterable[TargetEntry], state: str | None = None) -> Table:
    """The targets, campaign by campaign; `state` is said below."""
    drawn = Table("campaign", "target", "", "", "", "due", caption=state, expand=False)
    before = None
    for entry in sorted(entries, key=lambda each: (each["campaign"], each["due_on"], each["target"])):
        drawn.add_row(
            Text(entry["campaign"] if entry["campaign"] != before else ""),
            Text(entry["title"]),
            ProgressBar(
                total=float(entry["goal"]),
                completed=float(entry["progress"]),
                width=24,
                complete_style="green",
                finished_style="bold green",
            ),
            Text(_share(entry), justify="right"),
            Text(_number(entry), justify="right"),
            entry["due_on"],
        )
        before = entry["campaign"]
    return drawn


def line(entry: TargetEntry) -> str:
    """grads-2026/graduates 1,287 of 2,000 (64%), due 2026-12-31: 2000 graduates"""
    place = f"{entry['campaign']}/{entry['target']}"
    text = f"{place} {_number(entry)} ({_share(entry)}), due {entry['due_on']}: {entry['title']}"
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def _number(entry: TargetEntry) -> str:
    quantities = (_FORMATS.quantity(entry[name], entry["measure"]) for name in ("progress", "goal"))
    return " of ".join(quantities)


def _share(entry: TargetEntry) -> str:
    return _FORMATS.percent(100 * entry["progress"] / entry["goal"])
