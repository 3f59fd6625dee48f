"""Numbers, amounts and dates as a reader of each language writes them, by Babel and its CLDR data.

English is that of the world at large: the day before the month, as in 31 Dec 2026.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time
from decimal import Decimal
from functools import lru_cache
from typing import Final, Literal
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_skeleton, format_time, get_timezone_name
from babel.lists import format_list
from babel.numbers import format_compact_decimal, format_currency, format_decimal, format_percent

from schemas.texts import texts_of

Number = int | float | Decimal
Width = Literal["medium", "full"]  # 31 Dec 2026, or with the weekday
LOCALES: Final = {"en": "en_001", "zh-CN": "zh_CN"}  # as Babel calls our languages
# From where on an amount of money is said short, and how Babel calls that.
_SHORT: Final[dict[str, tuple[int, Literal["short", "long"]]]] = {"en": (10**6, "long"), "zh-CN": (10**4, "short")}


@lru_cache(4096)
def number(value: Number, lang: str) -> str:
    """2,000; what is not whole with at most two places."""
    return format_decimal(value, "#,##0.##", LOCALES[lang])


@lru_cache(1024)
def renminbi(value: Number, lang: str) -> str:
    """An amount of renminbi as one says it: 3150万元, ¥31.5 million; small ones to the last digit."""
    least, width = _SHORT[lang]
    size = -value if value < 0 else value
    short = format_compact_decimal(size, format_type=width, locale=LOCALES[lang], fraction_digits=2)
    said = short if size >= least else number(size, lang)
    return ("-" if value < 0 else "") + texts_of("schemas")(lang, "amount.renminbi", amount=said)


def price(amount: Number, currency: str, lang: str) -> str:
    """`1200` CNY → `¥1,200.00` or `CN¥1,200.00`: an amount to its last digit, in any currency."""
    return format_currency(amount, currency, locale=LOCALES[lang])


def percent(value: Number, lang: str) -> str:
    """Of a hundred: 64%. Rounded down, so that nothing reads 100% before it is."""
    return format_percent(Decimal(int(value)) / 100, locale=LOCALES[lang])


def listed(values: Sequence[str], lang: str) -> str:
    """a, b and c, or a、b和c."""
    return _listed(tuple(values), lang) if len(values) > 1 else "".join(values)


@lru_cache(1024)
def _listed(values: tuple[str, ...], lang: str) -> str:
    return format_list(values, locale=LOCALES[lang])


@lru_cache(4096)
def day(value: date, lang: str, width: Width = "medium") -> str:
    """31 Dec 2026 or 2026年12月31日; `full`: Thursday, 31 December 2026 or 2026年12月31日星期四."""
    return format_date(value, width, LOCALES[lang])


@lru_cache(1024)
def short_day(value: date, lang: str) -> str:
    """31 Dec, or 12月31日: where the year is known."""
    return format_skeleton("MMMd", value, locale=LOCALES[lang])


@lru_cache(2048)
def clock(there: time, lang: str) -> str:
    """09:30, on a clock of 24 hours."""
    return format_time(there, "HH:mm", locale=LOCALES[lang])


def moment(value: datetime, zone: ZoneInfo, lang: str, width: Width = "medium") -> str:
    """A day with the time of day, there."""
    there = value.astimezone(zone)
    return f"{day(there.date(), lang, width)} {clock(there.time(), lang)}"


def span(start: datetime, end: datetime, zone: ZoneInfo, lang: str, width: Width = "medium") -> str:
    """From when to when; the day is named once where it is one."""
    begins, ends = start.astimezone(zone), end.astimezone(zone)
    if begins.date() == ends.date():
        return f"{moment(begins, zone, lang, width)}–{clock(ends.time(), lang)}"
    return f"{moment(begins, zone, lang, width)} – {moment(ends, zone, lang, width)}"


@lru_cache(1024)
def zone_name(at: datetime, zone: ZoneInfo, lang: str) -> str:
    """What the time zone is called then: `中国标准时间`, `Central European Summer Time`."""
    return get_timezone_name(at.astimezone(zone), width="long", locale=LOCALES[lang])
