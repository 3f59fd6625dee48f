"""What others wrote, shown in a terminal: as it is, with nothing in it that the terminal or Rich would obey."""

from __future__ import annotations

from rich.markup import escape
from rich.table import Table


def printable(text: str) -> str:
    """Without controls, and characters that turn the direction of writing."""
    return "".join(each if each.isprintable() else " " for each in text)


def plain(text: str) -> str:
    """The same, where Rich would find markup."""
    return escape(printable(text))


def table(*columns: str, whole: int = 1) -> Table:
    """A table whose first columns are never cut, however narrow the terminal: one must be able to name a row."""
    made = Table()
    for number, name in enumerate(columns):
        made.add_column(name, no_wrap=number < whole, overflow="fold", min_width=None)
    return made
