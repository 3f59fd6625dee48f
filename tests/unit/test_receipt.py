"""What an erased person is told is whole, in both languages."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from schemas.receipt import receipt
from schemas.texts import LANGS, texts_of

AT = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.mark.parametrize("lang", LANGS)
def test_all_is_said_in_each_language(lang: str):
    made, said = receipt(AT), receipt(AT).said(lang)
    known = {key.removeprefix("receipt.") for key in texts_of("schemas") if key.startswith("receipt.")}
    assert {*made.gone, *(each.what for each in made.remains)} == known
    assert said["erased_at"] == AT
    assert [each["until"] for each in said["remains"] if each["until"]] == [datetime(2026, 5, 9, tzinfo=UTC)]
