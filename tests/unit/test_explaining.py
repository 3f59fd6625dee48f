"""By which facts somebody is counted: the same number as counting, and facts that carry it."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given

from schemas.facts import Fact
from schemas.fields import FUNNEL
from streams.domain.campaign import make_target
from streams.domain.explaining import counted, held
from streams.domain.fold import fold, retractions, stands
from streams.domain.measures import contribution, milestones
from tests.facts import CAMPAIGN, event, facts, hired, retraction, signed_up
from tests.strategies import worlds

AT = {day: f"2026-03-{day:02}T09:00:00+08:00" for day in range(1, 29)}


def definition(measure: str = "hired", **where: list[Any]) -> dict[str, Any]:
    kept = {"campaign": CAMPAIGN, "target": "t", "title": "T", "goal": 10, "due_on": "2026-12-31"}
    return {**kept, "measure": measure, "where": where}


def offered(day: int, **more: Any) -> dict[str, Any]:
    return event(
        "offer.extended", candidate="c1", offer="o1", employer="huayou", position="Engineer", time=AT[day], **more
    )


STORY = [
    signed_up("c1", time=AT[1], fair="f1", education="master", id="signup"),
    event("candidate.checked_in", candidate="c1", fair="f1", time=AT[2], id="checkin"),
    offered(3, id="offer"),
    event("offer.accepted", candidate="c1", offer="o1", time=AT[4], id="yes"),
    hired("c1", time=AT[5], id="hire"),
    event("benefit.paid", candidate="c1", benefit="b1", kind="rent_subsidy", amount=1500, time=AT[6], id="paid1"),
    event("benefit.paid", candidate="c1", benefit="b2", kind="insurance", amount=500.5, time=AT[7], id="paid2"),
]


@pytest.mark.parametrize(
    ("measure", "carry", "amount"),
    [
        ("signed_up", ["signup"], 1),
        ("attended", ["checkin"], 1),
        ("interviewed", ["offer"], 1),  # an offer implies an interview
        ("offered", ["offer"], 1),
        ("accepted", ["yes"], 1),
        ("hired", ["hire"], 1),
        ("paid", ["paid1", "paid2"], Decimal("2000.5")),
    ],
)
def test_each_measure_names_the_facts_that_carry_it(measure: str, carry: list[str], amount: Decimal):
    found = counted(definition(measure), facts(STORY), frozenset())
    assert found is not None
    assert ([fact.id for fact in found.facts], found.amount) == (carry, amount)


def test_who_is_not_counted_is_none():
    assert counted(definition(education=["doctor"]), facts(STORY), frozenset()) is None
    assert counted(definition(employer=["other"]), facts(STORY), frozenset()) is None
    assert counted(definition(), facts(STORY[:4]), frozenset()) is None


def test_what_was_taken_back_carries_nothing():
    gone = frozenset({(CAMPAIGN, "/hr/test", "hire")})
    assert counted(definition(), facts(STORY), gone) is None
    story = [*STORY, retraction("hire", candidate="c1")]
    assert counted(definition(), facts(story), retractions(facts(story))) is None


def test_fairs_that_were_held():
    def fair(name: str, day: int) -> dict[str, Any]:
        return event(
            "fair.scheduled",
            fair=name,
            title=name,
            mode="onsite",
            starts_at=AT[day],
            ends_at=AT[day + 1],
            id=name,
        )

    known = facts([fair("a", 1), fair("b", 3), fair("c", 20), event("fair.cancelled", fair="b", time=AT[9])])
    found = held(definition("fairs_held"), known, frozenset(), datetime(2026, 3, 10, tzinfo=UTC))
    assert [(title, [fact.id for fact in each.facts]) for title, each in found] == [("a", ["a"])]


@given(worlds())
def test_what_is_explained_is_what_is_counted(world: list[Any]):
    known: dict[tuple[str, str], Fact] = {}
    for fact in facts(world):
        known.setdefault(fact.identity, fact)
    gone = retractions(known.values())
    people: dict[tuple[str, str], list[Fact]] = {}
    for fact in known.values():
        if fact.candidate is not None:
            people.setdefault((fact.campaign, fact.candidate), []).append(fact)
    for (campaign, _), said in people.items():
        journey = fold([fact for fact in said if stands(fact, gone)])
        for measure in (*FUNNEL, "paid"):
            target = definition(measure) | {"campaign": campaign}
            found = counted(target, said, gone)
            expected = contribution(journey, milestones(journey), make_target(campaign, target), UTC)
            assert (found.amount if found else 0) == sum(expected.values())
            assert found is None or (found.facts and (measure == "paid" or found.at == found.facts[0].time))
