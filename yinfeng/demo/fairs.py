"""The campaign's job fairs: at universities, online, or both. One is cancelled and one rescheduled."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random

from yinfeng.demo.events import Event, Posting, post_at_once, stamp
from yinfeng.demo.universities import CHAINS, CHINESE, EMPLOYERS, FOREIGN, School
from yinfeng.demo.window import SHANGHAI, Window

NEXT_FAIR = "next-fair"
_NEXT_AFTER = timedelta(days=7)
_NOTICE = timedelta(days=28)
_DELAY = timedelta(days=7)
_MODES = ("onsite",) * 6 + ("online",) * 3 + ("hybrid",)
_HOURS = {
    "onsite": (time(9), time(16, 30)),
    "online": (time(14), time(17)),
    "hybrid": (time(9, 30), time(16)),
}
# Spring and autumn are the recruiting seasons; nobody holds fairs in the holidays.
_MONTHS = {1: 2, 2: 1, 3: 8, 4: 8, 5: 6, 6: 3, 7: 1, 8: 1, 9: 6, 10: 8, 11: 8, 12: 4}
_WEEKDAYS = (1, 2, 3, 2, 3, 5, 1)


@dataclass(frozen=True, slots=True)
class DemoFair:
    """A fair as it was held, or as it stood when it was cancelled. `host` None: the park itself."""

    id: str
    title: str
    mode: str
    host: School | None
    starts_at: datetime
    ends_at: datetime
    scheduled_at: datetime
    capacity: int
    cost: int
    employers: tuple[str, ...]
    cancelled: bool = False
    rescheduled: bool = False


def plan_fairs(rng: Random, held: int, window: Window) -> list[DemoFair]:
    """`held` fairs that take place and one that is cancelled, in the order of their days."""
    days = _pick_days(rng, held + 1, window)
    cancelled, rescheduled = held // 2, held // 3
    return [
        _plan(rng, number, day, window, cancelled=number == cancelled, rescheduled=number == rescheduled)
        for number, day in enumerate(days)
    ]


def next_fair(window: Window) -> DemoFair:
    """The fair after the story's end, to which whoever looks may sign up."""
    day, (opens, closes) = window.today + _NEXT_AFTER, _HOURS["onsite"]
    host = CHINESE[0]
    return DemoFair(
        id=NEXT_FAIR,
        title=f"{host.name}双选会",
        mode="onsite",
        host=host,
        starts_at=datetime.combine(day, opens, SHANGHAI),
        ends_at=datetime.combine(day, closes, SHANGHAI),
        scheduled_at=window.closes,
        capacity=300,
        cost=12000,
        employers=tuple(sorted(EMPLOYERS)[:4]),
    )


def fair_postings(fair: DemoFair, campaign: str) -> list[Posting]:
    """Everything that was said about a fair."""
    source = "/park/organizer"
    first = fair.starts_at - _DELAY if fair.rescheduled else fair.starts_at
    said = [("fair.scheduled", fair.scheduled_at, _particulars(fair, campaign, first - fair.starts_at))]
    if fair.rescheduled:
        moved_at = max(fair.scheduled_at + timedelta(hours=2), first - timedelta(days=3))
        said.append(("fair.scheduled", moved_at, _particulars(fair, campaign, timedelta())))
    if fair.cancelled:
        notice = {"campaign": campaign, "fair": fair.id, "reason": "台风预警，活动取消"}
        said.append(("fair.cancelled", fair.starts_at - timedelta(hours=26), notice))
    return [
        post_at_once(type, source, f"{campaign}:{fair.id}:{number}", at, data)
        for number, (type, at, data) in enumerate(said, start=1)
    ]


def _pick_days(rng: Random, count: int, window: Window) -> list[date]:
    # The first fair leaves a fortnight for signups, the last one two days for what comes after it.
    days = [window.start + timedelta(days=n) for n in range(16, window.days - 2)]
    by_luck = sorted(days, key=lambda day: rng.random() ** (1 / (_MONTHS[day.month] * _WEEKDAYS[day.weekday()])))
    return sorted(by_luck[-count:])


def _plan(rng: Random, number: int, day: date, window: Window, *, cancelled: bool, rescheduled: bool) -> DemoFair:
    mode = _MODES[number * 7 % len(_MODES)]
    title, host = _title(rng, mode, number)
    opens, closes = _HOURS[mode]
    starts_at = datetime.combine(day, opens, SHANGHAI)
    notice = _NOTICE + _DELAY if rescheduled else _NOTICE
    return DemoFair(
        id=f"fair-{number + 1:02d}",
        title=title,
        mode=mode,
        host=host,
        starts_at=starts_at,
        ends_at=datetime.combine(day, closes, SHANGHAI),
        scheduled_at=max(starts_at - notice, window.opens + timedelta(days=1, minutes=number)),
        capacity=rng.choice((300, 500, 800, 1200)),
        cost=rng.randrange(1000, 5000, 100) if mode == "online" else rng.randrange(8000, 40000, 500),
        employers=("huayou", *sorted(rng.sample(sorted(EMPLOYERS.keys() - {"huayou"}), k=rng.randint(1, 3)))),
        cancelled=cancelled,
        rescheduled=rescheduled,
    )


def _title(rng: Random, mode: str, number: int) -> tuple[str, School | None]:
    if mode != "online":
        host = rng.choices(CHINESE, weights=[school.weight for school in CHINESE])[0]
        return f"{host.name}{'双选会' if mode == 'onsite' else '双选会（线上同步）'}", host
    if number % 2:
        host = rng.choices(FOREIGN, weights=[school.weight for school in FOREIGN])[0]
        return f"{host.name} online fair 海外学子云聘会", host
    chain = tuple(CHAINS.values())[number // 2 % len(CHAINS)]
    return f"{chain.name.zh}产业链线上招聘会", None


def _particulars(fair: DemoFair, campaign: str, shift: timedelta) -> Event:
    onsite = fair.host is not None and fair.mode != "online"
    return {
        "campaign": campaign,
        "fair": fair.id,
        "title": fair.title,
        "mode": fair.mode,
        "starts_at": stamp(fair.starts_at + shift),
        "ends_at": stamp(fair.ends_at + shift),
        "venue": "大学生活动中心" if onsite else None,
        "city": fair.host.city if fair.host and onsite else None,
        "url": None if fair.mode == "onsite" else f"https://fairs.example.com/{fair.id}",
        "capacity": fair.capacity,
        "employers": list(fair.employers),
        "cost": fair.cost,
    }
