"""Whether facts pour in, by how the ledger's numbers go on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from notifications.sending.inflow import LONGEST, POURING, SHORTEST, Inflow

BEGAN = datetime(2026, 11, 27, tzinfo=UTC)
TWO = timedelta(seconds=2)


@pytest.mark.parametrize(
    ("looks", "pours"),
    [
        pytest.param([(TWO, 0)], True, id="one look tells nothing"),
        pytest.param([(TWO, 7), (TWO, 7)], False, id="none came"),
        pytest.param([(TWO, 7), (TWO, 6 + 2 * POURING)], False, id="some came"),
        pytest.param([(TWO, 7), (TWO, 7 + 2 * POURING)], True, id="many came"),
        pytest.param([(TWO, 7), (LONGEST, 8)], True, id="too long ago to tell"),
        pytest.param(
            [(TWO, 7), (TWO, 7), (-timedelta(hours=1), 7)], True, id="a clock that was set back tells nothing"
        ),
        pytest.param([(TWO, 7), (TWO, 7), (SHORTEST / 2, 9 * POURING)], False, id="too soon to tell anew"),
        pytest.param([(TWO, 7), (TWO, 9 * POURING), (TWO, 9 * POURING)], False, id="no more come"),
    ],
)
def test_facts_pour_in_where_two_looks_say_so(looks: list[tuple[timedelta, int]], pours: bool):
    inflow, now, said = Inflow(), BEGAN, False
    for passed, last in looks:
        now += passed
        said = inflow.pours(last, now)
    assert said is pours
