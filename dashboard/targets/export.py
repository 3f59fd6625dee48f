"""Who is counted, as a table to take away: CSV, or a workbook."""

from __future__ import annotations

import asyncio
import csv
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC
from io import TextIOWrapper
from typing import IO, Any, Final

from openpyxl import Workbook

Row = dict[str, Any]
HEAD: Final = ("candidate", "name", "at", "amount", "facts")
MOST_IN_A_SHEET: Final = 1_048_575  # rows beside the head: what a sheet holds
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


async def write_csv(rows: AsyncIterator[Row], out: IO[bytes]) -> None:
    """With a byte order mark, without which a spreadsheet misreads Chinese."""
    text = TextIOWrapper(out, encoding="utf-8-sig", newline="")
    writer = csv.writer(text)
    writer.writerow(HEAD)
    async for row in rows:
        writer.writerow(_cells(row))
    text.flush()
    text.detach()


async def write_xlsx(rows: AsyncIterator[Row], out: IO[bytes]) -> None:
    """One sheet; when there are more than it holds, its last row says so."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet("counted")
    sheet.append(HEAD)
    written = 0
    async for row in rows:
        written += 1
        if written == MOST_IN_A_SHEET:
            sheet.append(["… there are more: take them as CSV"])
            break
        sheet.append(_cells(row))
    await asyncio.to_thread(book.save, out)


def _cells(row: Row) -> list[Any]:
    facts = [f"{f['type']} {f['time'].astimezone(UTC).isoformat()} {f['source']} {f['id']}" for f in row["facts"]]
    texts = [row["candidate"] or "", row["name"] or "", row["at"].astimezone(UTC).isoformat()]
    return [*map(_inert, texts), row["amount"], _inert("; ".join(facts))]


def _inert(text: str) -> str:
    """What a spreadsheet would take for a formula, as a text."""
    return f"'{text}" if text.startswith(_FORMULA) else text


# What a caller may ask for (`Accept`, or `?format=`), and what writes it.
FORMATS: Final[dict[str, tuple[str, Callable[[AsyncIterator[Row], IO[bytes]], Awaitable[None]]]]] = {
    "csv": ("text/csv", write_csv),
    "xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", write_xlsx),
}
