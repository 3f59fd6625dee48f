"""Columns of a batch as Postgres' array literals, written by msgspec: psycopg dumps a list item by item in
Python, which took a seventh of a worker's time.

A JSON array is an array literal but for its brackets, and for control characters: JSON spells them out, and Postgres
takes `\\n` for an n. Where one may be, psycopg's own way is taken.

Columns of JSON documents go otherwise: quoted once more, each would be looked through three times on its way.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import accumulate
from typing import Any, Final

import msgspec

_encode: Final = msgspec.json.Encoder().encode
# A look that begins with a backslash is quick. Of what it finds, those stand for a control character that the other one
# finds too: a text that is JSON itself has a backslash and an n.
_MAYBE_CONTROL: Final = re.compile(rb"\\[nutrbf]")
_CONTROL: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\[nutrbf]")
_BETWEEN: Final = b"\x1f"

Value = str | int | datetime | None
Column = Any  # str or list: what psycopg takes for a parameter `%s::text[]`


def column(values: Sequence[Value]) -> Column:
    """Texts, whole numbers or moments, or none of these, as a parameter that is cast to an array in the statement."""
    literal = _encode(values)
    if _MAYBE_CONTROL.search(literal) and _CONTROL.search(literal):
        return list(values)
    return "{" + literal[1:-1].decode() + "}"


def blobs(values: Iterable[bytes | None]) -> Column:
    """Bytes, or none of them, as a parameter that is cast to `bytea[]` in the statement."""
    return "{" + ",".join(["NULL" if each is None else f'"\\\\x{each.hex()}"' for each in values]) + "}"


def strung(name: str, values: Sequence[bytes | None]) -> dict[str, Column]:
    """Bytes, or none of them, as parameters by this name: one of all of them, which Postgres takes as it is, and where
    each begins in it (`…_at`), and its length (`…_size`). The statement has these two as columns, and takes each by
    `cut`."""
    sizes = [None if each is None else len(each) for each in values]
    begins = accumulate([size or 0 for size in sizes[:-1]], initial=1)
    whole = b"".join([each for each in values if each is not None])
    return {name: whole, f"{name}_at": column(list(begins)[: len(sizes)]), f"{name}_size": column(sizes)}


def cut(name: str) -> str:
    """A row's own of the bytes that are strung together, in SQL."""
    return f"substr(%({name})b::bytea, {name}_at, {name}_size)"


def documents(values: Iterable[bytes]) -> bytes:
    """JSON documents as msgspec writes them, as a parameter that the statement takes by `split`. Control characters are
    spelled out in JSON, so that one can stand between documents."""
    return _BETWEEN.join(values)


def split(name: str | None = None) -> str:
    """The array of texts that a parameter of documents is, in SQL."""
    return f"string_to_array(convert_from(%{f'({name})' if name else ''}b, 'UTF8'), E'\\x1f')"


def named(values: Mapping[str, Sequence[Value]]) -> dict[str, Column]:
    """Columns by the names of their parameters."""
    return {name: column(each) for name, each in values.items()}


def columns(rows: Iterable[Sequence[Value]], width: int) -> list[Column]:
    """The columns of a table of `width` columns, which may have no rows."""
    turned = list(zip(*rows, strict=True)) or [()] * width
    return [column(values) for values in turned]
