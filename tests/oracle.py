"""A second opinion: DESIGN.md §4 and §5 written again, plainly, from the words and not from the code.

Sort all facts by (time, source, id), drop what was retracted, replay one after the other. Works on events as they
were posted and uses nothing of `streams`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

Event = dict[str, Any]

MEASURES = ("signed_up", "attended", "interviewed", "offered", "accepted", "hired")
PERSONAL = ("name", "email", "phone")
KEPT = ("education", "school", "major", "graduation_year", "chain")
ATTRIBUTES = (
    "locale",
    "education",
    "school",
    "major",
    "graduation_year",
    "chain",
    "consent",
)


def replay(events: Iterable[Event]) -> list[Event]:
    """What counts, in the order of the world. Of one identity, the first to arrive is the one that stands."""
    first: dict[tuple[str, str], Event] = {}
    for event in events:
        if (event["source"], event["id"]) not in first:
            first[event["source"], event["id"]] = event
    wrong = {
        (e["data"]["campaign"], e["data"]["source"], e["data"]["id"])
        for e in first.values()
        if e["type"] == "fact.retracted"
    }
    kept = [
        e
        for e in first.values()
        if e["type"] in ("fact.retracted", "candidate.erased")
        or (e["data"]["campaign"], e["source"], e["id"]) not in wrong
    ]
    return sorted(kept, key=lambda e: (datetime.fromisoformat(e["time"].upper()), e["source"], e["id"]))


def moment(event: Event) -> datetime:
    return datetime.fromisoformat(event["time"].upper())


class Person:
    """One person in one campaign: `facts` are their own, under whatever ids, replayed in order. An erasure is of the
    one whom it names."""

    def __init__(self, facts: list[Event]) -> None:
        self.attributes: dict[str, Any] = {}
        self.told: dict[str, tuple[str, str]] = {}
        self.offers: dict[str, str] = {}
        self.offered_by: dict[str, str] = {}
        self.hires: dict[str, str] = {}
        self.interviewed_at: set[str] = set()
        self.signed_up_for: set[str] = set()
        self.lines: dict[str, tuple[datetime, str, str]] = {}
        self.checked_in_at: set[str] = set()
        self.paid: list[Decimal] = []
        self.signed_up = self.withdrawn = False
        self.agreed: dict[str, dict[str, tuple[Event, bool]]] = {}
        ends: dict[str, datetime] = {}
        for fact in facts:
            if fact["type"] == "candidate.erased":
                ends[fact["data"]["candidate"]] = moment(fact)
        for fact in facts:
            who = fact["data"].get("candidate")
            gone = who in ends and moment(fact) <= ends[who]
            before = dict(self.attributes)
            self.live(fact["type"], fact["data"])
            if gone:
                kept = {name: value for name, value in self.attributes.items() if name in KEPT}
                self.attributes = {**before, **kept}
            elif who is not None:
                for name in words_of_consent(fact):
                    self.agreed.setdefault(name, {})[who] = (fact, self.attributes[name])
            self.stand(fact, gone=gone)
            if fact["type"] == "candidate.signed_up" and not gone:
                self.told |= {name: (fact["source"], fact["id"]) for name in PERSONAL if name in fact["data"]}
        for name, words in self.agreed.items():
            self.attributes[name] = agrees(list(words.values()))

    def stand(self, fact: Event, *, gone: bool) -> None:
        """In line since the first signup for a fair; who withdraws leaves all lines, and comes back to their ends."""
        if fact["type"] == "candidate.withdrew":
            fair = fact["data"].get("fair")
            self.lines = {} if fair is None else {each: at for each, at in self.lines.items() if each != fair}
        elif fact["type"] == "candidate.signed_up" and "fair" in fact["data"] and not gone:
            at = datetime.fromisoformat(fact["time"].upper())
            self.lines.setdefault(fact["data"]["fair"], (at, fact["source"], fact["id"]))

    def agree(self, word: bool, purpose: str, whom: list[str] | None) -> None:
        general = "consent" if purpose == "employers" else f"consent:{purpose}"
        self.attributes |= dict.fromkeys([general] if whom is None else [f"consent/{name}" for name in whom], word)

    def live(self, kind: str, data: dict[str, Any]) -> None:
        subject, _, what = kind.partition(".")
        if kind == "candidate.signed_up":
            self.signed_up, self.withdrawn = True, False
            self.attributes |= {name: data[name] for name in ATTRIBUTES if name in data}
            self.signed_up_for |= {data["fair"]} if "fair" in data else set()
        elif subject == "consent":
            self.agree(what == "given", data["purpose"], data.get("employers"))
        elif kind == "candidate.withdrew":
            self.withdrawn |= "fair" not in data
        elif kind == "candidate.checked_in":
            self.checked_in_at.add(data["fair"])
        elif kind == "candidate.interviewed":
            self.interviewed_at.add(data["employer"])
        elif subject == "offer":
            self.offers[data["offer"]] = what
            if what == "extended":
                self.offered_by[data["offer"]] = data["employer"]
        elif subject == "hire":
            self.hires[data["employer"]] = what
        elif kind == "benefit.paid":
            self.paid.append(Decimal(str(data.get("amount", 0))))

    def stands(self, measure: str, employers: list[Any] | None = None) -> bool:
        """Whether the milestone is there now; with employers, whether one of them carries it."""

        def theirs(employer: str | None) -> bool:
            return employers is None or employer in employers

        hired = any(theirs(employer) for employer, status in self.hires.items() if status == "started")
        offers = {status for offer, status in self.offers.items() if theirs(self.offered_by.get(offer))}
        accepted = hired or "accepted" in offers
        offered = accepted or bool(offers - {"rescinded"})
        interviewed = offered or any(theirs(employer) for employer in self.interviewed_at)
        attended = interviewed or bool(self.checked_in_at)
        reached = (self.signed_up or attended, attended, interviewed, offered, accepted, hired)
        return hired if self.withdrawn else dict(zip(MEASURES, reached, strict=True))[measure]

    def matches(self, where: dict[str, list[Any]]) -> bool:
        for key, wanted in where.items():
            if key == "fair" and not (self.signed_up_for | self.checked_in_at) & set(wanted):
                return False
            if key not in ("fair", "employer"):
                given = self.attributes.get(key)
                if given is None or str(given) not in [str(value) for value in wanted]:
                    return False
        return True


def words_of_consent(fact: Event) -> list[str]:
    """Which attributes of consent a fact says something of."""
    data = fact["data"]
    if fact["type"] == "candidate.signed_up":
        return ["consent"] if "consent" in data else []
    if not fact["type"].startswith("consent."):
        return []
    if data["purpose"] != "employers":
        return [f"consent:{data['purpose']}"]
    return [f"consent/{name}" for name in data["employers"]] if "employers" in data else ["consent"]


def agrees(words: list[tuple[Event, bool]]) -> bool:
    """The latest word of each id, in any order: a no holds unless the person themselves said yes after it."""
    refusals = [order(fact) for fact, word in words if not word]
    own = [order(fact) for fact, word in words if word and fact["source"] == "/me"]
    return not refusals or any(at > max(refusals) for at in own)


def order(event: Event) -> tuple[datetime, str, str]:
    return (moment(event), event["source"], event["id"])


def heads(facts: Iterable[Event], candidates: Iterable[str]) -> dict[str, str]:
    """For each candidate, under whose id the person stands: who was merged into nobody else, or whose id is first."""
    into: dict[frozenset[str], str | None] = {}
    for fact in facts:
        if fact["type"] in ("candidate.merged", "candidate.unmerged"):
            pair = frozenset((fact["data"]["candidate"], fact["data"]["into"]))
            into[pair] = fact["data"]["into"] if fact["type"] == "candidate.merged" else None
    merged = {pair: head for pair, head in into.items() if head is not None}
    person = {candidate: {candidate} for candidate in {*candidates}.union(*merged)}
    for pair in merged:
        one, other = pair
        whole = person[one] | person[other]
        person |= dict.fromkeys(whole, whole)
    within = {next(iter(pair - {head})) for pair, head in merged.items()}
    return {c: min(whole - within or whole) for c, whole in person.items()}


class Campaign:
    """One campaign: its people, targets and fairs, of all facts that speak of it."""

    def __init__(self, name: str, events: Iterable[Event]) -> None:
        facts = [event for event in replay(events) if event["data"]["campaign"] == name]
        candidates = {f["data"]["candidate"] for f in facts if "candidate" in f["data"]}
        self.heads = heads(facts, candidates)
        self.people = {
            head: Person([f for f in facts if self.heads.get(f["data"].get("candidate")) == head])
            for head in sorted(set(self.heads.values()))
        }
        self.targets: dict[str, dict[str, Any]] = {}
        self.fairs: dict[str, dict[str, Any]] = {}
        self.cancelled: set[str] = set()
        for fact in facts:
            self.live(fact["type"], fact["data"])

    def live(self, kind: str, data: dict[str, Any]) -> None:
        if kind == "target.set":
            self.targets[data["target"]] = data
        elif kind == "target.withdrawn":
            self.targets.pop(data["target"], None)
        elif kind == "fair.scheduled":
            self.fairs[data["fair"]] = data
            self.cancelled.discard(data["fair"])
        elif kind == "fair.cancelled":
            self.cancelled.add(data["fair"])

    def progress(self, now: datetime) -> dict[str, Decimal]:
        """Every target's number."""
        return {name: self.count(data["measure"], data.get("where") or {}, now) for name, data in self.targets.items()}

    def seats(self, fair: str) -> tuple[list[str], list[str]]:
        """Who has a seat at a fair, and who waits for one, both in order."""
        line = sorted((person.lines[fair], c) for c, person in self.people.items() if fair in person.lines)
        capacity = self.fairs.get(fair, {}).get("capacity", len(line))
        people = [candidate for _, candidate in line]
        return people[:capacity], people[capacity:]

    def count(self, measure: str, where: dict[str, list[Any]], now: datetime) -> Decimal:
        if measure == "fairs_held":
            return Decimal(sum(self._held(fair, where, now) for fair in self.fairs))
        people = [person for person in self.people.values() if person.matches(where)]
        employers = where.get("employer")
        if measure == "paid":
            return sum((self._paid(person, employers) for person in people), Decimal(0))
        return Decimal(sum(person.stands(measure, employers) for person in people))

    def _held(self, fair: str, where: dict[str, list[Any]], now: datetime) -> bool:
        data = self.fairs[fair]
        over = datetime.fromisoformat(data["ends_at"].upper()) <= now and fair not in self.cancelled
        at = "employer" not in where or bool(set(where["employer"]) & set(data.get("employers", ())))
        return over and at and fair in where.get("fair", [fair])

    def _paid(self, person: Person, employers: list[Any] | None) -> Decimal:
        counts = person.stands("hired", employers) if employers or person.withdrawn else True
        return sum(person.paid, Decimal(0)) if counts else Decimal(0)
