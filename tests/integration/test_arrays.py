"""Arrays that we write as literals arrive in Postgres as they are."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage.arrays import blobs, column, columns, cut, documents, split, strung
from storage.database import Conn

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


async def there(conn: Conn, kind: str, values: list[Any]) -> list[Any]:
    row = await (await conn.execute(f"SELECT %s::{kind}[]", [column(values)])).fetchone()
    assert row
    return list(row[0])


@pytest.mark.parametrize(
    "nasty", ['"', "\\", "\\n", "\n", "\x7f", "{}", ",", "NULL", "null", "", " ", "\u2028", "李", "\\u0041"]
)
async def test_any_text_arrives(conn: Conn, nasty: str):
    assert await there(conn, "text", [nasty, None, nasty + nasty]) == [nasty, None, nasty + nasty]


def test_a_text_with_line_breaks_within_its_json_is_a_literal_and_a_line_break_is_none():
    assert isinstance(column(['{"note": "first\\nsecond"}', "C:\\new"]), str)
    assert column(["first\nsecond"]) == ["first\nsecond"]


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(values=st.lists(st.one_of(st.none(), TEXTS), max_size=200))
async def test_all_texts_arrive(conn: Conn, values: list[str | None]):
    assert await there(conn, "text", values) == values


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(values=st.lists(st.dictionaries(TEXTS, TEXTS | st.integers() | st.none(), max_size=3), max_size=50))
async def test_all_documents_arrive(conn: Conn, values: list[dict[str, Any]]):
    said = [msgspec.json.encode(value) for value in [{"a": "\x1f\n\\"}, *values]]
    row = await (await conn.execute(f"SELECT {split()}", [documents(said)])).fetchone()
    assert row == ([each.decode() for each in said],)
    row = await (await conn.execute(f"SELECT {split('none')}", {"none": documents([])})).fetchone()
    assert row == ([],)


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(values=st.lists(st.one_of(st.none(), st.binary(max_size=99)), max_size=50))
async def test_all_bytes_arrive(conn: Conn, values: list[bytes | None]):
    row = await (await conn.execute("SELECT %s::bytea[]", [blobs(values)])).fetchone()
    assert row == (values,)


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(values=st.lists(st.one_of(st.none(), st.binary(max_size=99)), max_size=50))
async def test_all_bytes_that_are_strung_together_arrive(conn: Conn, values: list[bytes | None]):
    query = f"SELECT {cut('b')} FROM unnest(%(b_at)s::int[], %(b_size)s::int[]) AS u(b_at, b_size)"
    rows = await (await conn.execute(query.encode(), strung("b", values))).fetchall()
    assert rows == [(value,) for value in values]


async def test_numbers_and_moments_arrive(conn: Conn):
    moment = datetime(2026, 3, 1, 9, 30, 0, 123456, tzinfo=UTC)
    assert await there(conn, "bigint", [1, None, -(2**62)]) == [1, None, -(2**62)]
    assert await there(conn, "timestamptz", [moment, None]) == [moment, None]


async def test_a_table_without_rows_has_its_columns(conn: Conn):
    rows = await conn.execute("SELECT * FROM unnest(%s::text[], %s::int[])", columns([], 2))
    assert await rows.fetchall() == []
