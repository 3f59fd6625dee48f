"""Who is hidden, and by which word: whatever order the words come in."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import InvalidFact
from schemas.facts import validate_event
from schemas.journey import Restriction
from streams.domain.fold import fold
from streams.domain.measures import milestones
from tests.facts import event, fact, facts, retraction, signed_up
from tests.strategies import events, small_pools

DAYS = [f"2026-03-{day:02}T09:00:00+08:00" for day in range(1, 29)]


def restricted(day: int, ground: str = "request", **more: Any) -> dict[str, Any]:
    return event("candidate.restricted", candidate="c1", ground=ground, time=DAYS[day], **more)


def lifted(day: int) -> dict[str, Any]:
    return event("candidate.restriction_lifted", candidate="c1", time=DAYS[day])


def said(type: str, day: int, **data: Any) -> dict[str, Any]:
    return event(type, candidate="c1", time=DAYS[day], **data)


def signup(day: int) -> dict[str, Any]:
    return signed_up("c1", time=DAYS[day])


KEEPS = {"purpose": "keeping"}


@pytest.mark.parametrize(
    ("words", "ground"),
    [
        ([signup(0)], None),
        ([signup(0), restricted(1)], "request"),
        ([signup(0), restricted(1), lifted(2)], None),
        ([signup(0), lifted(1), restricted(2, "law")], "law"),
        ([signup(0), restricted(1), signup(2)], "request"),
        ([signup(0), restricted(1, "dispute"), said("consent.given", 2, **KEEPS)], "dispute"),
        ([signup(0), restricted(1, "retention")], "retention"),
        ([signup(0), restricted(1, "retention"), signup(2)], None),
        ([signup(0), restricted(1, "retention"), said("consent.given", 2, **KEEPS)], None),
        ([signup(0), said("consent.given", 1, **KEEPS), restricted(2, "retention")], "retention"),
        ([signup(0), restricted(1), said("candidate.erased", 2)], None),
        ([signup(0), said("candidate.erased", 2), signup(3), restricted(4)], "request"),
        ([signup(0), said("candidate.erased", 2), restricted(4)], None),
        ([signup(0), restricted(5), signup(4), restricted(6, "law"), said("candidate.erased", 2)], "law"),
    ],
)
def test_the_latest_word_says_whether_somebody_is_hidden(words: list[dict[str, Any]], ground: str | None):
    for order in (words, words[::-1]):
        held = fold(facts(order)).hidden
        assert (held.ground if held else None) == ground


def test_a_restriction_that_was_retracted_hides_nobody():
    wrong = restricted(1)
    assert fold(facts([signup(0), wrong, retraction(wrong["id"], candidate="c1")])).hidden is None


def test_until_when_is_kept_with_the_word():
    held = fold([fact("candidate.restricted", candidate="c1", ground="law", until="2031-01-01", time=DAYS[1])]).hidden
    assert held is not None
    assert (held.ground, held.until) == ("law", "2031-01-01")
    assert isinstance(held, Restriction)


@pytest.mark.parametrize("data", [{}, {"ground": "whim"}, {"ground": "law", "until": "soon"}])
def test_a_restriction_has_a_ground_that_is_known(data: dict[str, Any]):
    with pytest.raises(InvalidFact):
        validate_event(event("candidate.restricted", candidate="c1", **data))


WORDS = ["candidate.signed_up", "candidate.restricted", "candidate.restriction_lifted", "candidate.erased"]
OTHERS = ["consent.given", "hire.started", "candidate.withdrew"]


@given(st.lists(events([*WORDS, *OTHERS], small_pools(1)), max_size=12), st.randoms())
def test_order_does_not_matter_and_nothing_counted_changes(world: list[dict[str, Any]], chance: Any):
    told = [{**each, "id": f"n{nth}", "data": {**each["data"], "candidate": "c1"}} for nth, each in enumerate(world)]
    shuffled = list(told)
    chance.shuffle(shuffled)
    journey, other = fold(facts(told)), fold(facts(shuffled))
    assert (journey.hidden, journey.restriction) == (other.hidden, other.restriction)
    free = fold(facts(each for each in told if not each["type"].startswith("candidate.restrict")))
    assert milestones(journey) == milestones(free)
