"""The demo's year: what it promises about its ending and its people."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.facts import Fact, validate_event
from streams.domain.campaign import fold_campaign
from streams.domain.fold import fold
from streams.domain.measures import contribution, fairs_held, milestones
from yinfeng.demo import Story, park_facts, park_story
from yinfeng.demo.fairs import NEXT_FAIR
from yinfeng.demo.fates import GRADUATES, LEAST, TALENTS, count_talents, deal

TODAY = date(2026, 11, 23)
SHANGHAI = ZoneInfo("Asia/Shanghai")
Event = dict[str, Any]


@pytest.fixture(scope="module")
def world() -> Story:
    return park_story(today=TODAY)


@pytest.fixture(scope="module")
def village() -> Story:
    return park_story(today=TODAY, candidates=200)


# The ending


def test_whole_world_ends_at_the_parks_numbers(world: Story) -> None:
    ending = {"graduates": 2000, "doctors": 67, "masters": 59, "fairs": 60, "paid": 31_500_000}
    assert ending.items() <= recount(world.facts).items()
    assert recount(world.facts) == world.expected.targets


def test_every_size_of_world_deals_all_its_lots() -> None:
    for candidates in range(LEAST, 2000):
        few = count_talents(candidates)
        for groups, total in ((GRADUATES, candidates - few), (TALENTS, few)):
            lots = Counter(lot.fate for lot in deal(groups, candidates, total))
            assert lots.total() == total
            assert lots.keys() >= {row.fate for row in groups[-1].rows[1:]}


@settings(max_examples=8, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    candidates=st.integers(200, 500),
    today=st.dates(date(2024, 1, 1), date(2030, 12, 31)),
)
def test_any_world_ends_as_its_plan_says(seed: int, candidates: int, today: date) -> None:
    story = park_story(seed, today=today, candidates=candidates)
    assert recount(story.facts) == story.expected.targets
    signed = {(e["data"]["campaign"], e["data"]["candidate"]) for e in of_type(story.facts, "candidate.signed_up")}
    assert len(signed) == candidates


def test_the_platforms_own_fold_agrees(village: Story) -> None:
    people: dict[tuple[str, str], list[Fact]] = defaultdict(list)
    said: dict[str, list[Fact]] = defaultdict(list)
    for fact in map(validate_event, village.facts):
        if fact.candidate is None:
            said[fact.campaign].append(fact)
        else:
            people[fact.campaign, fact.candidate].append(fact)
    now = datetime(TODAY.year, TODAY.month, TODAY.day, tzinfo=SHANGHAI)
    numbers = {}
    for name, facts in said.items():
        journeys = [fold(own) for (campaign, _), own in people.items() if campaign == name]
        campaign = fold_campaign(facts)
        for target in campaign.targets.values():
            parts = [contribution(j, milestones(j), target, SHANGHAI) for j in journeys]
            if target.measure == "fairs_held":
                parts = [fairs_held(campaign.fairs.values(), target, now, SHANGHAI)]
            numbers[target.target] = sum((sum(part.values()) for part in parts), Decimal(0))
    assert numbers == village.expected.targets


def test_goals_of_the_whole_world_are_reached(world: Story) -> None:
    for target, data in last_targets(world.facts).items():
        assert world.expected.targets[target] >= data["goal"], target


# The same story for the same arguments


def test_same_arguments_same_story(village: Story) -> None:
    assert park_facts(today=TODAY, candidates=200) == village.facts


def test_another_seed_another_story(village: Story) -> None:
    other = park_story(7, today=TODAY, candidates=200)
    assert other.facts != village.facts
    assert other.expected == village.expected


@pytest.mark.parametrize(
    ("today", "due_on"),
    [
        (date(2026, 11, 23), "2026-12-31"),
        (date(2026, 12, 10), "2026-12-31"),
        (date(2026, 12, 11), "2027-01-08"),
        (date(2027, 1, 2), "2027-12-31"),
    ],
)
def test_year_ends_today(today: date, due_on: str) -> None:
    facts = park_facts(today=today, candidates=200)
    days = [datetime.fromisoformat(fact["time"]).date() for fact in facts]
    assert (today - max(days)).days in range(1, 8)
    assert {data["due_on"] for data in last_targets(facts).values()} == {due_on}
    assert facts[0]["type"] == "campaign.opened"


def test_campaigns_may_be_named(village: Story) -> None:
    whole = park_story(today=TODAY)
    assert (whole.grads, whole.talents) == ("grads-2026", "talents-2026")
    assert village.grads == "grads-2026-2022-200", "another world has campaigns of its own"
    story = park_story(today=TODAY, candidates=200, grads="spring", talents="brains")
    assert {fact["data"]["campaign"] for fact in story.facts} == {"spring", "brains"}


@pytest.mark.parametrize(
    "arguments",
    [{"candidates": 0}, {"candidates": 199}, {"candidates": 200, "year_start": date(2026, 10, 1)}],
)
def test_too_small_a_world_is_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"candidates|start"):
        park_facts(today=TODAY, **arguments)


# What the facts look like


def test_every_fact_is_in_the_catalogue(world: Story) -> None:
    for event in world.facts:
        fact = validate_event(event)
        assert event.get("subject") == fact.candidate
        assert len(event["id"]) <= 200


def test_only_scans_come_twice_under_one_identity(world: Story) -> None:
    told = defaultdict(list)
    for event in world.facts:
        told[event["source"], event["id"]].append(event)
    twice = [events for events in told.values() if len(events) > 1]
    assert len(twice) > 10
    assert all(first == second for first, second in twice)
    assert {first["type"] for first, _ in twice} == {"candidate.checked_in"}


def test_facts_come_mostly_in_order_and_some_late(world: Story) -> None:
    times = [fact["time"] for fact in world.facts]
    disorder = sum(later < earlier for earlier, later in pairwise(times))
    assert 0 < disorder < len(times) / 20


def test_nobody_real_can_be_reached(world: Story) -> None:
    for event in of_type(world.facts, "candidate.signed_up"):
        data = event["data"]
        if "email" in data:
            assert re.fullmatch(r"[a-z0-9.]+@[a-z]+\.example\.(com|org|net)", data["email"])
            assert re.fullmatch(
                r"\+86 100 0\d{3} \d{4}|\+44 (7700 90|1632 96|1\d\d 49[68] |20 7946 |29 2018 )0\d{3}", data["phone"]
            )


def test_nobody_has_the_telephone_number_of_another(world: Story) -> None:
    """They would be taken for one person."""
    said = [event["data"] for event in of_type(world.facts, "candidate.signed_up")]
    whose = {(data["campaign"], data["candidate"]): data["phone"] for data in said if "phone" in data}
    assert len(whose) > 1000
    assert len({(campaign, phone) for (campaign, _), phone in whose.items()}) == len(whose)


def test_one_fair_is_still_to_come_and_open_for_signups(world: Story) -> None:
    [said] = [e["data"] for e in of_type(world.facts, "fair.scheduled") if e["data"]["fair"] == world.next_fair]
    [campaign] = [e["data"] for e in of_type(world.facts, "campaign.opened") if e["data"]["campaign"] == world.grads]
    assert datetime.fromisoformat(said["starts_at"]).date() == TODAY + timedelta(days=7)
    assert datetime.fromisoformat(said["ends_at"]).date() <= date.fromisoformat(campaign["ends_on"])
    assert said["employers"]


def test_the_park_is_as_varied_as_it_says(world: Story) -> None:
    people = {
        e["data"]["candidate"]: e["data"] for e in of_type(world.facts, "candidate.signed_up") if "email" in e["data"]
    }
    fairs = {e["data"]["fair"]: e["data"] for e in of_type(world.facts, "fair.scheduled")}
    assert len({p["chain"] for p in people.values()}) == 6
    assert len({e["data"]["employer"] for e in of_type(world.facts, "hire.started")}) == 4
    assert {f["mode"] for f in fairs.values()} == {"onsite", "online", "hybrid"}
    assert {p["education"] for p in people.values()} == {
        "vocational",
        "associate",
        "bachelor",
        "master",
        "doctor",
    }
    assert len({p["school"] for p in people.values()}) > 50
    assert 0.11 < sum(p["locale"] == "en" for p in people.values()) / len(people) < 0.14


def test_steps_keep_their_order(world: Story) -> None:
    order = ("offer.extended", "offer.accepted", "hire.started", "hire.ended")
    for facts in by_candidate(world.facts).values():
        times = [
            max(f["time"] for f in facts if f["type"] == name)
            for name in order
            if any(f["type"] == name for f in facts)
        ]
        assert times == sorted(times)


def test_offers_fit_the_openings(world: Story) -> None:
    seats = {
        (e["data"]["campaign"], e["data"]["opening"]): e["data"]["seats"] for e in of_type(world.facts, "opening.set")
    }
    opening_of = {
        (e["data"]["campaign"], e["data"]["offer"]): e["data"]["opening"]
        for e in of_type(world.facts, "offer.extended")
    }
    taken: Counter[tuple[str, str]] = Counter()
    for event in of_type(world.facts, "offer.accepted"):
        campaign = event["data"]["campaign"]
        taken[campaign, opening_of[campaign, event["data"]["offer"]]] += 1
    assert all(count <= seats[opening] for opening, count in taken.items())


# A fold of our own, written from the rules alone


def recount(facts: list[Event]) -> dict[str, Decimal | int]:
    standing = list(stand(facts))
    targets = last_targets(standing)
    journeys = by_candidate(standing)
    return {name: count(target, standing, journeys) for name, target in targets.items()}


def stand(facts: list[Event]) -> Iterator[Event]:
    wrong = {(e["data"]["source"], e["data"]["id"]) for e in of_type(facts, "fact.retracted")}
    unique = {(e["source"], e["id"]): e for e in reversed(facts)}
    yield from sorted(
        (e for identity, e in unique.items() if identity not in wrong),
        key=lambda e: (e["time"], e["source"], e["id"]),
    )


def count(target: Event, facts: list[Event], journeys: dict[tuple[str, str], list[Event]]) -> Decimal | int:
    if target["measure"] == "fairs_held":
        fairs = {e["data"]["fair"] for e in of_type(facts, "fair.scheduled")} - {NEXT_FAIR}
        return len(fairs - {e["data"]["fair"] for e in of_type(facts, "fair.cancelled")})
    if target["measure"] == "paid":
        return sum((Decimal(str(e["data"]["amount"])) for e in of_type(facts, "benefit.paid")), Decimal(0))
    return sum(counts(own, target) for (campaign, _), own in journeys.items() if campaign == target["campaign"])


def counts(facts: list[Event], target: Event) -> bool:
    where = target.get("where", {})
    person: Event = {}
    offers: dict[str, str] = {}
    hires: dict[str, str] = {}
    withdrawn = False
    for event in facts:
        data = event["data"]
        match event["type"]:
            case "candidate.signed_up":
                person |= data
                withdrawn = False
            case "candidate.withdrew":
                withdrawn = True
            case "offer.extended" | "offer.accepted" | "offer.declined" | "offer.rescinded" as type:
                offers[data["offer"]] = type
            case "hire.started" | "hire.ended" as type:
                hires[data["employer"]] = type
    hired_at = {employer for employer, word in hires.items() if word == "hire.started"}
    if "education" in where and person.get("education") not in where["education"]:
        return False
    if target["measure"] == "hired":
        return bool(hired_at & set(where.get("employer", hired_at)))
    if target["measure"] == "offered":
        return bool(hired_at) or (not withdrawn and bool(set(offers.values()) - {"offer.rescinded"}))
    assert target["measure"] == "signed_up"
    return bool(hired_at) or not withdrawn


def of_type(facts: list[Event], type: str) -> list[Event]:
    return [event for event in facts if event["type"] == type]


def last_targets(facts: list[Event]) -> dict[str, Event]:
    return {event["data"]["target"]: event["data"] for event in of_type(facts, "target.set")}


def by_candidate(facts: list[Event]) -> dict[tuple[str, str], list[Event]]:
    journeys = defaultdict(list)
    for event in facts:
        if "candidate" in event["data"]:
            journeys[event["data"]["campaign"], event["data"]["candidate"]].append(event)
    return journeys
