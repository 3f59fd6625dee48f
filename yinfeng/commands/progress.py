"""The progress bar that long commands show, on standard error."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn


def progress_bar(console: Console, *more: Any) -> Progress:
    """A bar with a description, a share and the time; `more` are further columns."""
    columns = [
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        *more,
        TimeElapsedColumn(),
    ]
    return Progress(*columns, console=console, transient=True)
