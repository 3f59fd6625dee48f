"""What HR is told in the morning: how each target stands, what yesterday brought, what is at risk. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from schemas.messages import DAILY_DIGEST, TARGET_AT_RISK, MessageRequest, dedupe_key
from schemas.pace import even_pace

FROM: Final = time(8, 30)
UNTIL: Final = time(12)  # a platform that starts later tells it tomorrow
AT_RISK: Final = 0.8  # of what an even pace would have brought
FIRST_WORD: Final = 0.1  # of the time must be gone before a pace says anything

DigestRow = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Morning:
    """A campaign's morning: which day it is there, and the keys under which its messages are asked for."""

    campaign: str
    today: date

    @property
    def digest_key(self) -> str:
        return dedupe_key(DAILY_DIGEST, self.campaign, None, [self.today.isoformat()])


def morning(campaign: DigestRow, zone: ZoneInfo, now: datetime) -> Morning | None:
    """The morning of a campaign that runs, when it is time there; None at other times and for other campaigns."""
    there = now.astimezone(zone)
    runs = not campaign["closed"] and campaign["starts_on"] <= there.date() <= campaign["ends_on"]
    return Morning(campaign["campaign"], there.date()) if runs and FROM <= there.time() < UNTIL else None


def digest(
    at: Morning,
    *,
    targets: Sequence[DigestRow],
    gained: Mapping[str, Any],
    fairs: Sequence[DigestRow],
    trouble: Mapping[str, int],
) -> MessageRequest:
    """The digest. `gained` is what yesterday brought by target id, `fairs` those of today and tomorrow, `trouble`
    counts messages by a status that somebody should look at."""
    params = {
        "day": at.today.isoformat(),
        "targets": [
            {
                "title": row["title"],
                "progress": float(row["progress"]),
                "goal": float(row["goal"]),
                "gained": float(gained.get(row["target"], 0)),
                "percent": int(100 * row["progress"] / row["goal"]),
                "due_on": row["due_on"].isoformat(),
            }
            for row in targets
        ],
        "fairs": [{"title": fair["title"], "starts_at": fair["starts_at"].isoformat()} for fair in fairs],
        "trouble": dict(trouble),
    }
    return MessageRequest(DAILY_DIGEST, at.digest_key, at.campaign, None, params)


def at_risk(at: Morning, starts_on: date, targets: Sequence[DigestRow]) -> list[MessageRequest]:
    """One word for each target that is far behind an even pace, once a week."""
    behind = [(row, _shortfall(at.today, starts_on, row)) for row in targets]
    return [_risk(at, row, expected) for row, expected in behind if expected is not None]


def _shortfall(today: date, starts_on: date, row: DigestRow) -> float | None:
    """What an even pace would have brought by last night, where the target is far behind that."""
    goal, progress, due = float(row["goal"]), float(row["progress"]), row["due_on"]
    expected = even_pace(goal, starts_on, due, today - timedelta(days=1))
    if expected is None or today > due or expected < goal * FIRST_WORD or progress >= expected * AT_RISK:
        return None
    return expected


def _risk(at: Morning, row: DigestRow, expected: float) -> MessageRequest:
    year, week, _ = at.today.isocalendar()
    key = dedupe_key(TARGET_AT_RISK, at.campaign, None, [row["target"], str(row["goal"].normalize()), year, week])
    params = {
        "target": row["target"],
        "title": row["title"],
        "progress": float(row["progress"]),
        "goal": float(row["goal"]),
        "expected": round(expected),
        "percent": int(100 * row["progress"] / row["goal"]),
        "due_on": row["due_on"].isoformat(),
        "days_left": (row["due_on"] - at.today).days,
    }
    return MessageRequest(TARGET_AT_RISK, key, at.campaign, None, params)
