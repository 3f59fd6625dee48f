"""Facts to measure with: whole journeys of many candidates, in the order of life."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.facts import event, hired, opened, signed_up, target

STEPS = 6


def campaign() -> list[dict[str, Any]]:
    """A campaign with three targets."""
    return [
        opened(),
        target("graduates", goal=2_000_000),
        target("doctors", goal=100_000, where={"education": ["doctor"]}),
        target("signups", "signed_up", goal=10_000_000),
    ]


def journeys(facts: int, *, prefix: str) -> Iterator[dict[str, Any]]:
    """At least so many facts: signup, check-in, interview, offer, acceptance, hire; candidates interleaved."""
    people = [f"{prefix}{number}" for number in range(facts // STEPS + 1)]
    for start in range(0, len(people), 500):
        yield from _steps(people[start : start + 500])


def _steps(people: list[str]) -> Iterator[dict[str, Any]]:
    for who in people:
        yield signed_up(
            who, id=f"{who}-1", email=f"{who}@mail.example", education="master", school="南京大学", fair="f1"
        )
    for who in people:
        yield event("candidate.checked_in", id=f"{who}-2", candidate=who, fair="f1")
    for who in people:
        yield event("candidate.interviewed", id=f"{who}-3", candidate=who, employer="huayou", outcome="passed")
    for who in people:
        yield event(
            "offer.extended", id=f"{who}-4", candidate=who, offer=f"o-{who}", employer="huayou", position="engineer"
        )
    for who in people:
        yield event("offer.accepted", id=f"{who}-5", candidate=who, offer=f"o-{who}")
    for who in people:
        yield hired(who, id=f"{who}-6")
