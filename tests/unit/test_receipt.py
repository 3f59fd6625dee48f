"""What an erased person is told is whole, in both languages."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from schemas.receipt import TEXTS, receipt

AT = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.mark.parametrize("lang", TEXTS)
def test_all_is_said_in_each_language(lang: str):
    made, said = receipt(AT), receipt(AT).said(lang)
    assert {*made.gone, *(each.what for each in made.remains)} == set(TEXTS[lang])
    assert said["erased_at"] == AT
    assert [each["until"] for each in said["remains"] if each["until"]] == [datetime(2026, 5, 8, tzinfo=UTC)]
