"""How employers are called, and whom a name stands for."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.names import by_name, called


def row(employer: str, name: str, name_en: str | None = None) -> dict[str, Any]:
    return {"employer": employer, "name": name, "name_en": name_en}


@pytest.mark.parametrize(
    ("known", "locale", "said"),
    [
        (row("e1", "华友", "Huayou"), "zh-CN", "华友"),
        (row("e1", "华友", "Huayou"), "en", "Huayou"),
        (row("e1", "华友"), "en", "华友"),
        (None, "en", "e1"),
    ],
)
def test_an_employer_is_called_in_the_reader_s_language(known: Any, locale: str, said: str):
    assert called(known, locale, "e1") == said


def test_a_name_stands_for_one_employer_or_for_none():
    rows = [row("e1", "华友", "Huayou"), row("e2", "双"), row("e3", "双"), row("e4", "e1"), row("e5", "五", "五")]
    assert by_name(rows) == {
        "华友": "e1",
        "Huayou": "e1",
        "五": "e5",
        **{each: each for each in ("e2", "e3", "e4", "e5")},
    }
