"""What one journey, or one fair, adds to a target, and by which facts: a number that explains itself."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from schemas.facts import Fact
from schemas.journey import Journey

Retracted = AbstractSet[tuple[str, str, str]]  # (campaign, source, id)
Definition = dict[str, Any]  # a target as it is stored: campaign, target, title, measure, goal, due_on, where


@dataclass(frozen=True, slots=True)
class Counted:
    """`at`: the time of the earliest evidence, which names the day. `facts`: those that carry it, earliest first."""

    at: datetime
    amount: Decimal
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class Explaining:
    """How a target counts, as pure functions; `retracted` says which facts don't stand.

    `person(target, facts, retracted)`: what the person of these facts adds; None: nothing.
    `persons(facts, retracted)`: under whose id each person among their candidates stands, and all ids of theirs.
    `fairs(target, facts, retracted, now)`: the fairs that were held by `now`, of a campaign's own facts, with what
    each adds and its title.
    `journey(target, journey)`: what a candidate adds whose facts are folded already.
    """

    person: Callable[[Definition, Sequence[Fact], Retracted], Counted | None]
    fairs: Callable[[Definition, Collection[Fact], Retracted, datetime], list[tuple[str, Counted]]]
    journey: Callable[[Definition, Journey], Decimal]
    persons: Callable[[Collection[Fact], Retracted], Mapping[str, tuple[str, ...]]]
