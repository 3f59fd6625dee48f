"""Makers of facts for tests: the shortest way to say what happened."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

from schemas.facts import Fact, validate_event
from schemas.journey import Journey, Word
from streams.domain.fold import fold
from tests.logs import remember

CAMPAIGN = "grads-2026"
_numbers = itertools.count(1)


def event(
    type: str,
    *,
    id: str | None = None,
    time: str = "2026-03-08T09:00:00+08:00",
    source: str = "/hr/test",
    **data: Any,
) -> dict[str, Any]:
    """A CloudEvent in JSON form; the campaign is CAMPAIGN unless given. No log is to say of whom it is."""
    if type.startswith("candidate."):
        remember(data)
    return {
        "specversion": "1.0",
        "id": id or f"e{next(_numbers):06}",  # of what was said at one time, the order of the ids counts
        "source": source,
        "type": type,
        "time": time,
        "datacontenttype": "application/json",
        "data": {"campaign": CAMPAIGN, **data},
    }


def fact(type: str, **more: Any) -> Fact:
    """A valid fact."""
    return validate_event(event(type, **more))


def facts(events: Iterable[dict[str, Any]]) -> list[Fact]:
    return [validate_event(each) for each in events]


def alive(facts: Iterable[Fact]) -> Journey:
    """The journey of one candidate's facts, with the person in it, as the vault gives it to those who read."""
    said = list(facts)
    journey = fold(said)
    for name, at in journey.told.items():
        journey.attributes[name] = Word(at, next(fact.data[name] for fact in said if fact.stamp == at))
    for offer in journey.offers.values():
        if terms := offer.terms:
            data = next(fact.data for fact in said if fact.stamp == terms.at)
            terms.salary, terms.contact = data.get("salary"), data.get("contact")
            terms.document, terms.papers = data.get("document"), data.get("papers")
    return journey


def opened(**more: Any) -> dict[str, Any]:
    return event(
        "campaign.opened",
        title="届毕业生",
        organizer="Park",
        starts_on="2026-01-01",
        ends_on="2026-12-31",
        **more,
    )


def target(
    name: str, measure: str = "hired", goal: float = 100, where: dict[str, Any] | None = None, **more: Any
) -> dict[str, Any]:
    if where:
        more["where"] = where
    return event("target.set", target=name, title=name, measure=measure, goal=goal, due_on="2026-12-31", **more)


def signed_up(candidate: str, **more: Any) -> dict[str, Any]:
    return event("candidate.signed_up", candidate=candidate, **{"name": f"Name {candidate}", **more})


def hired(candidate: str, employer: str = "huayou", **more: Any) -> dict[str, Any]:
    return event("hire.started", candidate=candidate, employer=employer, started_on="2026-07-01", **more)


def retraction(of: str, *, at: str = "/hr/test", candidate: str | None = None, **more: Any) -> dict[str, Any]:
    """A `fact.retracted` of the fact `of` from the source `at`; `more` are attributes of its own."""
    made = event("fact.retracted", reason="wrong", **({"candidate": candidate} if candidate else {}))
    return made | more | {"data": {**made["data"], "source": at, "id": of}}
