"""A campaign's particulars, targets, fairs, employers and openings: a fold over the facts that name no candidate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Set
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from schemas.facts import Fact
from streams.domain.fold import retractions, stands

DEFAULT_TIMEZONE = "Asia/Shanghai"
DEFAULT_LOCALE = "zh-CN"
DEFAULT_SIGNUP = "open"


@dataclass(frozen=True, slots=True)
class Particulars:
    title: str
    organizer: str
    starts_on: date
    ends_on: date
    kind: str | None
    timezone: str
    locale: str
    reply_to: str | None = None
    contact: str | None = None
    signup: str = DEFAULT_SIGNUP


@dataclass(frozen=True, slots=True)
class Target:
    """A target's definition. `attributes`, `fairs` and `employers` are its `where`, ready for look-ups (None: any)."""

    campaign: str
    target: str
    title: str
    measure: str
    goal: Decimal
    due_on: date
    where: dict[str, list[Any]]
    attributes: dict[str, frozenset[str]]
    fairs: frozenset[str] | None
    employers: frozenset[str] | None

    def counts_like(self, other: Target) -> bool:
        """Whether both count the same, so that a change of title, goal or date needs no recount."""
        return self.measure == other.measure and self.where == other.where


@dataclass(frozen=True, slots=True)
class Fair:
    """`changes` counts the facts about it after the first, and each that was retracted once more: it grows with
    whatever changes the fair, in whichever order that is learned."""

    fair: str
    title: str
    mode: str
    starts_at: datetime
    ends_at: datetime
    venue: str | None
    city: str | None
    url: str | None
    capacity: int | None
    employers: tuple[str, ...]
    cost: Decimal | None
    cancelled: bool
    reason: str | None
    changes: int = 0


@dataclass(frozen=True, slots=True)
class Employer:
    """How people call an employer, and where it is reached."""

    employer: str
    name: str
    name_en: str | None
    city: str | None
    url: str | None
    reply_to: str | None
    contact: str | None


@dataclass(frozen=True, slots=True)
class Opening:
    opening: str
    employer: str
    position: str
    seats: int


@dataclass(slots=True)
class Campaign:
    """What stands of a campaign now. `particulars` is None as long as it was not opened."""

    particulars: Particulars | None = None
    closed: bool = False
    targets: dict[str, Target] = field(default_factory=dict)
    fairs: dict[str, Fair] = field(default_factory=dict)
    employers: dict[str, Employer] = field(default_factory=dict)
    openings: dict[str, Opening] = field(default_factory=dict)


def fold_campaign(facts: Iterable[Fact], retracted: Set[tuple[str, str, str]] = frozenset()) -> Campaign:
    """What a set of one campaign's facts (those that name no candidate) makes of it. Order does not matter.

    `retracted`: what is known to be retracted beside what these facts retract themselves.
    """
    known = list(facts)
    gone = retractions(known) | retracted
    campaign = Campaign()
    for fact in sorted((f for f in known if stands(f, gone)), key=lambda f: f.stamp):
        handler = HANDLERS.get(fact.type)
        if handler:
            handler(campaign, fact.data)
    words = _words(known, gone)
    campaign.fairs = {name: replace(fair, changes=words[name] - 1) for name, fair in campaign.fairs.items()}
    return campaign


def make_target(campaign: str, data: dict[str, Any]) -> Target:
    """A target of `target.set`'s data, or of a stored definition with the same keys."""
    where: dict[str, list[Any]] = data.get("where") or {}
    sets = {key: frozenset(map(str, values)) for key, values in where.items()}
    return Target(
        campaign=campaign,
        target=data["target"],
        title=data["title"],
        measure=data["measure"],
        goal=Decimal(str(data["goal"])),
        due_on=date.fromisoformat(str(data["due_on"])),
        where=where,
        attributes={key: values for key, values in sets.items() if key not in ("fair", "employer")},
        fairs=sets.get("fair"),
        employers=sets.get("employer"),
    )


def _words(facts: Iterable[Fact], retracted: Set[tuple[str, str, str]]) -> Counter[str]:
    """How often something was said of each fair, or taken back."""
    words: Counter[str] = Counter()
    for fact in facts:
        if fact.type in OF_FAIRS:
            words[fact.data["fair"]] += 1 if stands(fact, retracted) else 2
    return words


def _opened(campaign: Campaign, data: dict[str, Any]) -> None:
    campaign.closed = False
    campaign.particulars = Particulars(
        title=data["title"],
        organizer=data["organizer"],
        starts_on=date.fromisoformat(data["starts_on"]),
        ends_on=date.fromisoformat(data["ends_on"]),
        kind=data.get("kind"),
        timezone=data.get("timezone", DEFAULT_TIMEZONE),
        locale=data.get("locale", DEFAULT_LOCALE),
        reply_to=data.get("reply_to"),
        contact=data.get("contact"),
        signup=data.get("signup", DEFAULT_SIGNUP),
    )


def _closed(campaign: Campaign, data: dict[str, Any]) -> None:
    campaign.closed = True


def _target_set(campaign: Campaign, data: dict[str, Any]) -> None:
    campaign.targets[data["target"]] = make_target(data["campaign"], data)


def _target_withdrawn(campaign: Campaign, data: dict[str, Any]) -> None:
    campaign.targets.pop(data["target"], None)


def _fair_scheduled(campaign: Campaign, data: dict[str, Any]) -> None:
    campaign.fairs[data["fair"]] = Fair(
        fair=data["fair"],
        title=data["title"],
        mode=data["mode"],
        starts_at=_moment(data["starts_at"]),
        ends_at=_moment(data["ends_at"]),
        venue=data.get("venue"),
        city=data.get("city"),
        url=data.get("url"),
        capacity=data.get("capacity"),
        employers=tuple(data.get("employers", ())),
        cost=Decimal(str(data["cost"])) if "cost" in data else None,
        cancelled=False,
        reason=None,
    )


def _fair_cancelled(campaign: Campaign, data: dict[str, Any]) -> None:
    fair = campaign.fairs.get(data["fair"])
    if fair:
        campaign.fairs[data["fair"]] = replace(fair, cancelled=True, reason=data.get("reason"))


def _employer_set(campaign: Campaign, data: dict[str, Any]) -> None:
    rest = {name: data.get(name) for name in ("name_en", "city", "url", "reply_to", "contact")}
    campaign.employers[data["employer"]] = Employer(data["employer"], data["name"], **rest)


def _opening_set(campaign: Campaign, data: dict[str, Any]) -> None:
    campaign.openings[data["opening"]] = Opening(data["opening"], data["employer"], data["position"], data["seats"])


def _moment(value: str) -> datetime:
    return datetime.fromisoformat(value.upper()).astimezone(UTC)


OF_FAIRS = frozenset({"fair.scheduled", "fair.cancelled"})
HANDLERS: dict[str, Callable[[Campaign, dict[str, Any]], None]] = {
    "campaign.opened": _opened,
    "campaign.closed": _closed,
    "target.set": _target_set,
    "target.withdrawn": _target_withdrawn,
    "fair.scheduled": _fair_scheduled,
    "fair.cancelled": _fair_cancelled,
    "employer.set": _employer_set,
    "opening.set": _opening_set,
}
