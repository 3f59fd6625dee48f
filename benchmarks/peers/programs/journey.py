"""What is known of one candidate, as small as the three targets allow. The peers' own: it imports nothing of ours."""

from __future__ import annotations

from typing import Any

TARGETS = ("signups", "graduates", "doctors")
_KEPT = ("name", "email", "school", "education")

# Of each thing the latest word, by the stamp (time, source, id): thing → [stamp, word].
Journey = dict[str, list[str]]


def identity(fact: dict[str, Any]) -> str:
    """What makes two deliveries the same fact."""
    return f"{fact['source']} {fact['id']}"


def is_of_a_candidate(fact: dict[str, Any]) -> bool:
    """Whether it tells of a person: campaigns and targets are fixed here."""
    return "candidate" in fact["data"]


def tell(journey: Journey, fact: dict[str, Any]) -> list[tuple[str, int]]:
    """Take one fact in; returns by how much which target changes."""
    before = standing(journey)
    stamp = f"{fact['time']} {identity(fact)}"
    for thing, word in _words(fact["type"], fact["data"]):
        known = journey.get(thing)
        if known is None or known[0] < stamp:
            journey[thing] = [stamp, word]
    after = standing(journey)
    return [(name, after[name] - before[name]) for name in TARGETS if after[name] != before[name]]


def standing(journey: Journey) -> dict[str, int]:
    """For which targets it counts: 1 or 0 of each."""
    hired = any(thing.startswith("hire/") and said[1] == "started" for thing, said in journey.items())
    doctor = journey.get("education", ["", ""])[1] == "doctor"
    return {"signups": int("signed_up" in journey), "graduates": int(hired), "doctors": int(hired and doctor)}


def _words(kind: str, data: dict[str, Any]) -> list[tuple[str, str]]:
    if kind == "candidate.signed_up":
        return [("signed_up", "yes"), *((name, data[name]) for name in _KEPT if name in data)]
    if kind == "candidate.checked_in":
        return [("attended", "yes")]
    if kind == "candidate.interviewed":
        return [(f"interview/{data['employer']}", "yes")]
    if kind in ("offer.extended", "offer.accepted"):
        return [(f"offer/{data['offer']}", kind.partition(".")[2])]
    if kind in ("hire.started", "hire.ended"):
        return [(f"hire/{data['employer']}", kind.partition(".")[2])]
    return []
