"""Candidates who are one person, against the second opinion: in any order, and as if never merged once they are not."""

from __future__ import annotations

import random
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from producers.merging import crowding, erased_before
from schemas.facts import Fact, validate_event
from schemas.journey import CONSENT, MOST_IDS, Journey, Member
from streams.domain.fold import ATTRIBUTES, fold, retractions, stands
from streams.domain.measures import milestones
from streams.domain.merging import Group, carried, groups, merges, pair_of
from streams.domain.seats import lines
from tests import oracle
from tests.facts import fact
from tests.strategies import Event, events, few_or_many, small_pools
from tests.unit.test_fold_properties import PERSONAL, first_of_each

WORDS = ["candidate.merged", "candidate.unmerged"]
IDS = st.sampled_from([f"c{n}" for n in range(1, 5)])
POOLS = small_pools(campaigns=1) | {"candidate": IDS, "into": IDS}
TYPES = [*PERSONAL, *WORDS * 3, *["candidate.signed_up", "hire.started", "fact.retracted"] * 2]
MANY = [f"m{n}" for n in range(8)]
IDS_OF_MANY = st.sampled_from(MANY)
LIVES = few_or_many(st.sampled_from(TYPES).flatmap(lambda name: events([name], POOLS)), 40)


def standing(facts: list[Fact]) -> list[Fact]:
    retracted = retractions(facts)
    return [each for each in facts if stands(each, retracted)]


def journeys(facts: list[Fact]) -> dict[str, Journey]:
    """What everybody carries, by the functions that the worker uses."""
    lasting = standing(facts)
    known = {str(each.candidate) for each in facts}
    known_groups = groups(known, merges(lasting).values())
    own = {name: fold(each for each in lasting if each.candidate == name) for name in known_groups}
    return {name: held for group in set(known_groups.values()) for name, held in carried(group, own).items()}


def without_empty(found: dict[str, Journey]) -> dict[str, Journey]:
    return {name: journey for name, journey in found.items() if journey != Journey()}


@given(LIVES, st.randoms(use_true_random=False))
def test_order_and_repetition_change_nothing(world: list[Event], rng: random.Random):
    facts = first_of_each(world)
    again = facts + rng.choices(facts, k=5) if facts else []
    rng.shuffle(again)
    assert journeys(again) == journeys(facts)


@given(LIVES)
def test_who_is_one_person_is_what_the_second_opinion_says(world: list[Event]):
    found = journeys(first_of_each(world))
    told = oracle.heads(oracle.replay(world), found)
    assert {name: journey.merged_into or name for name, journey in found.items()} == {
        name: told[name] for name in found
    }
    for name, journey in found.items():
        together = sorted(each for each, head in told.items() if head == name)
        assert sorted(journey.members) == (together if len(together) > 1 else [])


@given(LIVES)
def test_one_journey_is_all_that_is_known_of_the_person(world: list[Event]):
    found = journeys(first_of_each(world))
    for name, person in oracle.Campaign("grads1", world).people.items():
        journey = found[name]
        assert {name: journey.attribute(name) for name in ATTRIBUTES if name in journey.attributes} == person.attributes
        assert {name: at[1:] for name, at in journey.told.items()} == person.told
        assert {offer: known.status.value for offer, known in journey.offers.items()} == person.offers
        assert {employer: hire.status.value for employer, hire in journey.hires.items()} == person.hires
        assert journey.withdrawn == person.withdrawn
        assert {fair: at[1:] for fair, at in lines(journey).items()} == {f: at[1:] for f, at in person.lines.items()}
        assert set(milestones(journey)) == {m for m in oracle.MEASURES if person.stands(m)}


@given(LIVES)
def test_the_others_count_for_nothing(world: list[Event]):
    for journey in journeys(first_of_each(world)).values():
        if journey.merged_into is not None:
            assert (milestones(journey), lines(journey), journey.payments) == ({}, {}, {})


@given(LIVES)
def test_without_erasures_it_is_the_fold_of_all_facts(world: list[Event]):
    facts = first_of_each([event for event in world if event["type"] != "candidate.erased"])
    for name, journey in journeys(facts).items():
        if journey.members:
            whole = fold(each for each in standing(facts) if each.candidate in journey.members)
            whole.members = dict.fromkeys(journey.members, Member())
            assert without_consents(journey) == without_consents(whole), name


def without_consents(journey: Journey) -> Journey:
    others = {name: word for name, word in journey.attributes.items() if not name.startswith(CONSENT)}
    return msgspec.structs.replace(journey, attributes=others)


CONSENTS = ["consent.given", "consent.withdrawn", "candidate.signed_up", "candidate.merged"]
AGREEING = few_or_many(
    st.sampled_from(CONSENTS).flatmap(
        lambda name: events([name], POOLS | {"source": st.sampled_from(["/hr", "/e1", "/me"])})
    ),
    20,
)


@given(AGREEING, st.sampled_from(["e1", "e2"]))
def test_a_no_under_one_id_is_overcome_by_the_person_alone(world: list[Event], employer: str):
    """Whatever others say under another id, and whenever."""
    facts = first_of_each(world)
    for journey in journeys(facts).values():
        for member in journey.members:
            own = fold(each for each in facts if each.candidate == member)
            for name, word in own.attributes.items():
                if name.startswith(CONSENT) and word.value is False:
                    holds = journey.attributes[name]
                    assert holds.value is False or (holds.at[1] == "/me" and holds.at > word.at)
            names = (CONSENT, f"{CONSENT}/{employer}")
            refused = [own.attributes[each].at for each in names if own.attribute(each) is False]
            if refused and journey.agreement(names):
                agreed = [journey.attributes[each].at for each in names if journey.attribute(each) is True]
                assert max(refused) < max(at for at in agreed if at[1] == "/me")


@given(LIVES, IDS, IDS)
def test_once_unmerged_it_is_as_if_never_merged(world: list[Event], one: str, other: str):
    if one == other:
        return
    facts = first_of_each(world)
    word = {"candidate": one, "into": other, "campaign": "grads1", "time": "2026-12-02T00:00:00Z", "source": "/z"}
    unmerged = fact("candidate.unmerged", id="unmerged", **word)
    never = [each for each in facts if each.type not in WORDS or pair_of(each) != pair_of(unmerged)]
    assert without_empty(journeys([*facts, unmerged])) == without_empty(journeys(never))


@given(LIVES, st.data())
def test_a_word_taken_back_is_as_if_never_said(world: list[Event], data: Any):
    facts = first_of_each(world)
    words = [each for each in facts if each.type in WORDS]
    if not words:
        return
    wrong = data.draw(st.sampled_from(words))
    taken_back = retraction_of(wrong)
    never = [each for each in facts if each.identity != wrong.identity]
    assert without_empty(journeys([*facts, taken_back])) == without_empty(journeys([*never, taken_back]))


def retraction_of(wrong: Fact) -> Fact:
    data = {"campaign": "grads1", "candidate": wrong.candidate, "source": wrong.source, "id": wrong.id}
    return validate_event(
        {"specversion": "1.0", "type": "fact.retracted", "source": "/z", "id": "back", "time": "2026-12-02T00:00:00Z",
         "data": {**data, "reason": "twins"}}
    )  # fmt: skip


def test_the_head_is_who_was_merged_into_nobody():
    said = [("a", "b"), ("b", "c"), ("d", "c")]
    words = merges(fact("candidate.merged", candidate=one, into=other) for one, other in said)
    assert set(groups("abcd", words.values()).values()) == {Group("c", ("a", "b", "c", "d"))}


def test_the_head_of_a_ring_is_whose_id_is_first():
    said = [("c", "b"), ("b", "a"), ("a", "c")]
    words = merges(fact("candidate.merged", candidate=one, into=other) for one, other in said)
    assert groups("a", words.values())["b"].head == "a"


def test_the_latest_word_on_a_pair_wins_in_whichever_direction():
    merged = fact("candidate.merged", candidate="a", into="b", time="2026-03-01T00:00:00Z")
    unmerged = fact("candidate.unmerged", candidate="b", into="a", time="2026-03-02T00:00:00Z")
    again = fact("candidate.merged", candidate="b", into="a", time="2026-03-03T00:00:00Z")
    assert groups("ab", merges([unmerged, merged]).values())["a"].members == ("a",)
    assert groups("ab", merges([again, merged, unmerged]).values())["b"].head == "a"


def test_one_who_was_erased_leaves_the_other_as_they_were():
    common = {"fair": "spring", "source": "/hr"}
    early = fact("candidate.signed_up", candidate="a", name="李", phone="13800000000", education="master",
                 time="2026-03-01T00:00:00Z", **common)  # fmt: skip
    late = fact("candidate.signed_up", candidate="b", name="李思雨", time="2026-03-02T00:00:00Z", **common)
    erased = fact("candidate.erased", candidate="a", time="2026-03-03T00:00:00Z")
    merged = fact("candidate.merged", candidate="a", into="b", time="2026-03-04T00:00:00Z")
    whole = journeys([early, late, erased, merged])["b"]
    assert (whole.erased, whole.told.keys(), whole.attribute("education")) == (False, {"name"}, "master")
    assert (whole.in_line("spring"), whole.fairs["spring"]) == (late.stamp, early.stamp[0])
    assert (whole.own("a").erased, whole.own("b").erased) == (True, False)


PAIRS = st.lists(
    st.tuples(IDS_OF_MANY, IDS_OF_MANY, st.sampled_from(WORDS), st.integers(1, 9)).filter(
        lambda each: each[0] != each[1]
    ),
    max_size=25,
)


@given(PAIRS, st.integers(2, 5), st.randoms(use_true_random=False))
def test_a_person_has_no_more_ids_than_may_be(said: list[tuple[str, str, str, int]], most: int, rng: random.Random):
    """Whatever the order: the words that stand count from the earliest on, one that would make too many not at all."""
    words = [
        fact(type, candidate=one, into=other, id=f"w{n}", time=f"2026-03-0{day}T00:00:00Z")
        for n, (one, other, type, day) in enumerate(said)
    ]
    found = groups(MANY, merges(words).values(), most)
    assert all(len(group.members) <= most for group in found.values())
    assert {member for group in found.values() for member in group.members} == set(MANY)
    rng.shuffle(words)
    again = list(merges(words).values())
    rng.shuffle(again)
    assert groups(MANY, again, most) == found
    counted: list[Fact] = []
    for word in sorted((each.at, each.pair) for each in merges(words).values() if each.stands):
        with_it = [each for each in words if each.stamp == word[0] or each in counted]
        if len(groups(MANY, merges(with_it).values())[word[1][0]].members) <= most:
            counted = with_it
    assert groups(MANY, merges(counted).values()) == found


def test_of_who_has_as_many_as_may_be_the_next_one_is_refused():
    own = {("c", f"p{n}"): [("c", f"p{n}")] for n in range(MOST_IDS + 2)}
    words = [
        fact("candidate.merged", campaign="c", candidate=f"p{n}", into="p0", id=f"w{n}") for n in range(1, MOST_IDS)
    ]
    assert crowding(words, own) == {}
    one_more = fact("candidate.merged", campaign="c", candidate=f"p{MOST_IDS}", into="p1", id="more")
    once_more = fact("candidate.merged", campaign="c", candidate="p3", into="p4", id="again")
    others = fact("candidate.merged", campaign="c", candidate=f"p{MOST_IDS}", into=f"p{MOST_IDS + 1}", id="others")
    assert crowding([*words, one_more, once_more, others], own).keys() == {one_more.identity}


def test_who_is_erased_by_a_request_is_merged_by_nothing_later_in_it():
    erased = fact("candidate.erased", campaign="c", candidate="p1", id="e")
    merged = fact("candidate.merged", campaign="c", candidate="p1", into="p2", id="m")
    turned = fact("candidate.merged", campaign="c", candidate="p2", into="p1", id="t")
    anew = fact("candidate.signed_up", campaign="c", candidate="p1", name="Li Lei", id="s", time="2026-03-09T00:00:00Z")
    assert {each: fault.field for each, fault in erased_before([erased, merged, turned]).items()} == {
        merged.identity: "data.candidate",
        turned.identity: "data.into",
    }
    assert erased_before([merged, erased]) == {}
    assert erased_before([erased, anew, merged]) == {}


def test_what_was_said_before_an_erasure_begins_no_other_life():
    at = "2026-03-08T09:30:00Z"
    erased = fact("candidate.erased", campaign="c", candidate="p1", id="e", time=at)
    merged = fact("candidate.merged", campaign="c", candidate="p1", into="p2", id="m")
    for time in ("2026-03-07T09:30:00Z", at):
        before = fact("candidate.signed_up", campaign="c", candidate="p1", name="Li Lei", id="s", time=time)
        assert erased_before([erased, before, merged]).keys() == {merged.identity}
