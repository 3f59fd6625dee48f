"""The key of a reason stays what it was: messages that were asked for years ago are known by it."""

from __future__ import annotations

import hashlib
import json

from hypothesis import given
from hypothesis import strategies as st

from schemas.messages import dedupe_key

TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@given(TEXT, TEXT | st.none(), st.lists(TEXT | st.integers(-(2**53), 2**53) | st.none()))
def test_a_key_is_the_digest_of_json_as_python_writes_it(campaign: str, candidate: str | None, reason: list):
    whole = json.dumps([campaign, candidate, *reason], ensure_ascii=False)
    digest = hashlib.sha256(whole.encode()).hexdigest()[:40]
    assert dedupe_key("offer", campaign, candidate, reason) == f"offer:{digest}"
