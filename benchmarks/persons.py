"""Candidates to measure lists with: names as unequally common as they are, and all that lists are narrowed by."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from schemas.journey import Hire, Interview, Journey, Offer, Terms, Word
from tests.facts import CAMPAIGN, event

OPENS: Final = datetime(2026, 5, 1, tzinfo=UTC)
FAIRS: Final = 200
EMPLOYERS: Final = 300
HEARD, UNHEARD = "heard", "unheard"  # employers that take part in the second and in the first fair, and no other
HIRER: Final = "hirer"  # the key by which all employers say what they say
_TWINS: Final = 1000  # one in so many has the telephone number of the one before
_START: Final = 1_772_000_000_000_000
_SURNAMES: Final = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗高郑梁谢宋唐许邓韩冯曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢姚"
    "沈钟姜崔谭陆范汪廖石金韦贾夏付方邹熊白孟秦邱侯江尹薛闫段雷龙黎史陶贺毛郝顾龚邵万覃武钱戴严欧莫孔向汤亓"
)
_GIVEN: Final = (
    "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰红梅建国文辉思雨子轩浩然欣怡梓涵诗琪宇航俊熙嘉豪雅婷晨曦"
)

_encode: Final = msgspec.json.Encoder().encode


def id_of(n: int) -> str:
    return f"p{n:07}"


def around() -> list[dict[str, Any]]:
    """What is said of their campaign's fairs and employers."""
    times = {"starts_at": "2026-04-01T09:00:00+08:00", "ends_at": "2026-04-01T17:00:00+08:00"}
    there = {0: [UNHEARD], 1: [HEARD, "e200"]}
    fairs = [
        event(
            "fair.scheduled", fair=f"f{n}", title=f"第{n}场双选会", mode="onsite", employers=there.get(n, []), **times
        )
        for n in range(FAIRS)
    ]
    named = [*(f"e{n}" for n in range(EMPLOYERS)), HEARD, UNHEARD]
    return fairs + [event("employer.set", employer=each, name=f"{each}公司") for each in named]


def said_by(n: int) -> dict[str, str]:
    """What a person is called and how they are reached."""
    return {"name": _name(n), "phone": f"138{n - n % _TWINS // (_TWINS - 1):08}", "email": f"p{n}@example.com"}


def _name(n: int) -> str:
    """Surnames are as unlike in number as they are: the first of them far ahead of the last."""
    mixed = (n * 2_654_435_761) % 2**32
    share = (mixed % 9973) / 9973
    surname = _SURNAMES[int(share**3 * (len(_SURNAMES) - 1))] if mixed % 4001 else "亓"
    first, second = (mixed // 9973) % len(_GIVEN), (mixed // 613) % len(_GIVEN)
    return surname + _GIVEN[first] + (_GIVEN[second] if mixed % 5 else "")


def journey_of(n: int) -> Journey:
    """Those at the first fair agreed to nothing."""
    at = (_START + n * 1_000_000, "/bench", f"s{n}")
    journey = Journey(first_signup=at[0], last_signup=at, told=dict.fromkeys(said_by(n), at))
    fair = f"f{int((n * 7919 % 10_000 / 10_000) ** 2 * FAIRS)}"
    journey.fairs, journey.signups = {fair: at[0]}, {fair: [at]}
    for name, value in _particulars(n).items():
        journey.attributes[name] = Word(at, value)
    if fair != "f0":
        journey.attributes["consent"] = Word(at, True)
    employer = f"e{n * 31 % EMPLOYERS}"
    if n % 4 == 0:
        journey.interviews[employer] = Interview(at[0], Word(at, "passed" if n % 8 else "failed"))
    if n % 10 == 0:
        ends = (OPENS + timedelta(days=n // 10 % 3650)).isoformat()
        status = "accepted" if n % 20 == 0 else "extended"
        journey.offers[f"o{n}"] = Offer(Word(at, status), Terms(at, employer, "p", expires_at=ends))
    if n % 50 == 0:
        journey.hires[employer] = Hire(Word(at, "started"))
    return journey


def _particulars(n: int) -> dict[str, str | int]:
    return {
        "education": "doctor" if n % 40 == 0 else ("master", "bachelor", "associate")[n % 3],
        "school": f"学校{int((n * 104_729 % 100_003 / 100_003) ** 2 * 500)}",
        "chain": f"chain{n % 6}",
        "graduation_year": 2020 + n % 7,
    }


def fact_rows(n: int, journey: Journey, poster: str) -> Iterator[tuple[Any, ...]]:
    """The interviews as the ledger holds them: of all that is said of an employer and somebody, the part that is said
    first."""
    for employer in journey.interviews:
        at = datetime.fromtimestamp(_START / 1e6 + n, UTC)
        kept = {"data": {"employer": employer}, "+": "Z"}
        source = f"/employers/{employer}"
        yield source, f"i{n}", "candidate.interviewed", CAMPAIGN, id_of(n), at, _encode(kept).decode(), poster
