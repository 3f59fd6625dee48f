"""Tables to take away: what they hold, and that they are sent while they are written."""

from __future__ import annotations

import asyncio
import csv
import io
import re
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook

from dashboard import exporting
from dashboard.workbook import CellValue, Workbook

HEAD = ["姓名", "n"]
PLAIN = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20).map(lambda text: f"x{text}")


async def rows_of(said: Sequence[Sequence[CellValue]]) -> AsyncGenerator[Sequence[CellValue]]:
    for each in said:
        yield each


async def table(said: Sequence[Sequence[CellValue]], form: str) -> list[list[Any]]:
    """The table as whoever opens it reads it."""
    content = b"".join([part async for part in exporting.parts(HEAD, rows_of(said), form)])
    if form == "csv":
        return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    return [[*row] for row in load_workbook(io.BytesIO(content)).active.iter_rows(values_only=True)]


@given(st.lists(st.tuples(PLAIN, st.integers(-(10**9), 10**9))))
def test_a_workbook_holds_what_was_said(said: list[tuple[str, int]]):
    assert asyncio.run(table(said, "xlsx")) == [HEAD, *(list(each) for each in said)]


@pytest.mark.parametrize("form", ["csv", "xlsx"])
async def test_no_cell_is_a_formula_and_no_row_is_lost(form: str):
    said = [["=1+1", 1], ["＝A1", 2], ['a, "b"\n<c> & d', 3], *([f"r{n}", n] for n in range(250))]
    expected = [HEAD, ["'=1+1", 1], ["'＝A1", 2], *said[2:]]
    assert [[str(cell) for cell in row] for row in await table(said, form)] == [
        [str(cell) for cell in row] for row in expected
    ]


@pytest.mark.parametrize("cell", ["a;=1+1", "a;=1+1;", 'a; "=1+1', "a\t@A1", "a|＝A1", "a\n-1", 'a"\r\n+1', "=1;=1"])
async def test_no_part_of_a_cell_is_a_formula_whatever_is_taken_for_a_separator(cell: str):
    """As OWASP's page on CSV injection asks for: it does not suffice that a cell does not begin with a sign, where a
    separator within begins another one."""
    assert not starts_a_formula(await as_csv(["x", cell], [cell, cell]))


@given(st.lists(st.text("ab;|\t\r\n,\"' =+-@＝"), min_size=1))
def test_no_cells_are_a_formula_by_what_stands_in_them(cells: list[str]):
    assert not starts_a_formula(asyncio.run(as_csv(cells)))


async def as_csv(*said: Sequence[CellValue]) -> str:
    """The table as its file reads."""
    return b"".join([part async for part in exporting.parts(HEAD, rows_of(said), "csv")]).decode("utf-8-sig")


def starts_a_formula(text: str) -> bool:
    """Whether a piece of it does where each separator that a spreadsheet may be set to parts cells, quoted or not."""
    pieces = (piece.lstrip(' "') for piece in re.split(r"[;|\t\r\n]", text))
    return any(piece.startswith(("=", "+", "-", "@", "＝", "＋", "－", "＠")) for piece in pieces)


async def test_a_dash_that_begins_a_line_within_a_cell_is_made_inert_as_owasp_asks_for():
    """Where a spreadsheet is set to semicolons, it takes no quotes that stand behind commas: a line within them begins
    a row, and its first sign a formula. A dash elsewhere in a line stays as it is."""
    said = await as_csv(["n", "first\n- second\r\n-third, a - b\n–dash"])
    assert said.split("\r\n", 1)[1] == "n,\"first\n'- second\r\n'-third, a - b\n–dash\"\r\n"


async def test_words_after_a_separator_stay_as_they_are():
    said = await as_csv(["a; b", "Li -Wei", "a|b", "one\ntwo, three", "a,=b"])
    assert said.splitlines(keepends=True)[1:] == ['a; b,Li -Wei,a|b,"one\n', 'two, three","a,=b"\r\n']


async def test_what_a_sheet_can_not_say_is_left_out_of_it():
    assert await table([["a\x00b\x0bc", None], ["y" * 40_000, 1.5]], "xlsx") == [
        HEAD,
        ["abc", None],
        ["y" * 32_767, 1.5],
    ]


async def test_a_sheet_that_is_full_says_so(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(exporting.FORMATS, "xlsx", ("x", Workbook, 3))
    found = await table([["a", 1], ["b", 2], ["c", 3], ["d", 4]], "xlsx")
    assert [row[0] for row in found] == ["姓名", "a", "b", "… there are more: take them as CSV"]


async def test_a_table_is_sent_before_its_rows_have_ended():
    going_on = asyncio.Event()

    async def rows() -> AsyncGenerator[Sequence[CellValue]]:
        for n in range(exporting.PORTION):
            yield ["a", n]
        await going_on.wait()
        yield ["last", 0]

    answer = await exporting.handed_out_while_written(HEAD, rows(), "csv", "t")
    chunks = answer.body_iterator
    async with asyncio.timeout(10):
        first = await anext(chunks)
        assert "姓名" in bytes(first).decode()
        going_on.set()
        rest = b"".join([bytes(chunk) async for chunk in chunks])
    assert rest.decode().splitlines()[-1] == "last,0"


@pytest.mark.parametrize("after", [0, 1000])
async def test_what_goes_wrong_with_its_rows_breaks_it_off(after: int):
    async def rows() -> AsyncGenerator[Sequence[CellValue]]:
        for n in range(after):
            yield ["a", n]
        raise LookupError("gone")

    async def taken() -> None:
        answer = await exporting.handed_out_while_written(HEAD, rows(), "csv", "t")
        async for _ in answer.body_iterator:
            pass

    with pytest.raises(LookupError):
        await taken()


async def stalling(ended: asyncio.Event) -> AsyncGenerator[Sequence[CellValue]]:
    """Rows of which no more come after the first portion; `ended`: nobody reads them any more."""
    try:
        for n in range(exporting.PORTION):
            yield ["a", n]
        await asyncio.Event().wait()
    finally:
        ended.set()


async def test_when_its_reader_has_gone_its_rows_are_read_no_further():
    ended = asyncio.Event()

    answer = await exporting.handed_out_while_written(HEAD, stalling(ended), "csv", "t")
    chunks: Any = answer.body_iterator
    async with asyncio.timeout(10):
        await anext(chunks)
        await chunks.aclose()
        await ended.wait()


@pytest.mark.parametrize("is_slow", [True, False])
async def test_who_goes_away_while_something_is_sent_to_them_ends_the_reading(is_slow: bool):
    """It holds a connection, of which there are few; also where nothing of the table was sent as yet."""
    ended, sending = asyncio.Event(), asyncio.Event()

    async def receive() -> dict[str, Any]:
        await sending.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        if is_slow == bool(message.get("body")):
            sending.set()
            await asyncio.Event().wait()

    answer = await exporting.handed_out_while_written(HEAD, stalling(ended), "csv", "t")
    async with asyncio.timeout(10):
        await answer({"type": "http", "asgi": {"spec_version": "2.3"}}, receive, send)
        assert ended.is_set()
