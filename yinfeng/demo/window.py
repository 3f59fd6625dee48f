"""The campaign's year, laid so that it ends about today."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone

SHANGHAI = timezone(timedelta(hours=8))
DAYS = 324
_LEAST_DAYS = 90
_BEFORE_DUE = timedelta(days=21)


@dataclass(frozen=True, slots=True)
class Window:
    """From `start` to the evening before `today` facts happen; `due_on` is when the targets are due."""

    start: date
    today: date
    due_on: date

    @property
    def opens(self) -> datetime:
        return datetime.combine(self.start, time(8, 30), SHANGHAI)

    @property
    def closes(self) -> datetime:
        return datetime.combine(self.today - timedelta(days=1), time(20), SHANGHAI)

    @property
    def days(self) -> int:
        return (self.today - self.start).days


def lay_window(today: date, start: date | None = None) -> Window:
    """The year that ends at `today`. Due at the year's end, or four weeks later when that is nearly here.

    Raises ValueError when `start` leaves less than 90 days.
    """
    start = start or today - timedelta(days=DAYS)
    if (today - start).days < _LEAST_DAYS:
        raise ValueError(f"the campaign must start at least {_LEAST_DAYS} days before today; choose an earlier start")
    new_year_eve = date(today.year, 12, 31)
    due_on = new_year_eve if new_year_eve - today >= _BEFORE_DUE else today + timedelta(days=28)
    return Window(start, today, due_on)


def waking_hours(moment: datetime) -> datetime:
    """The same day between 8:30 and 20:30. What was earlier stays earlier, since the day is only squeezed."""
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + timedelta(hours=8, minutes=30) + (moment - midnight) / 2
