"""A fair as a calendar file (iCalendar, RFC 5545), which a calendar takes over and later updates. Pure.

The library is loaded with the first file: it is much for who writes none.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from icalendar import Alarm, Event, Timezone

FILE_NAME: Final = "fair.ics"
REMIND_BEFORE: Final = timedelta(hours=2)
PRODUCT: Final = "-//Yinfeng//Fairs//EN"


@dataclass(frozen=True, slots=True)
class FairEvent:
    """What a calendar is told of a fair. `uid` is the same for ever; a greater `sequence` replaces a smaller one;
    `zone` is the name of the time zone that it is shown in."""

    uid: str
    sequence: int
    title: str
    starts_at: datetime
    ends_at: datetime
    zone: str
    place: str
    url: str | None
    description: str
    cancelled: bool


@lru_cache(maxsize=256)
def calendar_file(fair: FairEvent, now: datetime) -> bytes:
    """The file, in UTF-8. The same for the same fair and moment, whoever gets it."""
    import icalendar  # noqa: PLC0415

    calendar = icalendar.Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("method", "CANCEL" if fair.cancelled else "PUBLISH")
    calendar.add_component(_event(fair, now))
    years = (date(fair.starts_at.year - 1, 1, 1), date(fair.ends_at.year + 2, 1, 1))
    for place, name in enumerate(sorted(calendar.get_missing_tzids())):
        calendar.subcomponents.insert(place, _timezone(name, *years))
    return bytes(calendar.to_ical())


def _event(fair: FairEvent, now: datetime) -> Event:
    import icalendar  # noqa: PLC0415

    event = icalendar.Event()
    event.add("uid", fair.uid)
    event.add("sequence", fair.sequence)
    event.add("dtstamp", now.astimezone(UTC).replace(microsecond=0))
    event.add("dtstart", _there(fair.starts_at, fair.zone))
    event.add("dtend", _there(fair.ends_at, fair.zone))
    event.add("summary", fair.title)
    event.add("description", fair.description)
    event.add("status", "CANCELLED" if fair.cancelled else "CONFIRMED")
    if fair.place:
        event.add("location", fair.place)
    if fair.url:
        event.add("url", fair.url)
    if not fair.cancelled:
        event.add_component(_alarm(fair.title))
    return event


def _alarm(title: str) -> Alarm:
    import icalendar  # noqa: PLC0415

    alarm = icalendar.Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("trigger", -REMIND_BEFORE)
    alarm.add("description", title)
    return alarm


def _there(moment: datetime, zone: str) -> datetime:
    """The moment on the clock of that zone. Of an hour that comes twice, only UTC can tell the second."""
    there = moment.astimezone(ZoneInfo(zone)).replace(microsecond=0)
    return there.astimezone(UTC) if there.fold else there


@lru_cache(maxsize=64)
def _timezone(name: str, first: date, last: date) -> Timezone:
    """Its clock changes between two days: ten milliseconds of work where there are none."""
    import icalendar  # noqa: PLC0415

    return icalendar.Timezone.from_tzid(name, first_date=first, last_date=last)
