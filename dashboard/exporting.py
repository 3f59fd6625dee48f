"""Rows as a table to take away: CSV, or a workbook. It is written in portions, between which others are served."""

from __future__ import annotations

import asyncio
import csv
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from io import StringIO
from tempfile import SpooledTemporaryFile
from typing import Any, Final, Protocol

from fastapi import Request
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from dashboard.workbook import MOST_IN_A_SHEET, CellValue, Workbook

CellRow = Sequence[CellValue]
Rows = AsyncGenerator[CellRow]
PORTION: Final = 100  # rows that are written at a time
# What a formula begins with; the wide ones are taken for the others where a spreadsheet is set to Chinese or Japanese.
_SIGNS: Final = r"[ \"]*[=+\-@＝＋－＠]"
_FORMULA: Final = re.compile(rf"[\t\r\n]|{_SIGNS}")
# A spreadsheet may be set to other separators than commas. It takes no quotes for such then that stand behind commas.
_FORMULA_WITHIN: Final = re.compile(rf"(?<=[;|\t\r\n])(?={_SIGNS})")
_IN_MEMORY: Final = 4 * 1024 * 1024  # bytes; a longer table waits in a file
_CHUNK: Final = 64 * 1024
_MORE: Final = "… there are more: take them as CSV"


class TableWriter(Protocol):
    """A table that is written from its beginning to its end: each call gives the bytes that follow."""

    def part(self, rows: Iterable[CellRow]) -> bytes: ...
    def end(self) -> bytes: ...


class Csv:
    """With a byte order mark, without which a spreadsheet misreads Chinese."""

    def __init__(self) -> None:
        self._mark = "\ufeff"

    def part(self, rows: Iterable[CellRow]) -> bytes:
        """More rows."""
        text = StringIO(newline="")
        csv.writer(text).writerows([_inert_within(each) for each in row] for row in rows)
        said, self._mark = self._mark + text.getvalue(), ""
        return said.encode()

    def end(self) -> bytes:
        """Nothing."""
        return b""


def asked_for(request: Request) -> str:
    """Which of FORMATS the header Accept names; `json` where it names none."""
    accept = request.headers.get("accept", "")
    return next((form for form, (media, _, _) in FORMATS.items() if media in accept), "json")


async def parts(head: CellRow, rows: Rows, form: str) -> AsyncGenerator[bytes]:
    """The table, piece by piece. Where there are more rows than it holds, its last one says so."""
    _, made, most = FORMATS[form]
    table, waiting, count = made(), [head], 0
    async with aclosing(rows):
        async for row in rows:
            count += 1
            if count == most:
                waiting.append([_MORE])
                break
            waiting.append([_inert(each) for each in row])
            if len(waiting) >= PORTION:
                yield table.part(waiting)
                waiting = []
                await asyncio.sleep(0)
    yield table.part(waiting) + table.end()


async def written(head: CellRow, rows: Rows, form: str) -> Any:
    """The table in a file that whoever reads it closes."""
    table = SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115
    async for part in parts(head, rows, form):
        table.write(part)
    table.seek(0)
    return table


def handed_out(table: Any, form: str, name: str, headers: Mapping[str, str] | None = None) -> StreamingResponse:
    """The answer that gives a table as a file of this name."""

    def chunks() -> Any:
        with table:
            while chunk := table.read(_CHUNK):
                yield chunk

    return _answer(chunks(), form, name, headers)


async def handed_out_while_written(head: CellRow, rows: Rows, form: str, name: str) -> StreamingResponse:
    """The answer that gives a table whose rows are read while it is sent, at their own pace: what a slow reader has not
    taken waits in a file. An answer that breaks off is not whole."""
    growing = _Growing(parts(head, rows, form))
    await growing.begin()
    return _Ending(growing, headers=_about(form, name), media_type=FORMATS[form][0])


class _Growing:
    """A table that one writes at its end while another reads it."""

    def __init__(self, parts: AsyncGenerator[bytes]) -> None:
        self._parts, self._size, self._more = parts, 0, asyncio.Event()
        self._file = SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115
        self._writing = asyncio.create_task(self._write())

    async def begin(self) -> None:
        """Wait for the first of it. Raises what went wrong until then."""
        await self._more.wait()
        try:
            if self._writing.done():
                await self._writing
        except BaseException:
            self._file.close()
            raise

    async def chunks(self) -> AsyncIterator[bytes]:
        """All of it. Raises what went wrong on the way."""
        at = 0
        try:
            while at < self._size or not self._writing.done():
                if at == self._size:
                    self._more.clear()
                    await self._more.wait()
                    continue
                self._file.seek(at)
                chunk = self._file.read(_CHUNK)
                at += len(chunk)
                yield chunk
            await self._writing
        finally:
            await self.end()

    async def end(self) -> None:
        """Nobody reads it any more."""
        self._writing.cancel()
        await asyncio.wait([self._writing])
        self._file.close()

    async def _write(self) -> None:
        try:
            async with aclosing(self._parts):
                async for part in self._parts:
                    self._file.seek(self._size)
                    self._file.write(part)
                    self._size += len(part)
                    self._more.set()
        finally:
            asyncio.get_running_loop().call_soon(self._more.set)


class _Ending(StreamingResponse):
    """The answer that gives a growing table, which ends with it: when a reader goes while something is sent to them,
    nobody closes the chunks."""

    def __init__(self, growing: _Growing, **more: Any) -> None:
        super().__init__(growing.chunks(), **more)
        self._growing = growing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._growing.end()


def _answer(chunks: Any, form: str, name: str, headers: Mapping[str, str] | None = None) -> StreamingResponse:
    about = {**_about(form, name), **(headers or {})}
    return StreamingResponse(chunks, headers=about, media_type=FORMATS[form][0])


def _about(form: str, name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}.{form}"', "Cache-Control": "no-store"}


def _inert(cell: CellValue) -> CellValue:
    """What a spreadsheet would take for a formula, as a text."""
    return f"'{cell}" if isinstance(cell, str) and _FORMULA.match(cell) else cell


def _inert_within(cell: CellValue) -> CellValue:
    """The same of what follows a separator in it."""
    return _FORMULA_WITHIN.sub("'", cell) if isinstance(cell, str) else cell


# What a caller may ask for (`Accept`, or `?format=`): its media type, what writes it, and how many rows it holds.
FORMATS: Final[dict[str, tuple[str, Callable[[], TableWriter], int | None]]] = {
    "csv": ("text/csv", Csv, None),
    "xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", Workbook, MOST_IN_A_SHEET),
}
