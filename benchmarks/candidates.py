"""The list of candidates where there are a million of them, or `N`: every way to narrow it, and to search; and who of
them may be the same person.

With `AT`, a folder, the database stays there, and is loaded once.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Awaitable, Callable, Iterator, Sized
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

import psutil

from benchmarks.loading import load
from benchmarks.persons import HEARD, HIRER, OPENS, UNHEARD, around, id_of
from benchmarks.running import database, home, home_at
from storage.campaigns import breakdowns
from storage.database import Conn, connect
from storage.journeys import people
from storage.journeys.narrowing import Wanted
from storage.vault import duplicates
from storage.vault.drawing import SEARCHED
from storage.vault.process import vault
from streams.apply import Applied, apply_batch
from streams.intake import Incoming
from streams.persisting import Persistence
from streams.tallying import Tallier
from tests.facts import CAMPAIGN, opened, target

CANDIDATES: Final = int(os.environ.get("N", "1000000"))
AT: Final = os.environ.get("AT")
ONLY: Final = os.environ.get("ONLY", "")  # looks whose name has this
TRIES: Final = 7
A_PAGE: Final = 100
PLACES: Final = ("", id_of(CANDIDATES // 2))
_HIRER: Final = f"""
INSERT INTO keys (key, name, role, employer, hash) VALUES ('{HIRER}', 'All employers', 'employer', 'e0', '')
ON CONFLICT DO NOTHING
"""
LOADED: Final = "candidates.json"
Look = Callable[[], Awaitable[Sized]]
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
    "offers that expire": Wanted(ends=(OPENS, OPENS + timedelta(days=7))),
    "waiting for a word": Wanted(waits=True),
    "by surname, of a school": Wanted(q="李", school="学校42"),
    "by surname, at a fair, hired": Wanted(q="李", fair="f1", stage="hired"),
    "as an employer sees them": Wanted(sees="e8"),
    "as an employer sees them, by surname": Wanted(sees="e8", q="李"),
    "as an employer at a fair sees them": Wanted(sees=HEARD),
    "as one at a fair whose candidates agreed to nothing": Wanted(sees=UNHEARD),
    "as one at a fair whose candidates agreed to nothing, by surname": Wanted(sees=UNHEARD, q="李"),
    "as an employer that sees nobody": Wanted(sees="nobody"),
}


def measure() -> Iterator[tuple[str, str, str]]:
    with place() as at, filled(at, CANDIDATES) as (server, told):
        yield from told
        yield from asyncio.run(_measured(server))


@contextmanager
def place() -> Iterator[Path]:
    """The folder that `AT` names, or one that goes afterwards."""
    if AT is not None:
        yield home_at(Path(AT).resolve())
        return
    with home() as at:
        yield at


@contextmanager
def filled(at: Path, count: int) -> Iterator[tuple[str, list[tuple[str, str, str]]]]:
    """The URL of this home's database with so many candidates in it, and what is to be told of loading them."""
    with database(at) as url:
        kept = at / LOADED
        if kept.exists():
            there = json.loads(kept.read_text())
            if there["candidates"] != count:
                raise SystemExit(f"{at} has {there['candidates']:,} candidates: set N, or another AT")
            yield url, []
            return
        began, before = time.perf_counter(), _processor()
        asyncio.run(fill(url, at / "master.key", count))
        took = f"{time.perf_counter() - began:.0f} s, {_processor() - before:.0f} s of processor without PostgreSQL's"
        kept.write_text(json.dumps({"candidates": count}))
        yield url, [(f"{count:,} candidates are there after", took, "")]


async def fill(url: str, master: Path, count: int) -> None:
    """A campaign with fairs, employers, targets and so many candidates."""
    async with await connect(url, name="bench") as conn:
        async with conn.transaction():
            key = (await vault().keeper(conn)).digest(SEARCHED, CAMPAIGN.encode())
        await _apply(conn, [opened(), *around()])
        await conn.execute(_HIRER)
        counted = await asyncio.to_thread(load, url, master, key, count)
        await breakdowns.add(conn, counted)
        await _apply(conn, [target("hired"), target("doctors", where={"education": ["doctor"]})])
        write = Persistence(url, name="worker", jitter=lambda: 1.0)
        await Tallier(url, write, told=_nobody).look()
        await write.close()


async def _apply(conn: Conn, events: list[dict[str, Any]]) -> None:
    batch = [Incoming("t", 0, n, None, json.dumps(event).encode(), ()) for n, event in enumerate(events)]
    await apply_batch(conn, batch, now=datetime.now(UTC))


def _nobody(applied: Applied) -> None:
    pass


def _processor() -> float:
    """Seconds of this process and of those that it waited for."""
    times = psutil.Process().cpu_times()
    return float(times.user + times.system + times.children_user + times.children_system)


async def _measured(url: str) -> list[tuple[str, str, str]]:
    async with await connect(url, name="web") as conn:
        looks: dict[str, Look] = {name: partial(_listed, conn, wanted) for name, wanted in LISTS.items()}
        looks |= {
            f"may be one person, from {after or 'the first'} on": partial(_alike, conn, after) for after in PLACES
        }
        one = partial(duplicates.of, conn, CAMPAIGN, [id_of(CANDIDATES - 1)], limit=5)
        looks["may be the same person as one"] = one
        backend = conn.info.backend_pid
        rows = []
        for name, look in looks.items():
            if ONLY in name:
                first, usual, busy, found = await _timed(look, backend)
                said = f"{usual * 1000:.1f} ms (first {first * 1000:.0f}; PostgreSQL's processor {busy * 1000:.0f})"
                rows.append((f"  {name}: {found} found", said, "100 ms"))
        return rows


async def _listed(conn: Conn, wanted: Wanted) -> Sized:
    return (await people.listed(conn, CAMPAIGN, wanted, limit=A_PAGE)).people


async def _alike(conn: Conn, after: str) -> Sized:
    found, _ = await duplicates.within(conn, CAMPAIGN, after, limit=A_PAGE)
    return found


async def _timed(look: Look, backend: int) -> tuple[float, float, float, int]:
    """The first time, the median of those after it, PostgreSQL's processor for one of these, and how many are on the
    page."""
    times, found, before = [], 0, 0.0
    for nth in range(TRIES):
        before = _busy(backend) if nth == 1 else before
        began = time.perf_counter()
        found = len(await look())
        times.append(time.perf_counter() - began)
    return times[0], sorted(times[1:])[TRIES // 2 - 1], (_busy(backend) - before) / (TRIES - 1), found


def _busy(pid: int) -> float:
    """Seconds of processor that a process had: finer than the ticks of its times."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
