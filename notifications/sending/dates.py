"""Moments and amounts as people read them, by Babel: with the weekday, in the time zone of the place."""

from __future__ import annotations

from datetime import date, datetime, time
from functools import cache, lru_cache
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_time, get_timezone_name
from babel.numbers import format_currency, format_decimal


@lru_cache(1024)
def day(value: str | date, locale: str) -> str:
    """`2026-07-01` → `2026年7月1日星期三` or `Wednesday, July 1, 2026`."""
    moment = date.fromisoformat(value) if isinstance(value, str) else value
    return format_date(moment, format="full", locale=_babel(locale))


@lru_cache(1024)
def moment(value: str | datetime, zone: ZoneInfo, locale: str) -> str:
    """A day with weekday, and the time on a clock of 24 hours there."""
    there = (datetime.fromisoformat(value) if isinstance(value, str) else value).astimezone(zone)
    return f"{day(there.date(), locale)} {_clock(there.time(), locale)}"


@lru_cache(1024)
def span(start: datetime, end: datetime, zone: ZoneInfo, locale: str) -> str:
    """From when to when; the day is named once where it is one."""
    begins, ends = start.astimezone(zone), end.astimezone(zone)
    if begins.date() == ends.date():
        return f"{moment(begins, zone, locale)}–{_clock(ends.time(), locale)}"
    return f"{moment(begins, zone, locale)} – {moment(ends, zone, locale)}"


def soon(at: datetime, now: datetime, zone: ZoneInfo, locale: str) -> str:
    """When something begins, as one says it on the day before: `明天 09:00`, `tomorrow at 09:00`."""
    there = at.astimezone(zone)
    days = (there.date() - now.astimezone(zone).date()).days
    if days not in (0, 1):
        return moment(at, zone, locale)
    return _SOON[locale][days].format(_clock(there.time(), locale))


def parse(value: str) -> datetime:
    """An RFC 3339 moment of a fact."""
    return datetime.fromisoformat(value)


@lru_cache(1024)
def number(value: float, locale: str) -> str:
    """`2000` → `2,000`."""
    return format_decimal(value, locale=_babel(locale))


def money(amount: float, currency: str, locale: str) -> str:
    """`1200` CNY → `¥1,200.00` or `CN¥1,200.00`."""
    return format_currency(amount, currency, locale=_babel(locale))


@lru_cache(1024)
def zone_name(at: datetime, zone: ZoneInfo, locale: str) -> str:
    """What the time zone is called then: `中国标准时间`, `Central European Summer Time`."""
    return get_timezone_name(at.astimezone(zone), width="long", locale=_babel(locale))


@lru_cache(2048)
def _clock(there: time, locale: str) -> str:
    return format_time(there, "HH:mm", locale=_babel(locale))


_SOON = {"zh-CN": ("今天 {}", "明天 {}"), "en": ("today at {}", "tomorrow at {}")}


@cache
def _babel(locale: str) -> Locale:
    return Locale.parse(locale, sep="-")
