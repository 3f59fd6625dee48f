"""Where a list goes on is found again, whatever ids are like."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from schemas.errors import Refused
from schemas.fields import MAX_ID
from schemas.paging import MOST, decode, encode
from storage.journeys.candidates import TimelinePlace

IDS = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=MAX_ID)


@given(IDS)
@example("a\\u0000b")
@example("\\\\u0000")
def test_after_an_id(id: str):
    assert decode(encode(id), str, "") == id


@given(IDS, IDS)
@example("\U0001f600" * MAX_ID, "\U0001f600" * MAX_ID)
@example('"' * MAX_ID, "\\" * MAX_ID)
def test_after_a_fact(source: str, id: str):
    place = (datetime(2026, 3, 1, 1, 2, 3, 456789, tzinfo=UTC), source, id)
    word = encode(place)
    assert decode(word, TimelinePlace, None) == place
    assert len(word) <= MOST


@pytest.mark.parametrize(
    "raw",
    [b'"a\\u0000b"', b'"\\\\\\u0000"', b'"a\0b"', b'"\\ud800"', b'"\xff"', b"[" * 1000, b"5", b"null", b"", b'"a'],
)
def test_what_is_no_id_is_refused(raw: bytes):
    with pytest.raises(Refused):
        decode(urlsafe_b64encode(raw).decode().rstrip("="), str, "")
