"""The pure core against a second opinion (tests/oracle.py), over small worlds in any order, split and repetition."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from schemas.facts import Fact, build_fact, validate_event
from schemas.fields import FUNNEL
from schemas.journey import Journey
from schemas.pace import PERCENTS, crossed
from storage.vault.sealing import seal
from streams.counting import add_up
from streams.domain import merging
from streams.domain.campaign import Target, fold_campaign, make_target
from streams.domain.fold import ATTRIBUTES, IRREVOCABLE, KEPT, fold, merge, retractions, stands
from streams.domain.measures import Contribution, contribution, difference, fairs_held, milestones
from streams.domain.seats import lines
from tests import oracle
from tests.strategies import Event, events, few_or_many, small_pools, worlds

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 6, 1, tzinfo=UTC)
PERSONAL = [
    "candidate.signed_up",
    "candidate.checked_in",
    "candidate.interviewed",
    "candidate.withdrew",
    "candidate.erased",
    "offer.extended",
    "offer.accepted",
    "offer.declined",
    "offer.rescinded",
    "hire.started",
    "hire.ended",
    "benefit.paid",
    "fact.retracted",
]
POOLS = small_pools(campaigns=1) | {"candidate": st.just("c1")}
LIVES = few_or_many(events(PERSONAL, POOLS), 25)
TARGETS = events(["target.set"], POOLS).map(lambda event: make_target("grads1", event["data"]))


def first_of_each(world: list[Event]) -> list[Fact]:
    """One fact for each identity, the first that came: what the ledger keeps."""
    facts = [validate_event(event) for event in world]
    return list({fact.identity: fact for fact in reversed(facts)}.values())[::-1]


@given(LIVES, st.randoms(use_true_random=False))
def test_order_and_repetition_change_nothing(world: list[Event], rng: random.Random):
    facts = first_of_each(world)
    again = facts + rng.choices(facts, k=5) if facts else []
    rng.shuffle(again)
    assert fold(again) == fold(facts)


@given(LIVES)
def test_the_first_of_an_identity_stands(world: list[Event]):
    assert fold(validate_event(event) for event in world) == fold(first_of_each(world))


@given(LIVES, st.randoms(use_true_random=False), st.integers(1, 5))
def test_piece_by_piece_equals_whole(world: list[Event], rng: random.Random, size: int):
    facts = first_of_each(world)
    rng.shuffle(facts)
    worker = Worker()
    for start in range(0, len(facts), size):
        worker.apply(facts[start : start + size])
        worker.apply(rng.choices(facts[: start + 1], k=2))
        assert worker.journey == fold(facts[: start + size])


class Worker:
    """What the worker does for one candidate: merge what stands, fold anew when something known is retracted."""

    def __init__(self) -> None:
        self.ledger: dict[tuple[str, str], Fact] = {}
        self.retracted: set[tuple[str, str, str]] = set()
        self.journey = Journey()

    def apply(self, batch: list[Fact]) -> None:
        fresh = {fact.identity: fact for fact in batch if fact.identity not in self.ledger}
        now_retracted = retractions(fresh.values()) - self.retracted
        self.retracted |= now_retracted
        gone = [fact for fact in self.ledger.values() if not stands(fact, now_retracted)]
        self.ledger |= fresh
        if gone:
            self.journey = fold(fact for fact in self.ledger.values() if stands(fact, self.retracted))
            return
        for fact in fresh.values():
            if stands(fact, self.retracted):
                merge(self.journey, fact)


@given(LIVES, st.sets(st.sampled_from(["e1", "e2", "e3"])))
def test_the_funnel_never_widens(world: list[Event], employers: set[str]):
    for carried_by in (None, frozenset(employers)):
        standing = milestones(fold(first_of_each(world)), carried_by)
        for wide, narrow in pairwise(FUNNEL):
            assert narrow not in standing or wide in standing
            assert narrow not in standing or standing[wide] <= standing[narrow]


@given(LIVES)
def test_a_journey_is_what_the_second_opinion_says(world: list[Event]):
    journey = fold(first_of_each(world))
    person = oracle.Person(oracle.replay(world))
    assert {name: journey.attribute(name) for name in ATTRIBUTES if name in journey.attributes} == person.attributes
    assert {name: at[1:] for name, at in journey.told.items()} == person.told
    assert {offer: known.status.value for offer, known in journey.offers.items()} == person.offers
    assert {employer: hire.status.value for employer, hire in journey.hires.items()} == person.hires
    assert journey.withdrawn == person.withdrawn
    assert {fair: at[1:] for fair, at in lines(journey).items()} == {fair: at[1:] for fair, at in person.lines.items()}
    assert set(milestones(journey)) == {m for m in oracle.MEASURES if person.stands(m)}


@given(LIVES, TARGETS)
def test_a_target_counts_a_journey_as_the_second_opinion_does(world: list[Event], target: Target):
    expected = oracle.Campaign("grads1", world)
    assert number(contributed(fold(first_of_each(world)), target)) == sum_of_people(expected, target)


def sum_of_people(campaign: oracle.Campaign, target: Target) -> Decimal:
    """The number without the fairs, which are no journey's."""
    return Decimal(0) if target.measure == "fairs_held" else campaign.count(target.measure, target.where, NOW)


def contributed(journey: Journey, target: Target) -> Contribution:
    return contribution(journey, milestones(journey), target, ZONE)


def number(days: Contribution) -> Decimal:
    return sum(days.values(), Decimal(0))


@given(LIVES, TARGETS, st.randoms(use_true_random=False))
def test_summed_differences_equal_a_recount(world: list[Event], target: Target, rng: random.Random):
    facts = first_of_each(world)
    rng.shuffle(facts)
    worker, total = Worker(), dict[Any, Decimal]()
    for fact in facts:
        before = contributed(worker.journey, target)
        worker.apply([fact])
        add_up(total, difference(before, contributed(worker.journey, target)))
    recount = contributed(fold(facts), target)
    assert {day: amount for day, amount in total.items() if amount} == {d: a for d, a in recount.items() if a}


@given(worlds(), st.randoms(use_true_random=False))
def test_a_whole_world_in_any_order_is_what_the_second_opinion_says(world: list[Event], rng: random.Random):
    facts = first_of_each(world)
    expected = {name: oracle.Campaign(name, world).progress(NOW) for name in ("grads1", "grads2")}
    rng.shuffle(facts)
    for name, targets in expected.items():
        assert plain_fold(name, facts) == targets


def plain_fold(name: str, facts: list[Fact]) -> dict[str, Decimal]:
    """Every target's number in one campaign, by the functions that the worker uses."""
    retracted = retractions(facts)
    standing = [fact for fact in facts if fact.campaign == name and stands(fact, retracted)]
    campaign = fold_campaign(fact for fact in standing if fact.candidate is None)
    people: dict[str, list[Fact]] = {}
    for fact in standing:
        if fact.candidate is not None:
            people.setdefault(fact.candidate, []).append(fact)
    own = {candidate: fold(mine) for candidate, mine in people.items()}
    journeys = whole_journeys(own, [fact for mine in people.values() for fact in mine])
    return {
        target.target: number(fairs_held(campaign.fairs.values(), target, NOW, ZONE))
        if target.measure == "fairs_held"
        else sum((number(contributed(journey, target)) for journey in journeys), Decimal(0))
        for target in campaign.targets.values()
    }


def whole_journeys(own: dict[str, Journey], facts: list[Fact]) -> list[Journey]:
    """What candidates carry whose own journeys and facts that stand these are."""
    known = merging.groups(own, merging.merges(facts).values())
    own = {candidate: own.get(candidate, Journey()) for candidate in known}
    return [journey for group in set(known.values()) for journey in merging.carried(group, own).values()]


@given(worlds(campaigns=1), st.randoms(use_true_random=False))
def test_a_campaign_is_the_same_in_any_order(world: list[Event], rng: random.Random):
    facts = [fact for fact in first_of_each(world) if fact.candidate is None]
    shuffled = rng.sample(facts, len(facts))
    assert fold_campaign(shuffled) == fold_campaign(facts)


@given(LIVES)
def test_what_was_retracted_is_as_if_never_posted(world: list[Event]):
    facts = first_of_each(world)
    retracted = retractions(facts)
    never_posted = [
        fact for fact in facts if fact.type in IRREVOCABLE or (fact.campaign, *fact.identity) not in retracted
    ]
    assert fold(facts) == fold(fact for fact in never_posted if fact.type != "fact.retracted")


@given(LIVES)
def test_an_erasure_empties_the_person_and_leaves_the_milestones(world: list[Event]):
    facts = first_of_each([event for event in world if event["type"] != "candidate.erased"])
    (erasure,) = first_of_each([an_erasure()])
    erased, before = fold([*facts, erasure]), fold(facts)
    cut = "2026-03-01T12:00:00+00:00"
    assert all(moment(said[0]) > cut for said in erased.told.values())
    assert all(name in KEPT or moment(word.at[0]) > cut for name, word in erased.attributes.items())
    assert {name: erased.attribute(name) for name in KEPT} == {name: before.attribute(name) for name in KEPT}
    assert milestones(erased) == milestones(before)


def moment(micros: int) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)).isoformat()


@given(LIVES, st.randoms(use_true_random=False))
def test_sealed_facts_make_the_same_journey(world: list[Event], rng: random.Random):
    facts = first_of_each(world)
    sealed = [build_fact(seal(fact.event, bytes(32), 1, rng.randbytes)) for fact in facts]
    assert fold(sealed) == fold(facts)


def an_erasure() -> Event:
    data = {"campaign": "grads1", "candidate": "c1"}
    return {
        "specversion": "1.0",
        "id": "erasure",
        "source": "/c",
        "type": "candidate.erased",
        "time": "2026-03-01T12:00:00Z",
        "data": data,
    }


@given(st.lists(st.integers(0, 300), max_size=30), st.integers(1, 250))
def test_every_milestone_up_to_the_highest_number_is_crossed_and_no_other(numbers: list[int], goal: int):
    walk = [Decimal(0), *map(Decimal, numbers)]
    reached = {percent for before, after in pairwise(walk) for percent in crossed(before, after, Decimal(goal))}
    assert reached == {percent for percent in PERCENTS if max(walk) * 100 >= goal * percent}


@given(st.lists(st.decimals(0, 50, places=2), max_size=30), st.integers(1, 500))
def test_a_number_that_only_grows_crosses_each_milestone_once(steps: list[Decimal], goal: int):
    walk = [Decimal(0)]
    for step in steps:
        walk.append(walk[-1] + step)
    reached = [percent for before, after in pairwise(walk) for percent in crossed(before, after, Decimal(goal))]
    assert reached == sorted(set(reached))
