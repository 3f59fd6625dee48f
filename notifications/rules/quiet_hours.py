"""When people may be written to: waking hours, by the clock on the wall of the fair's or campaign's place. Pure.

Clocks are moved in whole local days, so that daylight saving changes no hour that anybody reads.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

MORNING: Final = time(8)
NIGHT: Final = time(21)
EVENING: Final = time(20)


def is_quiet(moment: datetime, zone: ZoneInfo) -> bool:
    """Between 21:00 and 08:00 there."""
    local = moment.astimezone(zone).time()
    return local >= NIGHT or local < MORNING


def next_morning(moment: datetime, zone: ZoneInfo) -> datetime:
    """The next 08:00 there."""
    local = moment.astimezone(zone)
    day = local.date() + timedelta(days=local.time() >= MORNING)
    return datetime.combine(day, MORNING, zone)


def waking(due: datetime, deadline: datetime, zone: ZoneInfo) -> datetime:
    """When to say what is due then: at that time, or in the morning after where that is before the deadline,
    or else in the evening before."""
    if not is_quiet(due, zone):
        return due
    morning = next_morning(due, zone)
    if morning < deadline:
        return morning
    local = due.astimezone(zone)
    evening = datetime.combine(local.date(), EVENING, zone)
    return evening if evening <= local else datetime.combine(local.date() - timedelta(days=1), EVENING, zone)
