"""A timeline with reversals folded into what they reverse: pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

Row = dict[str, Any]  # a fact of a timeline: source, id, type, data …


@dataclass(slots=True)
class Folded:
    """A fact, and what took it back, the earliest first."""

    fact: Row
    reversals: list[Folded] = field(default_factory=list)


def folded(timeline: Sequence[Row]) -> list[Folded]:
    """The facts in their order, each with its reversals; a reversal of what is not among them stands by itself."""
    told = [Folded(fact) for fact in timeline]
    top: list[Folded] = []
    for at, each in enumerate(told):
        reversed_ = _reversed(each.fact, told, at)
        (reversed_.reversals if reversed_ else top).append(each)
    return top


def _reversed(fact: Row, told: Sequence[Folded], at: int) -> Folded | None:
    """What this fact reverses: for a retraction whatever it names, for others the latest of its kind before it."""
    if fact["type"] == "fact.retracted":
        named = (fact["data"].get("source"), fact["data"].get("id"))
        return _latest(told, lambda other: (other["source"], other["id"]) == named and other["type"] != fact["type"])
    if fact["type"] in REVERSED:
        type, key = REVERSED[fact["type"]]
        wanted = fact["data"].get(key)
        return _latest(told[:at], lambda other: other["type"] == type and other["data"].get(key) == wanted)
    return None


def _latest(told: Iterable[Folded], is_it: Callable[[Row], bool]) -> Folded | None:
    return next((each for each in reversed(list(told)) if is_it(each.fact)), None)


# What a fact of the world reverses, and by which key of their data the two belong together.
REVERSED: Final[dict[str, tuple[str, str]]] = {
    "offer.rescinded": ("offer.extended", "offer"),
    "hire.ended": ("hire.started", "employer"),
}
