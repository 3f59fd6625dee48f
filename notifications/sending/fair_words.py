"""A fair in words, for mails, tickets and calendars alike. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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


def _when(row: Mapping[str, Any], zone: ZoneInfo, locale: str) -> str:
    """With the time zone's name where people may take part from another."""
    span = dates.span(row["starts_at"], row["ends_at"], zone, locale)
    if row["mode"] == "onsite":
        return span
    return _OF_ZONE[locale].format(span, dates.zone_name(row["starts_at"], zone, locale))


_MODES = {
    "zh-CN": {"onsite": "线下", "online": "线上", "hybrid": "线上线下同步"},
    "en": {"onsite": "on site", "online": "online", "hybrid": "on site and online"},
}
_OF_ZONE = {"zh-CN": "{}（{}）", "en": "{} ({})"}
_PLACES: dict[str, Callable[[str | None, str | None], str]] = {
    "zh-CN": lambda venue, city: " ".join(filter(None, [city, venue])),
    "en": lambda venue, city: ", ".join(filter(None, [venue, city])),
}
