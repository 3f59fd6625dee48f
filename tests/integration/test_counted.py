"""A number that explains itself, over HTTP: who is counted and by which facts, who almost is, what changed."""

from __future__ import annotations

import asyncio
import csv
import io
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from openpyxl import load_workbook

from dashboard.targets.changes import changes
from dashboard.targets.counted import asked_for, on, rows
from schemas.access import Caller
from schemas.counted import Explaining
from storage.database import Conn, connect
from storage.journeys.counted import snapshot
from streams.domain.explaining import added, counted, held, persons
from tests.facts import CAMPAIGN, event, hired, opened, retraction, signed_up, target
from tests.integration.reading import Reader, apply

SHANGHAI = ZoneInfo("Asia/Shanghai")  # where the campaign's days begin
COUNTED = f"/v1/campaigns/{CAMPAIGN}/targets/t/counted"
PAGE = f"/campaigns/{CAMPAIGN}/targets/t"
EXPLAINING = Explaining(person=counted, fairs=held, journey=added, persons=persons)
ORGANIZER = Caller("o", "organizer", None, "o")
NOW = datetime(2026, 6, 1, tzinfo=UTC)


def hire(candidate: str, day: int = 8, **more: Any) -> dict[str, Any]:
    return hired(candidate, time=f"2026-03-{day:02}T09:00:00+08:00", **more)


async def told(conn: Conn, name: str = "t") -> tuple[Any, list[dict[str, Any]]]:
    async with snapshot(conn):
        row = await asked_for(conn, ORGANIZER, CAMPAIGN, name)
        found = rows(conn, EXPLAINING, ORGANIZER, row, wanted=on(None, "UTC"), now=NOW)
        return row["progress"], [each async for each in found]


async def test_who_is_counted_and_by_which_fact(readers: dict[str, Reader], conn: Conn):
    await apply(conn, opened(), target("t"), signed_up("c1"), hire("c1", id="h1"), signed_up("c2"), hire("c3", 9))
    answer = await readers["organizer"].get(COUNTED)
    assert answer.headers["yinfeng-progress"] == "2"
    first, second = answer.json()
    assert first == {
        "candidate": "c1",
        "name": "Name c1",
        "at": "2026-03-08T01:00:00Z",
        "amount": 1,
        "facts": [{"source": "/hr/test", "id": "h1", "type": "hire.started", "time": "2026-03-08T01:00:00Z"}],
    }
    assert (second["candidate"], second["name"]) == ("c3", None)
    assert [each["candidate"] for each in await readers["organizer"].json(COUNTED + "?day=2026-03-09")] == ["c3"]


async def test_pages_and_tables_hold_everybody_once(readers: dict[str, Reader], conn: Conn):
    people = [f"c{n:03}" for n in range(12)]
    await apply(conn, opened(), target("t"), *(hire(each) for each in people), signed_up("=1+1"), hire("=1+1"))
    path, found = COUNTED + "?limit=5", []
    while path:
        answer = await readers["organizer"].get(path)
        found += [each["candidate"] for each in answer.json()]
        path = answer.headers["link"].split(">")[0][1:] if "link" in answer.headers else ""
    assert found == ["=1+1", *people]

    answer = await readers["organizer"].get(COUNTED, accept="text/csv")
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.text.startswith("\ufeff")
    table = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert [row["candidate"] for row in table] == ["'=1+1", *people]
    assert sum(float(row["amount"]) for row in table) == 13

    answer = await readers["organizer"].get(COUNTED + "?format=xlsx")
    sheet = load_workbook(io.BytesIO(answer.content)).active
    assert [row[0] for row in sheet.iter_rows(min_row=2, values_only=True)] == ["'=1+1", *people]
    cursor = await conn.execute("SELECT action, campaign, subject FROM audit WHERE action = 'counted_exported'")
    assert await cursor.fetchall() == [("counted_exported", CAMPAIGN, "t")] * 2


async def test_an_employer_is_told_of_its_own(readers: dict[str, Reader], conn: Conn):
    own, shared = target("t", where={"employer": ["huayou"]}), target("all")
    await apply(conn, opened(), own, shared, hire("c1"), hire("c2", employer="beta"))
    assert [each["candidate"] for each in await readers["huayou"].json(COUNTED)] == ["c1"]
    assert (await readers["huayou"].get(COUNTED.replace("/t/", "/all/"))).status_code == 404


async def test_an_employer_is_told_of_no_other_s_facts(readers: dict[str, Reader], conn: Conn):
    """Who was hired by another signed up as well; that they were is not told."""
    came = event("candidate.interviewed", candidate="huayou:1", employer="beta", time="2026-03-01T09:00:00+08:00")
    await apply(conn, opened(), target("t", "attended"), signed_up("huayou:1"), came)
    [row] = await readers["huayou"].json(COUNTED)
    assert (row["candidate"], row["facts"]) == ("huayou:1", [])
    [row] = await readers["organizer"].json(COUNTED)
    assert [fact["type"] for fact in row["facts"]] == ["candidate.interviewed"]


async def test_an_employer_has_no_page_of_it(readers: dict[str, Reader], conn: Conn):
    await apply(conn, opened(), target("t"))
    assert (await readers["viewer"].get(COUNTED)).status_code == 403
    assert (await readers["huayou"].get(PAGE)).status_code == 403
    assert (await readers["organizer"].get(COUNTED.replace("/t/", "/none/"))).status_code == 404


@pytest.mark.parametrize(
    ("measure", "where", "progress"),
    [
        ("signed_up", {"education": ["master"]}, 1),
        ("hired", {"employer": ["huayou"]}, 1),
        ("attended", {"fair": ["f1"]}, 1),
        ("paid", {}, 2000.5),
        ("fairs_held", {}, 1),
    ],
)
async def test_the_list_s_sum_is_the_number(
    readers: dict[str, Reader], conn: Conn, measure: str, where: dict[str, Any], progress: float
):
    fair = {"title": "F", "mode": "onsite", "starts_at": "2026-05-01T09:00:00+08:00", "ends_at": "2026-05-01T17:00:00Z"}
    await apply(
        conn,
        opened(),
        event("fair.scheduled", fair="f1", **fair),
        target("t", measure=measure, where=where),
        signed_up("c1", education="master", fair="f1"),
        event("candidate.checked_in", candidate="c1", fair="f1"),
        hire("c1"),
        event("benefit.paid", candidate="c1", benefit="b", kind="insurance", amount=2000.5),
        signed_up("c2", education="bachelor"),
        hire("c2", employer="beta"),
    )
    number, found = await told(conn)
    assert float(number) == sum(each["amount"] for each in found) == progress
    assert all(each["facts"] for each in found)
    shown = (await readers["organizer"].get(PAGE, accept="text/html")).text
    assert ("F" if measure == "fairs_held" else "Name c1") in shown


async def test_the_sum_is_the_number_while_facts_come_in(database_url: str, conn: Conn):
    await apply(conn, opened(), target("t"))

    async def post() -> None:
        async with await connect(database_url, name="other") as other:
            for n in range(60):
                events = [hire(f"c{n}-{each}", id=f"h{n}-{each}") for each in range(3)]
                await apply(other, *events, *([retraction(f"h{n - 1}-0", candidate=f"c{n - 1}-0")] if n else []))

    posting = asyncio.create_task(post())
    while not posting.done():
        number, found = await told(conn)
        assert number == len(found)
        await asyncio.sleep(0)
    await posting
    assert (await told(conn))[0] == 60 * 3 - 59


async def test_why_it_fell(readers: dict[str, Reader], conn: Conn):
    await apply(conn, opened(), target("t"), *(hire(f"c{n}", id=f"h{n}") for n in range(4)))
    await conn.execute("UPDATE facts SET received_at = received_at - interval '2 days'")
    before = await _moment(conn)
    await apply(
        conn,
        retraction("h0", candidate="c0"),
        retraction("h1"),  # names a fact, but nobody
        event("hire.ended", candidate="c2", employer="huayou", ended_on="2026-03-20", time="2026-03-20T09:00:00+08:00"),
        hire("c9"),
    )
    after = await _moment(conn)
    row = await asked_for(conn, ORGANIZER, CAMPAIGN, "t")
    found = await changes(conn, EXPLAINING, row, before, after)
    assert (found.sum, found.complete, found.redefined) == (-2, True, False)
    assert {each.candidate: each.amount for each in found.people} == {"c0": -1, "c1": -1, "c2": -1, "c9": 1}
    assert found.fallen() == [("fact.retracted", 2), ("hire.ended", 1)]
    assert found.risen() == [("hire.started", 1)]
    assert (await changes(conn, EXPLAINING, row, after, await _moment(conn))).people == ()
    today = f"{PAGE}?recorded={datetime.now(SHANGHAI):%Y-%m-%d}"
    shown = (await readers["organizer"].get(today, accept="text/html", **{"accept-language": "en"})).text
    assert "it fell by 2." in shown
    assert "A fact was retracted (2), Left (1)" in shown


async def test_who_is_one_step_away(readers: dict[str, Reader], conn: Conn):
    accepted = event("offer.accepted", candidate="c1", offer="o1", time="2026-03-09T09:00:00+08:00")
    offer = event("offer.extended", candidate="c1", offer="o1", employer="huayou", position="Engineer")
    await apply(conn, opened(), target("t"), signed_up("c1"), offer, accepted, signed_up("c2"), hire("c3"))
    shown = (await readers["organizer"].get(PAGE, accept="text/html", **{"accept-language": "en"})).text
    almost = shown.split('id="almost"')[1]
    assert "Name c1" in almost
    assert "Name c2" not in almost
    assert "has not started" in almost


async def test_an_empty_target_says_so_in_both_languages(readers: dict[str, Reader], conn: Conn):
    await apply(conn, opened(), target("t"))
    for language, words in {"en": "Nobody is counted as yet", "zh-CN": "暂无人计入"}.items():
        assert words in (await readers["organizer"].get(PAGE, accept="text/html", **{"accept-language": language})).text


async def _moment(conn: Conn) -> datetime:
    (moment,) = await (await conn.execute("SELECT clock_timestamp()")).fetchone()  # type: ignore[misc]
    return moment  # type: ignore[no-any-return]


async def test_why_it_rose_is_told_by_what_made_it_rise(conn: Conn):
    """Not by what happened to be recorded after it, nor by what was taken back at once."""
    await apply(conn, opened(), target("t"), signed_up("c1"), signed_up("c2", id="s2"), hire("c3", id="h3"))
    await apply(conn, event("hire.ended", candidate="c3", employer="huayou", ended_on="2026-03-20", id="e3",
                            time="2026-03-20T09:00:00+08:00"))  # fmt: skip
    before = await _moment(conn)
    await apply(
        conn,
        hire("c1", id="h1"),
        event("benefit.paid", candidate="c1", benefit="b", kind="insurance", amount=2000),
        hire("c2", id="h2"),
        event("hire.ended", candidate="c2", employer="huayou", ended_on="2026-03-20", id="e2",
              time="2026-03-20T09:00:00+08:00"),
        retraction("e2", candidate="c2"),
        retraction("e3", candidate="c3"),
    )  # fmt: skip
    row = await asked_for(conn, ORGANIZER, CAMPAIGN, "t")
    found = await changes(conn, EXPLAINING, row, before, await _moment(conn))
    assert found.sum == 3
    assert found.risen() == [("hire.started", 2), ("fact.retracted", 1)]
