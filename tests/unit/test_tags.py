"""What lists of candidates are narrowed by."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from storage.journeys.tags import LONGEST, offer_ends, stage, tag, tags
from streams.domain.fold import fold
from streams.domain.measures import milestones
from tests.facts import event, facts, hired, signed_up

LATER = "2026-03-09T09:00:00+08:00"
OFFER = event(
    "offer.extended", candidate="c1", offer="o", employer="beta", position="p", expires_at="2026-05-01t00:00:00Z"
)


def interview(**more: Any) -> dict[str, Any]:
    return event("candidate.interviewed", candidate="c1", employer="huayou", **more)


def tagged(*events: dict[str, Any], candidate: str = "c1") -> set[str]:
    journey = fold(facts(events))
    return set(tags(candidate, journey, milestones(journey)))


def test_all_that_a_journey_has():
    said = signed_up("c1", fair="f1", education="master", school="浙江大学", chain="lithium")
    assert tagged(said, event("candidate.checked_in", candidate="c1", fair="f2"), hired("c1")) == {
        *("at:hired", "fair:f1", "fair:f2", "employer:huayou"),
        *("education:master", "school:浙江大学", "chain:lithium"),
    }


@pytest.mark.parametrize(
    ("events", "waits"),
    [
        ([interview()], {"waits", "waits:huayou"}),
        ([interview(outcome="passed")], {"waits", "waits:huayou"}),
        ([interview(outcome="failed")], set()),
        ([interview(), OFFER], {"waits", "waits:huayou"}),
        ([interview(), hired("c1")], set()),
        ([interview(), event("candidate.withdrew", candidate="c1", time=LATER)], set()),
        ([event("benefit.applied", candidate="c1", benefit="b", kind="insurance")], {"waits"}),
        ([event("benefit.paid", candidate="c1", benefit="b", kind="insurance")], set()),
    ],
)
def test_who_waits_for_a_word(events: list[dict[str, Any]], waits: set[str]):
    assert {each for each in tagged(signed_up("c1"), *events) if each.startswith("waits")} == waits


def test_who_withdrew_stands_nowhere_but_where_a_hire_stands():
    withdrew = event("candidate.withdrew", candidate="c1", time=LATER)
    assert tagged(signed_up("c1"), withdrew) == {"at:withdrew"}
    assert tagged(hired("c1"), withdrew) >= {"at:withdrew", "at:hired"}


def test_who_was_erased_is_found_as_that():
    journey = fold(facts([signed_up("c1"), event("candidate.erased", candidate="c1", time=LATER)]))
    assert {"at:erased", "at:signed_up"} <= set(tags("c1", journey, milestones(journey)))
    assert stage(journey, milestones(journey)) == "signed_up"


def test_whose_an_id_says_that_it_is():
    assert {"of:huayou", "of:huayou:x"} <= tagged(signed_up("huayou:x:1"), candidate="huayou:x:1")


def test_an_open_offer_ends():
    journey = fold(facts([OFFER]))
    assert offer_ends(journey) == offer_ends(journey, "beta") == datetime(2026, 5, 1, tzinfo=UTC)
    assert offer_ends(journey, "huayou") is None
    answered = event("offer.declined", candidate="c1", offer="o", time=LATER)
    assert offer_ends(fold(facts([OFFER, answered]))) is None


def test_a_long_value_is_cut():
    assert len(tag("school", "x" * 500)) == LONGEST + len("school:")
