"""Numbers, money and dates as a reader of each language expects them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from dashboard.languages import Lang

Number = int | float | Decimal
_WAN: tuple[tuple[int, str], ...] = ((10**8, "亿元"), (10**4, "万元"))
_MILLIONS: tuple[tuple[int, str], ...] = ((10**9, "billion"), (10**6, "million"))

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Formats:
    """Formats of one language. `live.js` has the same rules for numbers, so that a bar that moved reads alike."""

    def __init__(self, lang: Lang) -> None:
        self._chinese = lang == "zh-CN"

    def number(self, value: Number) -> str:
        """2,000; what is not whole with at most two places."""
        text = f"{value:,.2f}"
        return text.rstrip("0").rstrip(".")

    def money(self, value: Number) -> str:
        """Renminbi, short: 3150 万元 or ¥31.5 million."""
        amount = Decimal(str(value))
        for unit, name in _WAN if self._chinese else _MILLIONS:
            if abs(amount) >= unit:
                short = f"{_short(amount / unit)} {name}"
                return short if self._chinese else f"¥{short}"
        return f"{self.number(value)} 元" if self._chinese else f"¥{self.number(value)}"

    def quantity(self, value: Number, measure: str) -> str:
        """A target's number: money where it counts money."""
        return self.money(value) if measure == "paid" else self.number(value)

    def percent(self, value: Number) -> str:
        """Of a hundred: 64%. Rounded down, so that nothing reads 100% before it is."""
        return f"{int(value)}%"

    def listed(self, values: Sequence[str]) -> str:
        """a, b or a、b."""
        return ("、" if self._chinese else ", ").join(values)

    def day(self, value: date) -> str:
        """31 Dec 2026, or 2026年12月31日."""
        if self._chinese:
            return f"{value.year}年{value.month}月{value.day}日"
        return f"{value.day} {_MONTHS[value.month - 1]} {value.year}"

    def short_day(self, value: date) -> str:
        """31 Dec, or 12月31日: where the year is known."""
        return f"{value.month}月{value.day}日" if self._chinese else f"{value.day} {_MONTHS[value.month - 1]}"

    def moment(self, value: datetime, timezone: str = "UTC") -> str:
        """A day with the time of day, there."""
        local = value.astimezone(ZoneInfo(timezone))
        return f"{self.day(local.date())} {local:%H:%M}"


def rounded(value: float) -> float:
    """A number as it is said: whole from ten on, with one place below."""
    return round(value) if abs(value) >= 10 else round(value, 1)


def _short(share: Decimal) -> str:
    """At most two places, and no more digits than say something: 31.5, 3150, 1.25."""
    text = f"{share:.2f}" if abs(share) < 100 else f"{share:.0f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
