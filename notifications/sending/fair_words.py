"""A fair in words, for mails, tickets and calendars alike. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from notifications.sending import dates
from notifications.sending.situation import Values


def described(row: Mapping[str, Any], zone: ZoneInfo, locale: str) -> Values:
    """What is said of a fair, whose stored row this is: `title`, `when`, `place`, `mode`, `onsite`, `url`,
    `cancelled`."""
    return {
        "title": row["title"],
        "when": _when(row, zone, locale),
        "place": _PLACES[locale](row["venue"], row["city"]),
        "mode": _MODES[locale][row["mode"]],
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
    changed = [name for name in _CHANGED[locale] if was[name] != now[name] and now[name]]
    return [_CHANGED[locale][name].format(was[name] or _NOTHING[locale], now[name]) for name in changed]


def _when(row: Mapping[str, Any], zone: ZoneInfo, locale: str) -> str:
    """With the time zone's name where people may take part from another."""
    span = dates.span(row["starts_at"], row["ends_at"], zone, locale)
    if row["mode"] == "onsite":
        return span
    return _OF_ZONE[locale].format(span, dates.zone_name(row["starts_at"], zone, locale))


_TOLD = ("venue", "city", "mode", "url")
_NOTHING = {"zh-CN": "未定", "en": "none"}
_CHANGED = {
    "zh-CN": {
        "when": "时间由 {} 改为 {}。",
        "place": "地点由 {} 改为 {}。",
        "mode": "形式由{}改为{}。",
        "url": "网址由 {} 改为 {}",
    },
    "en": {
        "when": "The time changed from {} to {}.",
        "place": "The place changed from {} to {}.",
        "mode": "It was {}, and is {} now.",
        "url": "The link changed from {} to {}",
    },
}
_MODES = {
    "zh-CN": {"onsite": "线下", "online": "线上", "hybrid": "线上线下同步"},
    "en": {"onsite": "on site", "online": "online", "hybrid": "on site and online"},
}
_OF_ZONE = {"zh-CN": "{}（{}）", "en": "{} ({})"}
_PLACES: dict[str, Callable[[str | None, str | None], str]] = {
    "zh-CN": lambda venue, city: " ".join(filter(None, [city, venue])),
    "en": lambda venue, city: ", ".join(filter(None, [venue, city])),
}
