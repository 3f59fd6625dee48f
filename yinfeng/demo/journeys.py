"""The steps that fates are made of, and how one candidate walks them. The table is at the foot."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

from yinfeng.demo.diary import Diary
from yinfeng.demo.events import stamp
from yinfeng.demo.window import waking_hours

_DOUBLE_FORM = 0.015
_CORRECTED = 0.015
_DOUBLE_SCAN = 0.02
_WALK_IN = 0.15
_HURRIED = 0.35


class DemoStep(NamedTuple):
    """What is done, and how many days after the step before (from, to)."""

    act: Callable[[Diary, datetime], None]
    least: float
    most: float


def walk(diary: Diary, steps: tuple[str, ...], until: datetime) -> None:
    """Write a journey into the diary. Signup and check-in keep to the fair's hours; the steps after them
    keep their order, hurried where time would run out."""
    rest = [name for name in steps if name not in ("sign_up", "check_in")]
    _sign_up(diary, walk_in="check_in" in steps and diary.rng.random() < _WALK_IN)
    if "check_in" in steps and diary.fair:
        _check_in(diary)
    gaps = [diary.rng.uniform(STEPS[name].least, STEPS[name].most) for name in rest]
    # The hurried ones end on different days, lest the last evening see them all.
    left = (until - diary.now) / timedelta(days=1) * diary.rng.uniform(_HURRIED, 1)
    hurry = min(1.0, left / (sum(gaps) or 1.0))
    for name, gap in zip(rest, gaps, strict=True):
        diary.now += timedelta(days=gap * hurry)
        STEPS[name].act(diary, waking_hours(diary.now))


def _sign_up(diary: Diary, *, walk_in: bool) -> None:
    fair, rng = diary.fair, diary.rng
    if fair and walk_in:
        diary.now = fair.starts_at + (fair.ends_at - fair.starts_at) * rng.uniform(0, 0.5)
        _fill_in_form(diary, diary.now)
        return
    if fair:
        earliest = max(fair.scheduled_at, fair.starts_at - timedelta(days=20))
        eve = fair.starts_at.replace(hour=0, minute=0)
        diary.now = earliest + (eve - earliest) * rng.random()
    _fill_in_form(diary, waking_hours(diary.now))


def _fill_in_form(diary: Diary, at: datetime) -> None:
    rng, source = diary.rng, f"/forms/{diary.campaign}"
    data = {"fair": diary.fair.id if diary.fair else None, "consent": True}
    if rng.random() < _CORRECTED:
        wrong = diary.person
        diary.person = wrong.corrected()
        diary.say("candidate.signed_up", source, at, **wrong.said(), **data)
        at += timedelta(minutes=rng.uniform(5, 40))
    diary.say("candidate.signed_up", source, at, **diary.person.said(), **data)
    if rng.random() < _DOUBLE_FORM:
        at += timedelta(seconds=rng.randint(2, 90))
        diary.say("candidate.signed_up", source, at, **diary.person.said(), **data)


def _check_in(diary: Diary) -> None:
    assert diary.fair
    fair, rng = diary.fair, diary.rng
    arrived = fair.starts_at + (fair.ends_at - fair.starts_at) * rng.uniform(0.01, 0.7)
    at = max(arrived, diary.now + timedelta(minutes=2))
    diary.say("candidate.checked_in", f"/fairs/{fair.id}/gate", at, fair=fair.id)
    if rng.random() < _DOUBLE_SCAN:
        diary.say_again(timedelta(seconds=rng.randint(1, 20)))
    diary.now = fair.ends_at


def _sign_up_again(diary: Diary, at: datetime) -> None:
    diary.say("candidate.signed_up", f"/forms/{diary.campaign}", at, name=diary.person.name, consent=True)


def _interview(outcome: str) -> Callable[[Diary, datetime], None]:
    def act(diary: Diary, at: datetime) -> None:
        position = diary.position.in_locale(diary.person.locale)
        said = {"employer": diary.desk, "position": position, "outcome": outcome}
        diary.say("candidate.interviewed", diary.office, at, **said)

    return act


def _offer(diary: Diary, at: datetime) -> None:
    diary.offers += 1
    diary.say(
        "offer.extended",
        diary.office,
        at,
        offer=diary.offer,
        employer=diary.desk,
        position=diary.position.in_locale(diary.person.locale),
        opening=diary.opening,
        expires_at=stamp(at + timedelta(days=14)),
        city="衢州",
    )


def _expire(diary: Diary, at: datetime) -> None:
    diary.last["data"]["expires_at"] = stamp(at)


def _accept(diary: Diary, at: datetime) -> None:
    diary.say("offer.accepted", "/portal/offers", at, offer=diary.offer)


def _decline(diary: Diary, at: datetime) -> None:
    reason = diary.rng.choice(("已签约其他单位", "继续深造", "工作地点不合适"))
    diary.say("offer.declined", "/portal/offers", at, offer=diary.offer, reason=reason)


def _rescind(diary: Diary, at: datetime) -> None:
    diary.say("offer.rescinded", diary.office, at, offer=diary.offer, reason="职位取消")


def _hire(diary: Diary, at: datetime) -> None:
    diary.say(
        "hire.started",
        diary.office,
        at,
        employer=diary.desk,
        position=diary.position.in_locale(diary.person.locale),
        offer=diary.offer if diary.offers else None,
        started_on=at.date().isoformat(),
    )


def _end(diary: Diary, at: datetime) -> None:
    ended_on = at.date().isoformat()
    diary.say("hire.ended", diary.office, at, employer=diary.desk, ended_on=ended_on, reason="未报到")


def _withdraw(diary: Diary, at: datetime) -> None:
    reason = diary.rng.choice(("考取研究生", "考取公务员", "个人原因"))
    diary.say("candidate.withdrew", f"/forms/{diary.campaign}", at, reason=reason)


def _retract(diary: Diary, at: datetime) -> None:
    wrong = diary.last
    said = {"source": wrong["source"], "id": wrong["id"], "reason": "登记到了另一个人名下"}
    diary.say("fact.retracted", "/park/organizer", at, **said)


def _erase(diary: Diary, at: datetime) -> None:
    diary.say("candidate.erased", "/park/privacy", at)


def _go_to_rival(diary: Diary, at: datetime) -> None:
    diary.desk = diary.rng.choice(diary.rivals())


def _come_back(diary: Diary, at: datetime) -> None:
    diary.desk = diary.employer


STEPS = {
    "sign_up_again": DemoStep(_sign_up_again, 0.5, 3),
    "interview": DemoStep(_interview("passed"), 0.05, 5),
    "fail": DemoStep(_interview("failed"), 0.05, 5),
    "pend": DemoStep(_interview("pending"), 0.05, 5),
    "offer": DemoStep(_offer, 1, 8),
    "expire": DemoStep(_expire, 7, 10),
    "accept": DemoStep(_accept, 0.5, 6),
    "decline": DemoStep(_decline, 0.5, 6),
    "rescind": DemoStep(_rescind, 1, 6),
    "hire": DemoStep(_hire, 7, 50),
    "end": DemoStep(_end, 1, 6),
    "withdraw": DemoStep(_withdraw, 0.5, 8),
    "retract": DemoStep(_retract, 0.02, 0.2),
    "erase": DemoStep(_erase, 5, 40),
    "go_to_rival": DemoStep(_go_to_rival, 0, 0),
    "come_back": DemoStep(_come_back, 0, 0),
}
