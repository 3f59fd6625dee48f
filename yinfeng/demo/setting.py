"""What is said of the campaigns themselves: opened, employers, targets, openings. The targets are at the foot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from yinfeng.demo.diary import opening_id
from yinfeng.demo.events import Event, Posting, post_at_once
from yinfeng.demo.fates import WORLD, scaled
from yinfeng.demo.universities import CHAINS, EMPLOYERS
from yinfeng.demo.window import Window

_SOURCE = "/park/organizer"
_SPARE_SEATS = 10


class DemoNames(NamedTuple):
    """The campaigns' ids."""

    grads: str
    talents: str


class DemoTarget(NamedTuple):
    """A word on a target: its goal in the whole world, and after which part of the year it is said."""

    campaign: str
    target: str
    title: str
    measure: str
    goal: int
    after: float = 0.0
    where: Mapping[str, list[str]] | None = None


def setting_postings(
    names: DemoNames, window: Window, candidates: int, seats: Mapping[str, Mapping[str, int]]
) -> Iterator[Posting]:
    """Campaigns, openings and targets. `seats`: how many will accept an offer, by campaign and opening."""
    yield from _campaigns(names, window)
    for campaign in names:
        yield from _employers(campaign, window.opens + timedelta(minutes=5))
        yield from _openings(campaign, window.opens + timedelta(minutes=30), seats[campaign])
    for number, target in enumerate(TARGETS, start=1):
        campaign = getattr(names, target.campaign)
        at = window.opens + timedelta(minutes=10 + number) + (window.closes - window.opens) * target.after
        data = _target(target, campaign, window, candidates)
        yield post_at_once("target.set", _SOURCE, f"{campaign}:target:{number}", at, data)


def _campaigns(names: DemoNames, window: Window) -> Iterator[Posting]:
    year = window.due_on.year
    titles = (
        (names.grads, "graduates", f"{year}届高校毕业生招聘 Graduates {year}"),
        (names.talents, "projects", f"{year}年高层次人才与项目团队引进 Talents {year}"),
    )
    for campaign, kind, title in titles:
        data = {
            "campaign": campaign,
            "title": title,
            "organizer": "引凤产业园",
            "starts_on": window.start.isoformat(),
            "ends_on": window.due_on.isoformat(),
            "kind": kind,
            "timezone": "Asia/Shanghai",
            "locale": "zh-CN",
            "reply_to": "hr@park.example",
            "contact": "引凤产业园人才服务中心，0570-800 0000，工作日 9:00–17:00",
        }
        yield post_at_once("campaign.opened", _SOURCE, f"{campaign}:opened", window.opens, data)


def _employers(campaign: str, at: datetime) -> Iterator[Posting]:
    for number, (employer, particulars) in enumerate(EMPLOYERS.items(), start=1):
        data = {
            "campaign": campaign,
            "employer": employer,
            "name": particulars.name.zh,
            "name_en": particulars.name.en,
            "city": "衢州",
            "reply_to": f"hr@{employer}.example",
            "contact": f"{particulars.name.zh}招聘部，0570-800 {number:04d}",
        }
        yield post_at_once("employer.set", _SOURCE, f"{campaign}:employer:{employer}", at, data)


def _openings(campaign: str, at: datetime, seats: Mapping[str, int]) -> Iterator[Posting]:
    for employer, particulars in EMPLOYERS.items():
        for chain in particulars.chains:
            for place, position in enumerate(CHAINS[chain].positions):
                opening = opening_id(employer, chain, place)
                data = {
                    "campaign": campaign,
                    "opening": opening,
                    "employer": employer,
                    "position": position.zh,
                    "seats": seats.get(opening, 0) // 10 * 10 + _SPARE_SEATS,
                }
                yield post_at_once("opening.set", f"/hr/{employer}", f"{campaign}:{opening}", at, data)


def _target(target: DemoTarget, campaign: str, window: Window, candidates: int) -> Event:
    goal = round(target.goal * candidates / WORLD) if target.measure == "paid" else scaled(target.goal, candidates)
    return {
        "campaign": campaign,
        "target": target.target,
        "title": target.title.format(goal=goal, million=goal / 1_000_000, wan=f"{goal // 10_000:,}"),
        "measure": target.measure,
        "goal": goal,
        "due_on": window.due_on.isoformat(),
        "where": target.where and dict(target.where),
    }


TARGETS = (
    DemoTarget(
        "grads",
        "graduates",
        "华友录用高校毕业生 {goal} 名 · {goal} graduates for Huayou",
        "hired",
        2000,
        where={"education": ["bachelor", "master", "doctor"], "employer": ["huayou"]},
    ),
    DemoTarget("grads", "signups", "报名 {goal} 人 · {goal} signups", "signed_up", 7000),
    DemoTarget("grads", "fairs", "举办招聘会 {goal} 场 · {goal} fairs", "fairs_held", 60),
    DemoTarget(
        "talents",
        "doctors",
        "引进博士 {goal} 名 · {goal} doctors",
        "hired",
        67,
        where={"education": ["doctor"]},
    ),
    DemoTarget(
        "talents",
        "masters",
        "引进带项目团队的硕士 {goal} 名 · {goal} masters with project teams",
        "hired",
        59,
        where={"education": ["master"]},
    ),
    DemoTarget("talents", "paid", "兑现补贴 {wan} 万元 · {million:g} million yuan paid", "paid", 31_500_000),
    # Set late: it counts what already happened. Changed: the autumn went better than was hoped.
    DemoTarget("grads", "offers", "发放录用 {goal} 份 · {goal} offers", "offered", 3000, after=0.45),
    DemoTarget("grads", "signups", "报名 {goal} 人 · {goal} signups", "signed_up", 7400, after=0.6),
)
