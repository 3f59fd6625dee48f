"""Columns of a batch as Postgres' array literals, written by msgspec: psycopg dumps a list item by item in
Python, which took a seventh of a worker's time.

A JSON array is an array literal but for its brackets, and for control characters: JSON spells them out, and Postgres
takes `\\n` for an n. Where one may be, psycopg's own way is taken.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

_encode: Final = msgspec.json.Encoder().encode
_SPELLED_OUT: Final = (b"\\n", b"\\u", b"\\t", b"\\r", b"\\b", b"\\f")
# Of these, those that stand for a control character. A text that is JSON itself has others: a backslash and an n.
_CONTROL: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\[nutrbf]")

Value = str | int | datetime | None
Column = Any  # str or list: what psycopg takes for a parameter `%s::text[]`


def column(values: Sequence[Value]) -> Column:
    """Texts, whole numbers or moments, or none of these, as a parameter that is cast to an array in the statement."""
    literal = _encode(values)
    if any(mark in literal for mark in _SPELLED_OUT) and _CONTROL.search(literal):
        return list(values)
    return "{" + literal[1:-1].decode() + "}"


def named(values: Mapping[str, Sequence[Value]]) -> dict[str, Column]:
    """Columns by the names of their parameters."""
    return {name: column(each) for name, each in values.items()}


def columns(rows: Iterable[Sequence[Value]], width: int) -> list[Column]:
    """The columns of a table of `width` columns, which may have no rows."""
    turned = list(zip(*rows, strict=True)) or [()] * width
    return [column(values) for values in turned]
