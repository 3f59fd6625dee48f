"""What the clock and changed plans ask for: reminders of fairs, and word of fairs that moved or will not be. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from notifications.rules.quiet_hours import waking
from schemas.messages import FAIR_CANCELLED, FAIR_REMINDER, FAIR_RESCHEDULED

FairTold = dict[str, Any]
NOTICES: Final = {"24h": timedelta(hours=24), "2h": timedelta(hours=2)}
_NEWS: Final = ("starts_at", "ends_at", "venue", "city", "mode", "url")


@dataclass(frozen=True, slots=True)
class Notice:
    """A message to everybody who signed up for a fair; `reason` makes it one of its own."""

    kind: str
    reason: list[Any]
    params: dict[str, Any]


def summary(fair: Mapping[str, Any]) -> FairTold:
    """What people are told of a fair, as JSON values."""
    said = {name: fair[name] for name in _NEWS}
    moments = {name: said[name].isoformat() for name in ("starts_at", "ends_at")}
    return {**said, **moments, "cancelled": fair["cancelled"]}


def change_notice(fair: Mapping[str, Any], told: FairTold | None, notices: int) -> Notice | None:
    """The word to spread now that a fair stands so, when people were told `told` before; None for no news. `notices`:
    how often they were told of a change: what happens a second time is told a second time.

    A fair that was never told of is none: the confirmations of signups speak of it.
    """
    if told is None or summary(fair) == told:
        return None
    kind = FAIR_CANCELLED if fair["cancelled"] else FAIR_RESCHEDULED
    if fair["cancelled"] and told["cancelled"]:
        return None
    params = {"fair": fair["fair"], "before": told, **({"reason": fair["reason"]} if fair["reason"] else {})}
    return Notice(kind, [fair["fair"], notices + 1], params)


def reminders(
    fair: Mapping[str, Any], zone: ZoneInfo, now: datetime, sent: list[str]
) -> tuple[Notice | None, list[str]]:
    """The reminder that is due for a fair, if any, and what is settled by now: sent, or too late to send.

    Where two are due at once, the later one alone goes.
    """
    if fair["cancelled"] or now >= fair["starts_at"]:
        return None, sent
    due = [
        (name, f"{name}@{fair['starts_at'].isoformat()}")
        for name, ahead in NOTICES.items()
        if waking(fair["starts_at"] - ahead, fair["starts_at"], zone) <= now
    ]
    fresh = [(name, mark) for name, mark in due if mark not in sent]
    if not fresh:
        return None, sent
    name, mark = fresh[-1]
    notice = Notice(FAIR_REMINDER, [fair["fair"], mark], {"fair": fair["fair"], "notice": name})
    return notice, [*sent, *(mark for _, mark in fresh)]
