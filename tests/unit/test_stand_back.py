"""How long mails stand back for facts: for a while after the last large batch that the worker told of."""

from __future__ import annotations

import pytest

from yinfeng.sender import POURING_FOR, Heard
from yinfeng.sender_process import STAND_BACK, WAKE


@pytest.mark.parametrize(
    ("said", "later", "pours"),
    [
        ([], 0.0, False),
        ([WAKE], 0.0, False),
        ([STAND_BACK], 0.0, True),
        ([WAKE + STAND_BACK + WAKE], POURING_FOR / 2, True),
        ([STAND_BACK, WAKE], POURING_FOR, False),
    ],
)
def test_facts_pour_in_for_a_while(said: list[bytes], later: float, pours: bool):
    now = 100.0
    heard = Heard(lambda: now)
    for each in said:
        heard.note(each)
    now += later
    assert heard.facts_pour_in() is pours
