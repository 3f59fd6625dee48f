"""Digests under one key are those that the standard library makes."""

from __future__ import annotations

import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.keyed import KeyedDigest


@given(key=st.binary(max_size=64), said=st.lists(st.binary(max_size=200), min_size=2, max_size=2))
def test_it_is_hmac_each_time(key: bytes, said: list[bytes]):
    keyed = KeyedDigest(key)
    assert [keyed(each) for each in said] == [hmac.digest(key, each, "sha256") for each in said]


def test_a_key_that_would_have_to_be_digested_is_refused():
    with pytest.raises(ValueError, match="longer"):
        KeyedDigest(bytes(65))
