"""Pages of docs/ of which a command writes a part, between two markers. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence


def between_markers(page: str, name: str, text: str) -> str:
    """The page with the text in place of what stood between its two markers. Raises ValueError without these."""
    begin, end = f"<!-- {name}: written by the command -->", f"<!-- {name}: end -->"
    before, found, rest = page.partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"the page lacks the lines {begin} and {end}")
    return f"{before}{begin}\n{text.strip()}\n{closed}{after}"


def particulars(lines: Mapping[str, str]) -> str:
    """What figures depend on, a line each."""
    return "".join(f"- {name}: {value}\n" for name, value in lines.items())


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "".join("| " + " | ".join(map(cell, line)) + " |\n" for line in lines)


def cell(text: str) -> str:
    """On one line, and without what ends a cell."""
    return " ".join(text.split()).replace("|", "/")
