"""Cells of breakdowns: what each must agree with, and that neither order nor repetition changes them."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.fields import FUNNEL
from streams.counting import CellTotals, note_cells
from streams.domain.breakdown import cells
from streams.domain.campaign import make_target
from streams.domain.fold import fold, merge
from streams.domain.measures import contribution, milestones
from tests.facts import CAMPAIGN, event, facts
from tests.strategies import Event
from tests.unit.test_fold_properties import LIVES, first_of_each

UTC = ZoneInfo("UTC")


def told(*events: dict[str, Any]) -> Counter[tuple[str, str, str]]:
    journey = fold(facts(events))
    return Counter(cells(journey, milestones(journey)))


def at(day: int, type: str, **data: Any) -> dict[str, Any]:
    return event(type, time=f"2026-03-{day:02}T09:00:00+08:00", candidate="c1", **data)


OFFER = {"offer": "o1", "employer": "huayou", "position": "Engineer", "opening": "op", "city": "武汉"}
LIFE = [
    at(1, "candidate.signed_up", name="Li", fair="f1", school="WHUT", education="master", chain="battery"),
    at(3, "candidate.checked_in", fair="f1"),
    at(4, "candidate.interviewed", employer="huayou"),
    at(9, "offer.extended", expires_at="2026-03-20T00:30:00Z", start_on="2026-07-01", **OFFER),
    at(10, "offer.accepted", offer="o1"),
    at(30, "hire.started", employer="huayou", started_on="2026-03-30"),
]


@pytest.mark.parametrize("upto", range(1, len(LIFE) + 1))
def test_a_life_moves_from_cell_to_cell(upto: int):
    deepest = FUNNEL[upto - 1]
    found = told(*LIFE[:upto])
    for cell in [("all", "", deepest), ("school", "WHUT", deepest), ("education", "master", deepest),
                 ("chain", "battery", deepest), ("fair", "f1", deepest)]:  # fmt: skip
        assert found[cell] == 1
    assert found["came", "f1", "attended"] == (upto >= 2)
    assert sum(found["employer", "huayou", name] for name in FUNNEL) == (upto >= 3)
    assert found["city", "武汉", deepest] == (upto >= 4)
    days = {"attended": 2, "interviewed": 1, "offered": 5, "accepted": 1, "hired": 20}
    assert [cell for cell in found if cell[0] == "days"] == [
        ("days", str(days[name]), name) for name in reversed(FUNNEL[1:upto])
    ]


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        (LIFE[:4], {("offer", "huayou", "extended"), ("opening", "op", "extended"),
                    ("expiry", f"{20_532 * 24 + 1:08} huayou", "extended")}),
        ([*LIFE[:4], at(15, "candidate.withdrew")], {("offer", "huayou", "declined")}),
        ([*LIFE[:4], at(10, "offer.declined", offer="o1")], {("offer", "huayou", "declined")}),
        ([*LIFE[:4], at(10, "offer.rescinded", offer="o1")], {("offer", "huayou", "rescinded")}),
        (LIFE[:5], {("offer", "huayou", "accepted"), ("opening", "op", "accepted"),
                    ("start", "2026-07-01", "accepted")}),
        (LIFE, {("offer", "huayou", "accepted"), ("opening", "op", "accepted")}),
        ([*LIFE, at(31, "hire.ended", employer="huayou", ended_on="2026-03-31")],
         {("offer", "huayou", "accepted"), ("start", "2026-07-01", "accepted")}),
        ([at(1, "hire.started", employer="e", started_on="2026-03-01")], set()),
    ],
)  # fmt: skip
def test_what_becomes_of_offers(events: list[dict[str, Any]], expected: set[tuple[str, str, str]]):
    found = told(*events)
    assert {cell for cell in found if cell[0] in ("offer", "opening", "expiry", "start")} == expected


def test_where_no_first_day_was_agreed_it_is_thirty_days_after_accepting():
    found = told(at(1, "offer.accepted", offer="o1"))
    assert found["start", "2026-03-31", "accepted"] == 1


@given(LIVES)
def test_each_cell_agrees_with_the_target_that_asks_for_it(world: list[Event]):
    journey = fold(first_of_each(world))
    standing = milestones(journey)
    found = Counter(cells(journey, standing))
    values = {(dimension, value) for dimension, value, _ in found}
    for dimension in ("school", "education", "chain", "fair", "employer"):
        for value in {value for of, value in values if of == dimension} | {"nobody's"}:
            for depth, measure in enumerate(FUNNEL):
                if dimension == "employer" and measure in ("signed_up", "attended"):
                    continue
                where = {dimension: [value]}
                target = make_target(CAMPAIGN, {"target": "t", "title": "t", "measure": measure, "goal": 1,
                                                "due_on": "2026-12-31", "where": where})  # fmt: skip
                there = sum(found[dimension, value, name] for name in FUNNEL[depth:])
                assert there == sum(contribution(journey, standing, target, UTC).values())
    assert sum(found["all", "", name] for name in FUNNEL) == bool(standing)


@given(LIVES, st.randoms(use_true_random=False))
def test_differences_add_up_to_what_stands_in_any_order(world: list[Event], rng: random.Random):
    known = first_of_each(world)
    rng.shuffle(known)
    totals: CellTotals = {}
    journey = fold([])
    for each in known:
        before = cells(journey, milestones(journey))
        merge(journey, each)
        note_cells(totals, CAMPAIGN, before, cells(journey, milestones(journey)))
    final = Counter(cells(journey, milestones(journey)))
    assert {cell: number for cell, number in totals.get(CAMPAIGN, {}).items() if number} == final
