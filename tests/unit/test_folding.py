"""A candidate's page: what was taken back stands where it was said."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from dashboard.candidates.folding import Folded, folded
from tests.facts import event, hired, retraction, signed_up

SIGNUP = signed_up("c1", id="s1")
OFFER = event("offer.extended", candidate="c1", offer="o", employer="e", position="p", id="o1")
RESCINDED = event("offer.rescinded", candidate="c1", offer="o", id="r1")
ENDED = event("hire.ended", candidate="c1", employer="huayou", ended_on="2026-08-01", id="x1")


def shape(told: list[Folded]) -> list[Any]:
    return [(each.fact["id"], shape(each.reversals)) if each.reversals else each.fact["id"] for each in told]


def test_reversals_stand_within_what_they_reverse():
    hire = hired("c1", id="h1")
    again = hired("c1", id="h2")
    timeline = [SIGNUP, OFFER, hire, ENDED, again, RESCINDED, retraction("s1", candidate="c1", id="t1")]
    assert shape(folded(timeline)) == [("s1", ["t1"]), ("o1", ["r1"]), ("h1", ["x1"]), "h2"]


def test_a_reversal_that_was_wrong_itself_says_so():
    assert shape(folded([OFFER, RESCINDED, retraction("r1", candidate="c1", id="t1")])) == [("o1", [("r1", ["t1"])])]


def test_a_reversal_of_what_is_not_there_stands_by_itself():
    assert shape(folded([RESCINDED, ENDED, retraction("s9", candidate="c1", id="t1")])) == ["r1", "x1", "t1"]


def test_a_retraction_that_came_before_what_it_retracts():
    assert shape(folded([retraction("s1", candidate="c1", id="t1"), SIGNUP])) == [("s1", ["t1"])]


FACTS = [SIGNUP, OFFER, RESCINDED, ENDED, hired("c1", id="h1")]
RETRACTIONS = st.sampled_from(["s1", "o1", "r1", "x1", "t0", "t1"])


@given(st.permutations(FACTS), st.lists(RETRACTIONS, max_size=4))
def test_nothing_is_lost_and_nothing_told_twice(said: list[Any], taken_back: list[str]):
    timeline = said + [retraction(each, candidate="c1", id=f"t{n}") for n, each in enumerate(taken_back)]

    def ids(told: list[Folded]) -> list[str]:
        return [id for each in told for id in (each.fact["id"], *ids(each.reversals))]

    assert sorted(ids(folded(timeline))) == sorted(each["id"] for each in timeline)
