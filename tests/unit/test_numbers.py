"""What the numbers of a campaign say: pace, conversion, days, acceptance, cost, and the values of a chart."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.campaign.numbers import Acceptance, CampaignPace, acceptance, cost_of_a_hire, pace_of, quantile, steps
from dashboard.charts import MOST_VALUES, burn_up
from dashboard.formats import rounded

TODAY = date(2026, 6, 15)
START = date(2026, 1, 1)


def days(*amounts: int, until: date = TODAY) -> list[tuple[date, Decimal]]:
    """What each day brought, the last of them on `until`."""
    first = until - timedelta(days=len(amounts) - 1)
    return [(first + timedelta(days=n), Decimal(amount)) for n, amount in enumerate(amounts)]


@pytest.mark.parametrize(
    ("goal", "progress", "due", "brought", "starts_on", "pace"),
    [
        (100, 30, TODAY + timedelta(4), days(*[2] * 20), START, CampaignPace(14, 2)),
        (100, 30, TODAY, [], START, CampaignPace(70, 0)),
        (100, 30, TODAY - timedelta(1), days(7), START, CampaignPace(None, 0)),  # too late; today is no whole day yet
        (100, 100, TODAY + timedelta(4), [], START, CampaignPace(None, 0)),
        (100, 10, TODAY + timedelta(8), days(4, 6, 99), TODAY - timedelta(2), CampaignPace(10, 5)),  # two whole days
        (100, 10, TODAY + timedelta(8), days(10), TODAY, CampaignPace(10, None)),
        (100, 10, TODAY + timedelta(8), [], None, CampaignPace(10, None)),
        (
            100,
            10,
            TODAY + timedelta(8),
            days(-3, 3, 0),
            TODAY - timedelta(2),
            CampaignPace(10, 0),
        ),  # taken back and done again
    ],
)
def test_pace_needed_and_done(
    *, goal: int, progress: int, due: date, brought: Any, starts_on: date | None, pace: CampaignPace
):
    assert pace_of({"goal": goal, "progress": progress, "due_on": due}, brought, starts_on, TODAY) == pace


def test_steps_have_their_share_and_their_days():
    found = steps({"signed_up": 200, "attended": 50, "hired": 0}, {"attended": {1: 5, 3: 4, 30: 1}})
    assert [(each.name, each.of_previous, each.median, each.p90, each.bar) for each in found] == [
        ("signed_up", None, None, None, 100),
        ("attended", 25, 1, 3, 25),
        ("hired", 0, None, None, 0),
    ]
    assert [each.of_previous for each in steps({"signed_up": 0, "attended": 0}, {})] == [None, None]


@given(st.lists(st.integers(0, 999), min_size=1, max_size=50), st.sampled_from([0.5, 0.9]))
def test_a_quantile_is_the_least_value_that_this_share_does_not_exceed(values: list[int], share: float):
    found = quantile({value: values.count(value) for value in values}, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values)
    assert sum(value < found for value in values) < share * len(values)


def test_acceptance_is_of_what_is_resolved():
    row = {"accepted": 3, "declined": 1, "expired": 2, "rescinded": 9, "open": 4}
    assert acceptance([row, row]) == Acceptance(6, 12, 8)
    assert acceptance([row]).rate == 50
    assert acceptance([]).rate is None


@pytest.mark.parametrize(
    ("cost", "hired", "expected"), [(None, 3, None), (900, 0, None), (900, 3, Decimal(300)), (0, 1, Decimal(0))]
)
def test_what_a_hire_cost(cost: int | None, hired: int, expected: Decimal | None):
    assert cost_of_a_hire({"cost": cost, "hired": hired}) == expected


@pytest.mark.parametrize(("value", "said"), [(0.04, 0.0), (0.25, 0.2), (9.96, 10.0), (13.7, 14), (-12.4, -12)])
def test_a_pace_is_said_shortly(value: float, said: float):
    assert rounded(value) == said


@given(st.integers(0, 800), st.lists(st.integers(-5, 50), max_size=100))
def test_a_chart_s_values_are_few_and_end_with_the_sum(gone: int, amounts: list[int]):
    today = START + timedelta(days=gone)
    brought = [(day, amount) for day, amount in days(*amounts, until=today) if day >= START] if amounts else []
    chart = burn_up(brought, goal=100, starts_on=START, due_on=START + timedelta(days=365), today=today)
    assert 1 <= len(chart.values) <= MOST_VALUES
    assert chart.values[-1].number == float(sum(amount for _, amount in brought))
    assert [each.day for each in chart.values] == sorted({each.day for each in chart.values})
    for each in chart.values:
        assert 0 <= each.left <= each.left + each.width <= 100.01
        assert 0 <= each.x <= 100
