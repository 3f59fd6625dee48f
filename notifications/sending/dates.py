"""Days and moments in mails: the rules of `schemas/formats.py`, with the weekday, in the time zone of the place."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from notifications.sending.words import words
from schemas import formats
from schemas.formats import number, zone_name
from schemas.formats import price as money

__all__ = ["day", "moment", "money", "number", "parse", "soon", "span", "zone_name"]


def day(value: str | date, locale: str) -> str:
    """`2026-07-01` → `2026年7月1日星期三` or `Wednesday, 1 July 2026`."""
    return formats.day(date.fromisoformat(value) if isinstance(value, str) else value, locale, "full")


def moment(value: str | datetime, zone: ZoneInfo, locale: str) -> str:
    """A day with weekday, and the time on a clock of 24 hours there."""
    return formats.moment(parse(value) if isinstance(value, str) else value, zone, locale, "full")


def span(start: datetime, end: datetime, zone: ZoneInfo, locale: str) -> str:
    """From when to when; the day is named once where it is one."""
    return formats.span(start, end, zone, locale, "full")


def soon(at: datetime, now: datetime, zone: ZoneInfo, locale: str) -> str:
    """When something begins, as one says it on the day before: `明天 09:00`, `tomorrow at 09:00`."""
    there = at.astimezone(zone)
    days = (there.date() - now.astimezone(zone).date()).days
    if days not in (0, 1):
        return moment(at, zone, locale)
    return words(locale, "soon.tomorrow" if days else "soon.today", time=formats.clock(there.time(), locale))


def parse(value: str) -> datetime:
    """An RFC 3339 moment of a fact."""
    return datetime.fromisoformat(value)
