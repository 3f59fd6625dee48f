"""A fair in words, for mails, tickets and calendars alike. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from notifications.sending import dates
from notifications.sending.situation import Values
from notifications.sending.words import words


def described(row: Mapping[str, Any], zone: ZoneInfo, locale: str) -> Values:
    """What is said of a fair, whose stored row this is: `title`, `when`, `place`, `mode`, `onsite`, `url`,
    `cancelled`."""
    return {
        "title": row["title"],
        "when": _when(row, zone, locale),
        "place": _place(row["venue"], row["city"], locale),
        "mode": words(locale, f"fair.mode.{row['mode']}"),
        "onsite": row["mode"] != "online",
        "url": row["url"],
        "cancelled": row["cancelled"],
    }


def changes(before: Mapping[str, Any], row: Mapping[str, Any], zone: ZoneInfo, locale: str) -> list[str]:
    """From what to what a fair changed, in sentences. `before`: what was told of it, as JSON values."""
    earlier = dict(row) | {name: before[name] for name in _TOLD if name in before}
    for name in ("starts_at", "ends_at"):
        earlier[name] = datetime.fromisoformat(before[name]) if before.get(name) else row[name]
    was, now = described(earlier, zone, locale), described(row, zone, locale)
    nothing = words(locale, "fair.nothing")
    return [
        words(locale, f"fair.changed.{name}", before=was[name] or nothing, now=now[name])
        for name in _CHANGED
        if was[name] != now[name] and now[name]
    ]


def _place(venue: str | None, city: str | None, locale: str) -> str:
    return words(locale, "fair.place", venue=venue, city=city) if venue and city else venue or city or ""


def _when(row: Mapping[str, Any], zone: ZoneInfo, locale: str) -> str:
    """With the time zone's name where people may take part from another."""
    span = dates.span(row["starts_at"], row["ends_at"], zone, locale)
    if row["mode"] == "onsite":
        return span
    return words(locale, "fair.when", span=span, zone=dates.zone_name(row["starts_at"], zone, locale))


_TOLD = ("venue", "city", "mode", "url")
_CHANGED = ("when", "place", "mode", "url")
