"""What goes wrong in the demo's year, as it does in life, and how often."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from yinfeng.demo import park_facts

Event = dict[str, Any]


@pytest.fixture(scope="module")
def facts() -> list[Event]:
    return park_facts(today=date(2026, 11, 23))


def of_type(facts: list[Event], type: str) -> list[Event]:
    return [event for event in facts if event["type"] == type]


def forms_twice(facts: list[Event]) -> int:
    forms = Counter(repr(e["data"]) for e in of_type(facts, "candidate.signed_up"))
    return sum(count > 1 for count in forms.values())


def emails_corrected(facts: list[Event]) -> int:
    emails = defaultdict(set)
    for event in of_type(facts, "candidate.signed_up"):
        emails[event["data"]["candidate"]].add(event["data"].get("email"))
    return sum(len(own - {None}) > 1 for own in emails.values())


def retracted(type: str) -> Callable[[list[Event]], int]:
    def count(facts: list[Event]) -> int:
        known = {(e["source"], e["id"]): e["type"] for e in facts}
        return sum(known[e["data"]["source"], e["data"]["id"]] == type for e in of_type(facts, "fact.retracted"))

    return count


def offers_again_after_expiry(facts: list[Event]) -> int:
    offers = defaultdict(list)
    for event in sorted(of_type(facts, "offer.extended"), key=lambda e: e["time"]):
        offers[event["data"]["candidate"], event["data"]["employer"]].append(event)
    return sum(own[0]["data"]["expires_at"] < own[1]["time"] for own in offers.values() if len(own) == 2)


def came_back(facts: list[Event]) -> int:
    left = {e["data"]["candidate"]: e["time"] for e in of_type(facts, "candidate.withdrew")}
    signups = of_type(facts, "candidate.signed_up")
    return sum(e["time"] > left.get(e["data"]["candidate"], "9") for e in signups)


def fairs_moved(facts: list[Event]) -> int:
    times = defaultdict(set)
    for event in of_type(facts, "fair.scheduled"):
        times[event["data"]["fair"]].add(event["data"]["starts_at"])
    return sum(len(own) == 2 for own in times.values())


def goals_changed(facts: list[Event]) -> int:
    goals = defaultdict(set)
    for event in of_type(facts, "target.set"):
        goals[event["data"]["target"]].add(event["data"]["goal"])
    return sum(len(own) == 2 for own in goals.values())


def targets_set_late(facts: list[Event]) -> int:
    first: dict[str, int] = {}
    for place, event in enumerate(facts):
        if event["type"] == "target.set":
            first.setdefault(event["data"]["target"], place)
    return sum(place > len(facts) / 10 for place in first.values())


def identities_twice(facts: list[Event]) -> int:
    return sum(count - 1 for count in Counter((e["source"], e["id"]) for e in facts).values())


def number_of(type: str) -> Callable[[list[Event]], int]:
    return lambda facts: len(of_type(facts, type))


@pytest.mark.parametrize(
    ("mishap", "least", "most"),
    [
        (identities_twice, 50, 300),
        (forms_twice, 50, 300),
        (emails_corrected, 50, 300),
        (retracted("candidate.checked_in"), 25, 25),
        (retracted("hire.started"), 4, 4),
        (retracted("benefit.paid"), 2, 5),
        (number_of("offer.declined"), 200, 400),
        (number_of("offer.rescinded"), 18, 18),
        (offers_again_after_expiry, 58, 58),
        (number_of("candidate.withdrew"), 100, 300),
        (came_back, 30, 30),
        (number_of("hire.ended"), 89, 89),
        (number_of("benefit.refused"), 5, 100),
        (number_of("fair.cancelled"), 1, 1),
        (fairs_moved, 1, 1),
        (number_of("candidate.erased"), 12, 12),
        (goals_changed, 1, 1),
        (targets_set_late, 1, 1),
    ],
)
def test_mishaps(facts: list[Event], mishap: Callable[[list[Event]], int], least: int, most: int) -> None:
    assert least <= mishap(facts) <= most
