"""Employers are known however people type their names."""

from __future__ import annotations

import pytest

from producers.forms.naming import near
from schemas.names import finder, folded, neighbours

ROWS = [
    {"employer": "bosch", "name": "博世（中国）", "name_en": "Bosch China"},
    {"employer": "e1", "name": "双胞胎", "name_en": None},
    {"employer": "e2", "name": "双胞胎", "name_en": None},
]


@pytest.mark.parametrize("typed", ["博世(中国)", "博世（中国）", " BOSCH  china", "bosch", "ＢＯＳＣＨ"])
def test_width_case_and_spaces_make_no_other_name(typed: str):
    assert finder(ROWS)(typed) == "bosch"


@pytest.mark.parametrize("typed", ["双胞胎", "博世", "", "e3"])
def test_what_is_nobody_s_name_or_several_s_says_nothing(typed: str):
    assert finder(ROWS)(typed) is None


@pytest.mark.parametrize("typed", ["Twin", "twin", "ＴＷＩＮ"])
def test_what_two_are_called_is_not_taken_for_a_third_s_who_writes_it_otherwise(typed: str):
    named = {"e1": "Twin", "e2": "Twin", "e3": "TWIN"}
    assert finder([{"employer": id, "name": name} for id, name in named.items()])(typed) is None


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("华友股业", "华友钴业"),
        ("浙江华友股业股份有限公司", "浙江华友钴业有限公司"),
        ("浙江宁德时代股份有限公司", None),  # alike in what all companies are called alone
        ("", None),
    ],
)
def test_a_name_that_is_nobody_s_is_near_to_what_was_meant(typed: str, meant: str | None):
    assert neighbours(["华友钴业", "博世", "浙江华友钴业有限公司"])(typed) == meant


def test_of_very_many_new_names_the_first_are_compared():
    """A form holds two thousand, each of which takes milliseconds."""
    many = [f"{chr(0x4E00 + n)}业" * 4 for n in range(2000)]
    meant = {many[0]: "someone", many[-1]: "someone else"}
    assert near(many, meant.get) == {many[0]: "someone"}
    assert near(many[-1:], meant.get) == {many[-1]: "someone else"}


def test_a_folded_name_is_folded():
    assert folded(folded("Ａ b（C）")) == folded("a B(c)") == "ab(c)"
