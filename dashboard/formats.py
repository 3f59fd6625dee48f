"""Numbers, money and dates on pages: the rules of `schemas/formats.py` for one language."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from dashboard.languages import Lang
from schemas import formats
from schemas.formats import Number

_MOMENTS: Final = frozenset({"starts_at", "ends_at", "expires_at"})
_DAYS: Final = frozenset({"starts_on", "ends_on", "due_on", "start_on", "started_on", "ended_on", "until"})


class Formats:
    """Formats of one language."""

    def __init__(self, lang: Lang) -> None:
        self._lang = lang

    def number(self, value: Number) -> str:
        """2,000; what is not whole with at most two places."""
        return formats.number(value, self._lang)

    def money(self, value: Number) -> str:
        """Renminbi, short: 3150万元 or ¥31.5 million."""
        return formats.renminbi(value, self._lang)

    def quantity(self, value: Number, measure: str) -> str:
        """A target's number: money where it counts money."""
        return self.money(value) if measure == "paid" else self.number(value)

    def percent(self, value: Number) -> str:
        """Of a hundred: 64%, rounded down."""
        return formats.percent(value, self._lang)

    def listed(self, values: Sequence[str]) -> str:
        """a, b and c, or a、b和c."""
        return formats.listed(values, self._lang)

    def day(self, value: date) -> str:
        """31 Dec 2026, or 2026年12月31日."""
        return formats.day(value, self._lang)

    def day_of(self, value: datetime, timezone: str) -> str:
        """The day that it is then, there."""
        return self.day(value.astimezone(ZoneInfo(timezone)).date())

    def short_day(self, value: date) -> str:
        """31 Dec, or 12月31日: where the year is known."""
        return formats.short_day(value, self._lang)

    def moment(self, value: datetime, timezone: str = "UTC") -> str:
        """A day with the time of day, there."""
        return formats.moment(value, ZoneInfo(timezone), self._lang)

    def dated(self, key: str, value: Any, timezone: str = "UTC") -> str | None:
        """What a fact says under this key, where that is a day or a moment (RFC 3339)."""
        if not isinstance(value, str):
            return None
        if key in _MOMENTS:
            return self.moment(datetime.fromisoformat(value.upper()), timezone)
        return self.day(date.fromisoformat(value)) if key in _DAYS else None


def rounded(value: float) -> float:
    """A number as it is said: whole from ten on, with one place below."""
    return round(value) if abs(value) >= 10 else round(value, 1)
