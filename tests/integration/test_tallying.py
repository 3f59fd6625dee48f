"""Targets of large campaigns are counted beside the work, and are exact in the end whatever comes meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import date
from typing import Any

import pytest

from schemas.errors import ConcurrentChange
from storage.campaigns import seats, tallies, targets
from storage.campaigns.seats import LineChange
from storage.database import Conn, connect
from streams import campaigns, tallying
from streams.apply import Applied
from streams.audit import audit
from streams.persisting import Persistence
from streams.tallying import Tallier
from tests.facts import CAMPAIGN, event, hired, opened, retraction, signed_up, target
from tests.integration.applying import apply, progress, rows

WHERES: list[dict[str, Any]] = [
    {},
    {"education": ["doctor"]},
    {"education": ["doctor", "master"], "graduation_year": [2026]},
    {"school": ['the "first" \\ school']},
    {"fair": ["f1", "f2"]},
    {"employer": ["huayou"]},
]


BESIDE = """
INSERT INTO secrets (name, value)
VALUES ('events_whole_until', convert_to((now() + interval '1 hour')::text, 'UTF8'))
"""


@pytest.fixture(autouse=True)
def _all_are_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(campaigns, "COUNTED_AT_ONCE", 0)


class Counting:
    """The tallier, and what it told."""

    def __init__(self, database_url: str) -> None:
        self.told: list[Applied] = []
        self.persistence = Persistence(database_url, name="worker", jitter=lambda: 1.0)
        self.tallier = Tallier(database_url, self.persistence, told=self.told.append)


@pytest.fixture
async def counting(database_url: str) -> AsyncIterator[Counting]:
    made = Counting(database_url)
    yield made
    await made.persistence.close()


def people() -> list[dict[str, Any]]:
    said: list[dict[str, Any]] = []
    for number in range(60):
        who, day = f"c{number}", f"2026-03-{1 + number % 20:02}T0{number % 10}:30:00+08:00"
        said.append(
            signed_up(
                who,
                time=day,
                education=("doctor", "master", "bachelor")[number % 3],
                graduation_year=2025 + number % 2,
                school=('the "first" \\ school', "南京大学", "first")[number % 3],
                fair=f"f{number % 4}",
            )
        )
        if number % 2:
            said.append(hired(who, employer=("huayou", "other")[number % 5 > 1], time=day))
        if number % 7 == 0:
            said.append(event("candidate.withdrew", candidate=who, time="2026-04-01T00:00:00Z"))
        if number % 10 == 0:
            said.append(
                event(
                    "benefit.paid",
                    candidate=who,
                    benefit=f"b{number}",
                    kind="living_allowance",
                    amount=1000.5,
                    time=day,
                )
            )
    return said


def late_targets() -> list[dict[str, Any]]:
    measures = ("signed_up", "attended", "interviewed", "offered", "accepted", "hired", "paid")
    return [
        target(f"{measure}{nth}", measure, where=where)
        for measure in measures
        for nth, where in enumerate(WHERES)
        if not ("employer" in where and measure in ("signed_up", "attended"))  # these know of no employer
    ]


async def test_a_late_target_is_counted_beside_the_work_as_the_audit_counts_it(conn: Conn, counting: Counting):
    await apply(conn, opened(), *people())
    assert (await apply(conn, *late_targets())).dead_letters == []
    assert (await audit(conn)).uncounted == len(late_targets())
    await counting.tallier.look()
    report = await audit(conn)
    assert (report.differences, report.uncounted) == ([], 0)
    assert [name for name, number in (await progress(conn)).items() if not number and "hired" in name] == []
    assert len(counting.told) == 1
    assert counting.told[0].messages


async def test_what_comes_while_it_is_counted_is_counted_once(
    conn: Conn, counting: Counting, monkeypatch: pytest.MonkeyPatch
):
    await apply(conn, opened(), *people())
    await apply(conn, target("t"), hired("d0"))
    began, go_on = asyncio.Event(), asyncio.Event()
    by_quarters = tallies.by_quarters

    async def slowly(*args: Any) -> dict[int, int]:
        began.set()
        await go_on.wait()
        return await by_quarters(*args)

    monkeypatch.setattr(tallying.tallies, "by_quarters", slowly)
    looking = asyncio.create_task(counting.tallier.look())
    await began.wait()
    await apply(conn, hired("d1"), hired("d2", id="mistake"), signed_up("d3"))
    await apply(conn, retraction("mistake", candidate="d2"), event("hire.ended", candidate="c1", employer="huayou"))
    go_on.set()
    await looking
    assert (await audit(conn)).differences == []


async def test_what_is_set_otherwise_or_withdrawn_meanwhile_is_not_taken_for_it(
    conn: Conn, counting: Counting, monkeypatch: pytest.MonkeyPatch
):
    await apply(conn, opened(), *people())
    await apply(conn, target("t", id="t1"), target("gone", id="gone"))
    began, go_on = asyncio.Event(), asyncio.Event()
    by_quarters = tallies.by_quarters

    async def slowly(*args: Any) -> dict[int, int]:
        found = await by_quarters(*args)
        began.set()
        await go_on.wait()
        return found

    monkeypatch.setattr(tallying.tallies, "by_quarters", slowly)
    looking = asyncio.create_task(counting.tallier.look())
    await began.wait()
    await apply(conn, target("t", where={"education": ["doctor"]}, time="2026-05-30T00:00:00Z"), retraction("gone"))
    go_on.set()
    await looking
    assert (await audit(conn)).uncounted == 1
    await counting.tallier.look()
    report = await audit(conn)
    assert (report.differences, report.uncounted) == ([], 0)
    assert set(await progress(conn)) == {"t"}


async def test_a_count_that_was_broken_off_begins_anew(
    conn: Conn, counting: Counting, database_url: str, monkeypatch: pytest.MonkeyPatch
):
    await apply(conn, opened(), *people())
    await apply(conn, target("t"))
    began = asyncio.Event()

    async def never(*args: Any) -> dict[int, int]:
        began.set()
        await asyncio.sleep(60)
        return {}

    with monkeypatch.context() as patched:
        patched.setattr(tallying.tallies, "by_quarters", never)
        looking = asyncio.create_task(counting.tallier.look())
        await began.wait()
        other = Counting(database_url)
        await other.tallier.look()  # finds that somebody counts
        assert await rows(conn, "SELECT count(*) FROM targets WHERE tally IS NOT NULL") == [(1,)]
        looking.cancel()
        await asyncio.wait([looking])
    await apply(conn, hired("d1"))
    await other.tallier.look()
    await other.persistence.close()
    assert (await audit(conn)).differences == []


async def test_what_a_crash_of_postgres_undid_is_not_counted(
    conn: Conn, counting: Counting, monkeypatch: pytest.MonkeyPatch
):
    """What was applied without waiting for the disk may be in the snapshot, and gone before the count is noted."""
    await apply(conn, opened(), target("t", "signed_up"))
    await apply(conn, signed_up("c1"))
    await conn.execute("UPDATE targets SET tally = 1, progress = 0")
    await conn.execute("DELETE FROM target_days")
    finish = tallies.finish

    async def after_a_crash(*args: Any) -> Any:
        monkeypatch.setattr(tallying.tallies, "finish", finish)
        await conn.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name ~ 'yinfeng-(worker|counter)'"
        )
        await conn.execute("DELETE FROM facts WHERE candidate = 'c1'")
        await conn.execute("DELETE FROM journeys WHERE candidate = 'c1'")
        return await finish(*args)

    monkeypatch.setattr(tallying.tallies, "finish", after_a_crash)
    await counting.tallier.look()
    await apply(conn, signed_up("c1"))
    await counting.tallier.look()
    assert await progress(conn) == {"t": 1}


async def test_milestones_are_told_once_it_is_whole(conn: Conn, counting: Counting):
    await apply(conn, opened(), *people())
    await apply(conn, target("t", "signed_up", goal=4), *[signed_up(f"d{n}") for n in range(3)])
    assert await rows(conn, "SELECT count(*) FROM milestones") == [(0,)]
    await counting.tallier.look()
    assert await rows(conn, "SELECT array_agg(percent ORDER BY percent) FROM milestones") == [([25, 50, 75, 90, 100],)]


async def test_days_are_the_campaigns_own(conn: Conn, counting: Counting):
    late = "1969-12-31T15:59:59.999999Z"  # still the last day of the year at Shanghai, and before 1970 in UTC
    await apply(conn, opened(), signed_up("c1", time=late), signed_up("c2", time="1969-12-31T16:00:00Z"))
    await apply(conn, target("t", "signed_up"))
    await counting.tallier.look()
    assert await rows(conn, "SELECT day, amount::int FROM target_days ORDER BY day") == [
        (date(1969, 12, 31), 1),
        (date(1970, 1, 1), 1),
    ]
    assert (await audit(conn)).differences == []


class UnderWay:
    """A batch that stops before it adds to what all share, until it is told to go on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._began, self._goes_on = asyncio.Event(), asyncio.Event()
        self._monkeypatch = monkeypatch

    async def begin(self, conn: Conn, *events: Any) -> None:
        change = seats.change

        async def held(on: Conn, changes: Sequence[LineChange]) -> None:
            if on is conn:
                self._began.set()
                await self._goes_on.wait()
            await change(on, changes)

        self._monkeypatch.setattr(seats, "change", held)
        self._task = asyncio.create_task(apply(conn, *events))
        await self._began.wait()

    async def end(self) -> Applied:
        self._goes_on.set()
        return await self._task


@pytest.fixture
def under_way(monkeypatch: pytest.MonkeyPatch) -> UnderWay:
    return UnderWay(monkeypatch)


@pytest.fixture
async def other(database_url: str) -> AsyncIterator[Conn]:
    async with await connect(database_url, name="test") as connection:
        yield connection


@pytest.fixture
async def third(database_url: str) -> AsyncIterator[Conn]:
    async with await connect(database_url, name="test") as connection:
        yield connection


SAID = [
    pytest.param([], [target("t")], id="set for the first time"),
    pytest.param(
        [target("t", id="t1")],
        [target("t", where={"education": ["doctor"]}, time="2026-05-30T00:00:00Z")],
        id="set to count otherwise",
    ),
    pytest.param([target("t")], [opened(id="o2", timezone="America/New_York", time="2026-05-30T00:00:00Z")], id="zone"),
    pytest.param(
        [target("t", id="t1")], [target("t", "fairs_held", time="2026-05-30T00:00:00Z")], id="set to count fairs"
    ),
    pytest.param([target("t")], [event("target.withdrawn", target="t", time="2026-05-30T00:00:00Z")], id="withdrawn"),
]


@pytest.mark.parametrize(("before", "said"), SAID)
async def test_what_a_campaign_says_waits_for_no_batch_and_what_that_adds_is_counted_once(
    conn: Conn, other: Conn, counting: Counting, under_way: UnderWay, *, before: list[Any], said: list[Any]
):
    await apply(conn, opened(), *people(), *before)
    await counting.tallier.look()
    await under_way.begin(other, hired("d1", time="2026-05-01T20:00:00Z"), hired("d2", employer="other"))
    async with asyncio.timeout(5):
        await apply(conn, *said)
    looking = asyncio.create_task(counting.tallier.look())
    await asyncio.sleep(0.3)
    await apply(conn, hired("d3"))  # knows of it
    await under_way.end()
    await looking
    report = await audit(conn)
    assert (report.differences, report.uncounted) == ([], 0)


async def test_a_count_does_not_begin_while_somebody_is_under_way(
    conn: Conn, other: Conn, counting: Counting, under_way: UnderWay, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(tallying, "PATIENCE", 0.3)
    await apply(conn, opened(), *people())
    await under_way.begin(other, hired("d1"))
    await apply(conn, target("t"))
    await counting.tallier.look()
    assert (await audit(conn)).uncounted == 1
    await under_way.end()
    await counting.tallier.look()
    assert (await audit(conn)).uncounted == 0


async def test_a_campaign_that_waits_for_somebody_keeps_no_other_waiting(
    conn: Conn, other: Conn, third: Conn, counting: Counting, monkeypatch: pytest.MonkeyPatch
):
    hangs, ends = UnderWay(monkeypatch), UnderWay(monkeypatch)
    await apply(conn, opened(), opened(campaign="other", id="o2"), *people())
    await hangs.begin(other, hired("d1"))
    await apply(conn, target("t"))
    await counting.tallier.begin()  # and waits from now on
    await ends.begin(third, signed_up("x1", campaign="other", id="sx1"))
    await apply(conn, target("t", campaign="other", id="t2"))
    await ends.end()
    assert (await audit(conn)).uncounted == 2
    async with asyncio.timeout(5):
        while (await audit(conn)).uncounted == 2:
            await counting.tallier.begin()
            await asyncio.sleep(0.02)
    await hangs.end()
    await counting.tallier.look()
    assert (await audit(conn)).uncounted == 0


async def test_as_many_campaigns_as_are_counted_at_once_hang_and_keep_no_other_waiting_for_good(
    conn: Conn, other: Conn, counting: Counting, under_way: UnderWay, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(tallying, "AT_ONCE", 1)
    monkeypatch.setattr(tallying, "PATIENCE", 0.2)
    await apply(
        conn, opened(), opened(campaign="other", id="o2"), signed_up("x1", campaign="other", id="sx1"), *people()
    )
    await under_way.begin(other, hired("d1"))
    await apply(conn, target("t"), target("t", campaign="other", id="t2"))
    async with asyncio.timeout(10):
        while await rows(conn, "SELECT FROM targets WHERE campaign = 'other' AND tally IS NOT NULL"):
            await counting.tallier.begin()
            await asyncio.sleep(0.02)
    await under_way.end()
    while (await audit(conn)).uncounted:
        await counting.tallier.look()
    assert (await audit(conn)).differences == []


async def test_beside_the_version_before_a_campaign_says_nothing_of_itself_while_a_batch_is_under_way(
    conn: Conn, other: Conn, under_way: UnderWay
):
    """That one's batches add to a target that is gone, and take a goal for what it was."""
    await apply(conn, opened(), *people(), target("t"))
    await conn.execute(BESIDE)
    await under_way.begin(other, hired("d1"))
    saying = asyncio.create_task(apply(conn, event("target.withdrawn", target="t", time="2026-05-30T00:00:00Z")))
    await asyncio.sleep(0.3)
    assert not saying.done()
    await under_way.end()
    await saying


async def test_beside_the_version_before_no_count_ends_while_a_batch_is_under_way(
    conn: Conn, other: Conn, counting: Counting, under_way: UnderWay, monkeypatch: pytest.MonkeyPatch
):
    """That one's batches note no milestone of a target whose number was no whole one when they began."""
    await apply(conn, opened(), *people())
    await apply(conn, target("t"))
    await conn.execute(BESIDE)
    began, finish = asyncio.Event(), tallies.finish

    async def once_it_began(*args: Any) -> Any:
        began.set()
        return await finish(*args)

    monkeypatch.setattr(tallying.tallies, "finish", once_it_began)
    monkeypatch.setattr(Tallier, "_others_have_ended", _at_once)
    await under_way.begin(other, hired("d1"))
    looking = asyncio.create_task(counting.tallier.look())
    await asyncio.sleep(0.5)
    assert not began.is_set()
    await under_way.end()
    await looking
    assert began.is_set()


async def _at_once(*args: Any) -> bool:
    """As where a batch began after that was looked at."""
    return True


async def test_a_batch_that_took_a_number_for_part_of_it_notes_the_milestone_it_comes_to(
    conn: Conn, other: Conn, counting: Counting, under_way: UnderWay
):
    await apply(conn, opened(), *people())
    await apply(conn, target("t", "hired", goal=124))  # 30 are hired
    await under_way.begin(other, hired("d1"))
    counts = asyncio.create_task(counting.tallier.look())
    await asyncio.sleep(0.3)
    assert not counts.done()
    counts.cancel()
    await asyncio.wait([counts])
    await _make_whole(conn)
    with pytest.raises(ConcurrentChange):
        await under_way.end()
    await apply(other, hired("d1"))
    assert await rows(conn, "SELECT percent FROM milestones") == [(25,)]


@pytest.mark.parametrize("known", [10_000, 4])
async def test_a_batch_that_knows_another_goal_is_repeated(conn: Conn, other: Conn, under_way: UnderWay, known: int):
    """Whether it comes to a milestone by what it knows, or not."""
    await apply(conn, opened(), target("t", "signed_up", goal=known, id="t1"))
    await under_way.begin(other, signed_up("c1"))
    await apply(conn, target("t", "signed_up", goal=1, time="2026-05-30T00:00:00Z"))
    with pytest.raises(ConcurrentChange):
        await under_way.end()
    await apply(other, signed_up("c1"))
    assert await rows(conn, "SELECT goal::int, percent FROM milestones WHERE percent = 100") == [(1, 100)]


async def test_a_batch_and_what_a_campaign_says_do_not_wait_for_each_other(
    conn: Conn, other: Conn, under_way: UnderWay, monkeypatch: pytest.MonkeyPatch
):
    """Targets are changed in the order in which they are added to, whatever order they were set in."""
    first, second = target("b", "signed_up", id="1"), target("a", "signed_up", id="2")
    await apply(conn, opened(), first, second)
    await under_way.begin(other, signed_up("c1"))
    redefine = targets.redefine
    adding: list[asyncio.Task[Applied]] = []

    async def slowly(*args: Any) -> bool:
        whole = await redefine(*args)
        if not adding:
            adding.append(asyncio.create_task(under_way.end()))
            await asyncio.sleep(0.3)
        return whole

    monkeypatch.setattr(targets, "redefine", slowly)
    again = [target(name, "signed_up", goal=200, time=f"2026-05-30T00:00:0{nth}Z") for nth, name in enumerate("ba")]
    await apply(conn, *again)
    await adding[0]
    assert (await audit(conn)).differences == []


async def _make_whole(conn: Conn) -> None:
    for name, measure in await rows(conn, "SELECT target, measure FROM targets"):
        number = sum((await tallies.by_quarters(conn, CAMPAIGN, measure, {}, None)).values())
        await conn.execute("UPDATE targets SET tally = NULL, progress = %s WHERE target = %s", [number, name])
