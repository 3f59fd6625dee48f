"""Rows as a table to take away: CSV, or a workbook."""

from __future__ import annotations

import asyncio
import csv
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from io import TextIOWrapper
from tempfile import SpooledTemporaryFile
from typing import IO, Any, Final

from fastapi import Request
from fastapi.responses import StreamingResponse

Cell = str | int | float | None
Rows = AsyncIterator[Sequence[Cell]]
MOST_IN_A_SHEET: Final = 1_048_575  # rows beside the head: what a sheet holds
# The wide ones are taken for the others where a spreadsheet is set to Chinese or Japanese.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_IN_MEMORY: Final = 4 * 1024 * 1024  # bytes; a longer table waits in a file
_CHUNK: Final = 64 * 1024


def asked_for(request: Request) -> str:
    """Which of FORMATS the header Accept names; `json` where it names none."""
    accept = request.headers.get("accept", "")
    return next((form for form, (media, _) in FORMATS.items() if media in accept), "json")


async def written(head: Sequence[str], rows: Rows, form: str) -> Any:
    """The table in a file that whoever reads it closes."""
    table = SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115
    await FORMATS[form][1](head, rows, table)
    table.seek(0)
    return table


def handed_out(table: Any, form: str, name: str, headers: Mapping[str, str] | None = None) -> StreamingResponse:
    """The answer that gives a table as a file of this name."""

    def chunks() -> Any:
        with table:
            while chunk := table.read(_CHUNK):
                yield chunk

    about = {"Content-Disposition": f'attachment; filename="{name}.{form}"', "Cache-Control": "no-store"}
    return StreamingResponse(chunks(), headers={**about, **(headers or {})}, media_type=FORMATS[form][0])


async def write_csv(head: Sequence[str], rows: Rows, out: IO[bytes]) -> None:
    """With a byte order mark, without which a spreadsheet misreads Chinese."""
    text = TextIOWrapper(out, encoding="utf-8-sig", newline="")
    writer = csv.writer(text)
    writer.writerow(head)
    async for row in rows:
        writer.writerow(map(_inert, row))
    text.flush()
    text.detach()


async def write_xlsx(head: Sequence[str], rows: Rows, out: IO[bytes]) -> None:
    """One sheet; when there are more than it holds, its last row says so."""
    from openpyxl import Workbook  # noqa: PLC0415 - much to load for those who export nothing

    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append(head)
    count = 0
    async for row in rows:
        count += 1
        if count == MOST_IN_A_SHEET:
            sheet.append(["… there are more: take them as CSV"])
            break
        sheet.append(list(map(_inert, row)))
    await asyncio.to_thread(book.save, out)


def _inert(cell: Cell) -> Cell:
    """What a spreadsheet would take for a formula, as a text."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell


# What a caller may ask for (`Accept`, or `?format=`), and what writes it.
FORMATS: Final[dict[str, tuple[str, Callable[[Sequence[str], Rows, IO[bytes]], Awaitable[None]]]]] = {
    "csv": ("text/csv", write_csv),
    "xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", write_xlsx),
}
