"""The list of candidates where there are a million of them: every way to narrow it, and to search; and who of them may
be the same person."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sized
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

from benchmarks.running import database, home
from schemas.journey import Hire, Interview, Journey, Offer, Terms, Word
from storage.database import Conn, connect
from storage.journeys import people
from storage.journeys.journeys import Stored, store
from storage.journeys.people import Wanted
from storage.vault import duplicates
from storage.vault.persons import SEARCHED
from storage.vault.process import vault
from storage.vault.searching import found_by
from streams.domain.measures import milestones
from tests.facts import CAMPAIGN

CANDIDATES: Final = 1_000_000
PORTION: Final = 5000
TWINS: Final = 1000  # one in so many has the telephone number of the one before
TRIES: Final = 7
A_PAGE: Final = 101
PLACES: Final = ("", "p0500000")
Look = Callable[[], Awaitable[Sized]]
_START: Final = 1_772_000_000_000_000
_OPENS: Final = datetime(2026, 5, 1, tzinfo=UTC)
_SURNAMES: Final = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗高郑梁谢宋唐许邓韩冯曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢姚"
    "沈钟姜崔谭陆范汪廖石金韦贾夏付方邹熊白孟秦邱侯江尹薛闫段雷龙黎史陶贺毛郝顾龚邵万覃武钱戴严欧莫孔向汤亓"
)
_GIVEN: Final = (
    "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰红梅建国文辉思雨子轩浩然欣怡梓涵诗琪宇航俊熙嘉豪雅婷晨曦"
)
_COPY: Final = """
COPY vault.person (campaign, candidate, name, pinyin, initials, sought, phone, email, namesake) FROM STDIN
"""
LISTS: Final[dict[str, Wanted]] = {
    "all": Wanted(),
    "by a common surname (王)": Wanted(q="王"),
    "by a rare surname (亓)": Wanted(q="亓"),
    "by a whole name (李思雨)": Wanted(q="李思雨"),
    "by a given name (思雨)": Wanted(q="思雨"),
    "by pinyin (lisiyu)": Wanted(q="lisiyu"),
    "by initials (lsy)": Wanted(q="lsy"),
    "by two letters (qi)": Wanted(q="qi"),
    "by one letter (q)": Wanted(q="q"),
    "by a name that nobody has": Wanted(q="欧阳娜娜"),
    "by telephone number": Wanted(q="13800500000"),
    "by e-mail address": Wanted(q="p500000@example.com"),
    "by id": Wanted(q="p0500000"),
    "signed up": Wanted(stage="signed_up"),
    "hired (1 in 50)": Wanted(stage="hired"),
    "offered and no further": Wanted(stage="offered", only=True),
    "withdrew (nobody)": Wanted(stage="withdrew"),
    "at a small fair": Wanted(fair="f199"),
    "of a rare school": Wanted(school="学校499"),
    "doctors of a chain": Wanted(education="doctor", chain="chain2"),
    "doctors of a chain that has none": Wanted(education="doctor", chain="chain3"),
    "of an employer": Wanted(employer="e8"),
    "doctors hired by an employer": Wanted(employer="e200", education="doctor", stage="hired"),
    "offers that expire": Wanted(ends=(_OPENS, _OPENS + timedelta(days=7))),
    "waiting for a word": Wanted(waits=True),
    "by surname, of a school": Wanted(q="李", school="学校42"),
    "by surname, at a fair, hired": Wanted(q="李", fair="f1", stage="hired"),
    "as an employer sees them": Wanted(sees="e8"),
    "as an employer sees them, by surname": Wanted(sees="e8", q="李"),
    "as an employer that sees nobody": Wanted(sees="nobody"),
}


def measure() -> Iterator[tuple[str, str, str]]:
    with home() as at, database(at) as url:
        yield from asyncio.run(_measured(url))


async def _measured(url: str) -> list[tuple[str, str, str]]:
    async with await connect(url, name="bench") as conn:
        began = time.perf_counter()
        await fill(conn, CANDIDATES)
        rows = [(f"{CANDIDATES:,} candidates are there after", f"{time.perf_counter() - began:.0f} s", "")]
        looks: dict[str, Look] = {name: partial(_listed, conn, wanted) for name, wanted in LISTS.items()}
        looks |= {
            f"may be one person, from {after or 'the first'} on": partial(_alike, conn, after) for after in PLACES
        }
        looks["may be the same person as one"] = partial(duplicates.of, conn, CAMPAIGN, [_id(CANDIDATES - 1)], limit=5)
        for name, look in looks.items():
            first, usual, found = await _timed(look)
            rows.append((f"  {name}: {found} found", f"{usual * 1000:.1f} ms (first {first * 1000:.0f})", "100 ms"))
        return rows


async def _listed(conn: Conn, wanted: Wanted) -> Sized:
    return await people.listed(conn, CAMPAIGN, wanted, limit=A_PAGE)


async def _alike(conn: Conn, after: str) -> Sized:
    found, _ = await duplicates.within(conn, CAMPAIGN, after, limit=A_PAGE)
    return found


async def _timed(look: Look) -> tuple[float, float, int]:
    """The first time, the median of those after it, and how many are on the page."""
    times, found = [], 0
    for _ in range(TRIES):
        began = time.perf_counter()
        found = len(await look())
        times.append(time.perf_counter() - began)
    return times[0], sorted(times[1:])[TRIES // 2 - 1], found


async def fill(conn: Conn, count: int) -> None:
    """Let so many candidates be there, as the fold stores them."""
    async with conn.transaction():
        key = (await vault().keeper(conn)).digest(SEARCHED, CAMPAIGN.encode())
    names: dict[str, Any] = {}
    for start in range(0, count, PORTION):
        numbers = range(start, min(start + PORTION, count))
        changed = {
            (CAMPAIGN, _id(n)): (Stored(0, journey), milestones(journey)) for n in numbers for journey in [_journey(n)]
        }
        await store(conn, changed)
        async with conn.cursor() as cursor, cursor.copy(_COPY) as copy:
            for n in numbers:
                name = _name(n)
                found = names.setdefault(name, found_by({"name": name}, None))
                said = {"name": name, "phone": f"138{n - n % TWINS // (TWINS - 1):08}", "email": f"p{n}@example.com"}
                by = found_by(said, key, (f"学校{n % 3000}", 2020 + n % 7))
                sought = list(found.sought)
                row = (found.pinyin, found.initials, sought, by.phone, by.email, by.namesake)
                await copy.write_row((CAMPAIGN, _id(n), name, *row))
    for table in ("journeys", "vault.person"):
        await conn.execute(f"VACUUM ANALYZE {table}".encode())


def _id(n: int) -> str:
    return f"p{n:07}"


def _name(n: int) -> str:
    """Surnames are as unlike in number as they are: the first of them far ahead of the last."""
    mixed = (n * 2_654_435_761) % 2**32
    share = (mixed % 9973) / 9973
    surname = _SURNAMES[int(share**3 * (len(_SURNAMES) - 1))] if mixed % 4001 else "亓"
    first, second = (mixed // 9973) % len(_GIVEN), (mixed // 613) % len(_GIVEN)
    return surname + _GIVEN[first] + (_GIVEN[second] if mixed % 5 else "")


def _journey(n: int) -> Journey:
    at = (_START + n * 1_000_000, "/bench", f"s{n}")
    journey = Journey(first_signup=at[0], last_signup=at)
    fair = f"f{int((n * 7919 % 10_000 / 10_000) ** 2 * 200)}"
    journey.fairs, journey.signups = {fair: at[0]}, {fair: [at]}
    education = "doctor" if n % 40 == 0 else ("master", "bachelor", "associate")[n % 3]
    school = f"学校{int((n * 104_729 % 100_003 / 100_003) ** 2 * 500)}"
    for name, value in (("education", education), ("school", school), ("chain", f"chain{n % 6}"), ("consent", True)):
        journey.attributes[name] = Word(at, value)
    employer = f"e{n * 31 % 300}"
    if n % 4 == 0:
        journey.interviews[employer] = Interview(at[0], Word(at, "passed" if n % 8 else "failed"))
    if n % 10 == 0:
        ends = (_OPENS + timedelta(days=n // 10 % 3650)).isoformat()
        status = "accepted" if n % 20 == 0 else "extended"
        journey.offers[f"o{n}"] = Offer(Word(at, status), Terms(at, employer, "p", expires_at=ends))
    if n % 50 == 0:
        journey.hires[employer] = Hire(Word(at, "started"))
    return journey
