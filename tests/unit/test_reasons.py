"""Reasons of messages as they are stored: short, one for each, those of one person together."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from schemas.messages import dedupe_key
from storage.messages.reasons import forms, stored
from tests.unit.test_dedupe_keys import TEXT

REASON = st.tuples(st.sampled_from(["offer", "welcome"]), TEXT, TEXT | st.none(), st.lists(TEXT | st.none()))


def kept(reason: tuple[str, str, str | None, list[str | None]]) -> str:
    kind, campaign, candidate, said = reason
    return stored(dedupe_key(kind, campaign, candidate, said), campaign, candidate)


@given(REASON, REASON)
def test_each_reason_has_its_own_key_of_15_letters_and_none_is_taken_for_one_of_before(one, other):
    assert (kept(one) == kept(other)) == (one == other)
    assert re.fullmatch("[0-9A-Za-z_-]{15}", kept(one))


@given(REASON)
def test_a_reason_may_be_stored_as_now_in_23_letters_that_begin_so_and_whole(reason):
    kind, campaign, candidate, said = reason
    key = dedupe_key(kind, campaign, candidate, said)
    short, wide, whole = forms(key, campaign, candidate)
    assert (short, whole) == (kept(reason), key)
    assert re.fullmatch("[0-9A-Za-z_-]{23}", wide)
    assert wide.startswith(short)


@given(REASON, st.lists(TEXT | st.none()))
def test_what_is_asked_for_of_one_person_stands_together(reason, said):
    assert kept(reason)[:3] == kept((*reason[:3], said))[:3]
