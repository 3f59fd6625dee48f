"""What the numbers of a campaign say: pace, conversion, days, acceptance, cost. Pure, with today passed in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

WINDOW: Final = 14  # days of which the pace done is the average
MEDIAN: Final = 0.5
P90: Final = 0.9

Row = dict[str, Any]
DayAmounts = Sequence[tuple[date, Decimal]]


@dataclass(frozen=True, slots=True)
class CampaignPace:
    """A day: what is needed from today to the due date (None where nothing is, or it is too late), and what the last
    whole days brought on average (None where none has passed since the start)."""

    needed: float | None
    done: float | None


@dataclass(frozen=True, slots=True)
class FunnelStep:
    """A milestone: how many stand there, which share (percent) of those at the one before, and after how many days
    half of them and nine in ten came from there. None where nobody did. `bar`: percent of the longest."""

    name: str
    number: int
    of_previous: float | None
    median: int | None
    p90: int | None
    bar: float


@dataclass(frozen=True, slots=True)
class Acceptance:
    """Offers that are resolved: accepted, declined, or expired unanswered. `rate` in percent; None without any."""

    accepted: int
    resolved: int
    open: int

    @property
    def rate(self) -> float | None:
        return 100 * self.accepted / self.resolved if self.resolved else None


def pace_of(target: Row, days: DayAmounts, starts_on: date | None, today: date) -> CampaignPace:
    """The pace of a target (an entry with `goal`, `progress`, `due_on`); `days` are its differences by day."""
    left = (target["due_on"] - today).days + 1
    missing = float(target["goal"]) - float(target["progress"])
    needed = missing / left if left > 0 and missing > 0 else None
    first = min([*([starts_on] if starts_on else []), *[day for day, _ in days[:1]]], default=today)
    whole = min(WINDOW, (today - first).days)
    if whole <= 0:
        return CampaignPace(needed, None)
    since = today - timedelta(days=whole)
    return CampaignPace(needed, float(sum(amount for day, amount in days if since <= day < today)) / whole)


def steps(funnel: Mapping[str, int], days: Mapping[str, Mapping[int, int]]) -> list[FunnelStep]:
    """The funnel from signup to hire; `days`: by milestone, how many came from the one before within so many days."""
    found: list[FunnelStep] = []
    most = max(*funnel.values(), 1)
    before: int | None = None
    for name, number in funnel.items():
        share = 100 * number / before if before else None
        took = days.get(name, {})
        found.append(FunnelStep(name, number, share, quantile(took, MEDIAN), quantile(took, P90), 100 * number / most))
        before = number
    return found


def quantile(counts: Mapping[int, int], share: float) -> int | None:
    """The smallest value that this share of all does not exceed; None where there are none."""
    total, passed = sum(counts.values()), 0
    for value in sorted(counts):
        passed += counts[value]
        if passed >= share * total:
            return value
    return None


def acceptance(offers: Iterable[Row]) -> Acceptance:
    """Of these rows (see storage.campaigns.breakdowns.offers) together."""
    rows = list(offers)
    accepted = sum(row["accepted"] for row in rows)
    resolved = accepted + sum(row["declined"] + row["expired"] for row in rows)
    return Acceptance(accepted, resolved, sum(row["open"] for row in rows))


def cost_of_a_hire(fair: Row) -> Decimal | None:
    """What a hire cost who came by this fair; None where no cost is given, or nobody was hired."""
    if fair["cost"] is None or not fair["hired"]:
        return None
    return Decimal(str(fair["cost"])) / int(fair["hired"])
