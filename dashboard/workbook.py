"""A workbook of one sheet (Office Open XML), written row by row: what is written can be sent before the rest is
known."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile

CellValue = str | int | float | None
MOST_IN_A_SHEET: Final = 1_048_575  # rows beside the head: what a sheet holds
LONGEST: Final = 32_767  # characters of a cell: what a sheet holds
_QUICKLY: Final = 1  # of the levels of deflate: others wait meanwhile
_NEVER_IN_XML: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_XML: Final = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_OOXML: Final = "http://schemas.openxmlformats.org"
_SHEET: Final = f'{_XML}<worksheet xmlns="{_OOXML}/spreadsheetml/2006/main"><sheetData>'
_SHEET_END: Final = "</sheetData></worksheet>"
_RELATION: Final = f"{_OOXML}/officeDocument/2006/relationships"
_KIND: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_AROUND: Final = {
    "[Content_Types].xml": f'{_XML}<Types xmlns="{_OOXML}/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{_KIND}.sheet.main+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_KIND}.worksheet+xml"/></Types>',
    "_rels/.rels": f'{_XML}<Relationships xmlns="{_OOXML}/package/2006/relationships">'
    f'<Relationship Id="rId1" Type="{_RELATION}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'{_XML}<workbook xmlns="{_OOXML}/spreadsheetml/2006/main" xmlns:r="{_RELATION}"><sheets>'
    '<sheet name="Sheet" sheetId="1" r:id="rId1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'{_XML}<Relationships xmlns="{_OOXML}/package/2006/relationships">'
    f'<Relationship Id="rId1" Type="{_RELATION}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
}


class _Pipe:
    """What a zip file is written to that is read at once: it can't go back."""

    def __init__(self) -> None:
        self._written: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._written.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing waits here."""

    def close(self) -> None:
        """Nothing is held."""

    def taken(self) -> bytes:
        """What was written since it was asked last."""
        found = b"".join(self._written)
        self._written.clear()
        return found


class Workbook:
    """Each call gives the bytes that follow."""

    def __init__(self) -> None:
        self._pipe = _Pipe()
        self._zip = ZipFile(self._pipe, "w", ZIP_DEFLATED, compresslevel=_QUICKLY)
        for name, said in _AROUND.items():
            self._zip.writestr(name, said)
        self._sheet = self._zip.open("xl/worksheets/sheet1.xml", "w", force_zip64=True)
        self._sheet.write(_SHEET.encode())

    def part(self, rows: Iterable[Sequence[CellValue]]) -> bytes:
        """More rows."""
        self._sheet.write("".join(map(_row, rows)).encode())
        return self._pipe.taken()

    def end(self) -> bytes:
        """The rest: nothing follows it."""
        self._sheet.write(_SHEET_END.encode())
        self._sheet.close()
        self._zip.close()
        return self._pipe.taken()


def _row(cells: Sequence[CellValue]) -> str:
    return f"<row>{''.join(map(_cell, cells))}</row>"


def _cell(value: CellValue) -> str:
    if value is None:
        return "<c/>"
    if not isinstance(value, str):
        return f"<c><v>{value}</v></c>"
    text = _NEVER_IN_XML.sub("", value[:LONGEST])
    return f'<c t="inlineStr"><is><t xml:space="preserve">{escape(text)}</t></is></c>'
