"""Candidates who may be the same person: suggested, merged, unmerged and kept apart by HR in the browser."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from dashboard.candidates import duplicates_page
from schemas.facts import validate_event
from schemas.journey import MOST_IDS
from storage.database import Conn, connect
from storage.journeys import people
from storage.journeys.narrowing import Wanted
from storage.ledger.events import WHOLE
from storage.vault import duplicates
from storage.vault.accepting import accept
from streams.apply import apply_batch
from tests.facts import CAMPAIGN, event, opened, signed_up
from tests.integration.forms import facts, send, signed_in
from tests.integration.reading import Reader, apply
from tests.integration.worlds import message

PAGE = f"/campaigns/{CAMPAIGN}/duplicates"
ONE = f"/candidates/{CAMPAIGN}"
LI = {"name": "李思雨", "school": "武汉理工大学", "graduation_year": 2026}
PEOPLE = [
    opened(),
    signed_up("a", **LI, phone="+86 138 0013 8000", email="li@example.com"),
    signed_up("b", **(LI | {"school": "武汉 理工大学"}), time="2026-03-09T09:00:00+08:00"),
    signed_up("c", name="Li Siyu", phone="13800138000"),
    signed_up("d", name="王伟", email="LI@example.com"),
    signed_up("e", name="李思雨", school="北京大学", graduation_year=2026),
]
MERGED = event("candidate.merged", candidate="b", into="a", time="2026-03-10T00:00:00+08:00")


@pytest.fixture
async def http(nobody_applies: None, app: FastAPI, conn: Conn) -> httpx.AsyncClient:
    return await signed_in(app, conn)


async def pairs(conn: Conn) -> set[tuple[str, ...]]:
    found, further = await duplicates.within(conn, CAMPAIGN, "", limit=50)
    assert further is None
    return {(*sorted((each.one, each.other)), *each.alike) for each in found}


async def listed(conn: Conn, q: str = "") -> list[str]:
    return [each.candidate for each in (await people.listed(conn, CAMPAIGN, Wanted(q=q), limit=10)).people]


async def test_who_has_something_in_common_is_suggested(readers: dict[str, Reader], conn: Conn):
    await apply(conn, *PEOPLE)
    assert await pairs(conn) == {("a", "b", "namesake"), ("a", "c", "phone"), ("a", "d", "email")}
    assert [each.other for each in await duplicates.of(conn, CAMPAIGN, ["c"], limit=5)] == ["a"]


async def test_a_year_that_is_learned_later_makes_namesakes(readers: dict[str, Reader], conn: Conn):
    await apply(conn, opened(), signed_up("a", **LI), signed_up("b", name="李思雨", time="2026-03-09T09:00:00+08:00"))
    assert await pairs(conn) == set()
    earlier = {"school": LI["school"], "graduation_year": 2026, "time": "2026-03-07T09:00:00+08:00"}
    await apply(conn, signed_up("b", name="李", **earlier))
    assert await pairs(conn) == {("a", "b", "namesake")}


async def test_who_is_hidden_erased_merged_or_kept_apart_is_not_suggested(readers: dict[str, Reader], conn: Conn):
    await apply(conn, *PEOPLE, MERGED)
    await apply(conn, event("candidate.restricted", candidate="c", ground="law"))
    await apply(conn, event("candidate.erased", candidate="d", time="2026-03-11T00:00:00+08:00"))
    assert await pairs(conn) == set()
    await apply(conn, event("candidate.restriction_lifted", candidate="c", time="2026-03-12T00:00:00+08:00"))
    assert await pairs(conn) == {("a", "c", "phone")}
    await duplicates.set_apart(conn, CAMPAIGN, "c", "a", said_by="account:x")
    assert await pairs(conn) == set()


async def test_a_person_is_listed_once_and_found_by_all_that_was_said(readers: dict[str, Reader], conn: Conn):
    late = {"time": "2026-03-09T10:00:00+08:00"}
    await apply(
        conn, opened(), signed_up("a", name="李思雨"), signed_up("b", name="Siyu Li", phone="13900139000", **late)
    )
    await apply(conn, MERGED)
    assert await listed(conn) == ["a"]
    for asked in ("b", "13900139000", "siyu", "a"):
        assert await listed(conn, asked) == ["a"], asked


async def test_a_merged_record_answers_with_the_person(readers: dict[str, Reader], conn: Conn):
    await apply(conn, *PEOPLE, MERGED)
    found = await readers["organizer"].json(f"/v1/campaigns/{CAMPAIGN}/candidates/b")
    assert (found["candidate"], found["merged_into"], found["members"]) == ("b", "a", ["a", "b"])
    assert found["attributes"]["email"] == "li@example.com"
    assert {"candidate.signed_up", "candidate.merged"} == {each["type"] for each in found["timeline"]}
    head = await readers["organizer"].json(f"/v1/campaigns/{CAMPAIGN}/candidates/a")
    assert (head["merged_into"], head["attributes"]) == (None, found["attributes"])


async def test_an_employer_sees_a_person_of_whom_it_sees_one_record(readers: dict[str, Reader], conn: Conn):
    own = signed_up("huayou:1", name="李思雨")
    await apply(conn, opened(), signed_up("a", name="李思雨"), own)
    at = f"/v1/campaigns/{CAMPAIGN}/candidates"
    assert (await readers["huayou"].get(f"{at}/a")).status_code == 404
    await apply(conn, event("candidate.merged", candidate="huayou:1", into="a"))
    assert (await readers["huayou"].get(f"{at}/a")).status_code == 200
    assert (await readers["huayou"].get(f"{at}/huayou:1")).json()["merged_into"] == "a"
    assert [row["candidate"] for row in await readers["huayou"].json(at)] == ["a"]
    assert (await readers["huayou"].get(PAGE)).status_code == 403


async def test_an_employer_is_told_no_id_that_it_may_not_see(readers: dict[str, Reader], conn: Conn):
    """Under which id a person stands it knows, and its own; what was recorded under another employer's is not shown."""
    said = {"time": "2026-03-09T09:00:00+08:00"}
    await apply(
        conn, opened(), signed_up("a", name="李思雨"), signed_up("huayou:1"), signed_up("rival:1", name="李", **said),
        *(event("candidate.merged", candidate=each, into="a") for each in ("huayou:1", "rival:1")),
    )  # fmt: skip
    at = f"/v1/campaigns/{CAMPAIGN}/candidates"
    for asked in ("a", "huayou:1"):
        answer = await readers["huayou"].get(f"{at}/{asked}")
        assert answer.json()["members"] == ["a", "huayou:1"]
        assert "rival" not in answer.text
    assert "rival" not in (await readers["huayou"].get(f"{ONE}/a", accept="text/html")).text
    assert len((await readers["organizer"].json(f"{at}/a"))["members"]) == 3
    other = (await readers["other"].get(f"{at}/a")).status_code
    assert other == 404


async def test_an_employer_is_told_of_messages_under_an_id_that_it_may_see(readers: dict[str, Reader], conn: Conn):
    mail = {"email": "li@example.com", "fair": "f1"}
    fair = {"starts_at": "2026-09-01T09:00:00+08:00", "ends_at": "2026-09-01T17:00:00+08:00", "mode": "onsite"}
    await apply(
        conn, opened(), event("fair.scheduled", fair="f1", title="F", employers=["huayou"], **fair),
        signed_up("a", **mail), signed_up("rival:1", **mail), signed_up("huayou:1"),
        *(event("candidate.merged", candidate=each, into="a") for each in ("huayou:1", "rival:1")),
    )  # fmt: skip
    found = await readers["huayou"].json("/v1/messages")
    assert {each["candidate"] for each in found} == {"a"}
    for each in found:
        assert (await readers["huayou"].json(f"/v1/messages/{each['id']}"))["candidate"] == "a"


async def test_namesakes_are_told_apart(http: httpx.AsyncClient, conn: Conn):
    """Two of one name have the end of their ids, when they were first seen and their school beside it."""
    await apply(
        conn, opened(), signed_up("fair-00017", **LI), signed_up("fair-00042", **LI, time="2026-04-02T09:00:00+08:00")
    )
    page = (await http.get(f"{PAGE}?lang=en")).text
    assert re.search(r"<h2[^>]*>李思雨 …00017 · 李思雨 …00042</h2>", page)
    assert ("8 Mar" in page, "2 Apr" in page) == (True, True)


async def test_hr_merges_and_unmerges(http: httpx.AsyncClient, conn: Conn):
    await apply(conn, *PEOPLE)
    page = (await http.get(PAGE)).text
    assert page.count("李思雨") > 3
    assert f"/forms/merge?campaign={CAMPAIGN}&amp;candidate=b&amp;into=a" in page
    assert "into=a" in (await http.get(f"{ONE}/a")).text
    answer = await send(http, f"/forms/merge?campaign={CAMPAIGN}&candidate=b&into=a", reason="the same ID card")
    assert answer.status_code == 303
    (said,) = await facts(conn, "candidate.merged")
    await applied(conn)
    onward = await http.get(answer.headers["location"])
    assert onward.headers["location"].startswith(f"{ONE}/a?done=")
    page = (await http.get(onward.headers["location"])).text
    assert "/forms/unmerge?campaign=grads-2026&amp;candidate=b&amp;into=a" in page
    assert "/forms/undo" in page
    assert said["data"]["into"] == "a"
    assert (await http.get(f"{ONE}/b")).headers["location"] == f"{ONE}/a?merged=b"
    await send(http, f"/forms/unmerge?campaign={CAMPAIGN}&candidate=b&into=a", reason="twins")
    await applied(conn)
    assert (await http.get(f"{ONE}/b")).status_code == 200


async def test_erasing_one_is_asked_for_all(http: httpx.AsyncClient, conn: Conn):
    await apply(conn, *PEOPLE, MERGED)
    form = (await http.get(f"/forms/erase?campaign={CAMPAIGN}&candidate=a")).text
    assert len(re.findall(r'name="ids" value="[ab]" checked', form)) == 2
    answer = await send(http, f"/forms/erase?campaign={CAMPAIGN}&candidate=a")
    assert answer.status_code == 422
    assert (await send(http, f"/forms/erase?campaign={CAMPAIGN}&candidate=a", ids=["c"])).status_code == 422
    await send(http, f"/forms/erase?campaign={CAMPAIGN}&candidate=a", ids=["a", "b"])
    assert {each["data"]["candidate"] for each in await facts(conn, "candidate.erased")} == {"a", "b"}


async def test_two_are_kept_apart(http: httpx.AsyncClient, conn: Conn):
    await apply(conn, *PEOPLE)
    page = (await http.get(PAGE)).text
    word = re.search(r'name="csrf" value="([^"]+)"', page)
    assert word
    answer = await http.post(f"{PAGE}/apart", data={"csrf": word[1], "one": "a", "other": "b"})
    assert answer.headers["location"] == PAGE
    assert ("a", "b", "namesake") not in await pairs(conn)


@pytest.mark.parametrize(
    "two", [{"one": "a", "other": "nobody"}, {"one": "nobody", "other": "b"}, {"one": "a", "other": "a"}, {"one": "a"}]
)
async def test_nobody_is_kept_apart_from_nobody(http: httpx.AsyncClient, conn: Conn, two: dict[str, str]):
    await apply(conn, *PEOPLE)
    word = re.search(r'name="csrf" value="([^"]+)"', (await http.get(PAGE)).text)
    assert word
    assert (await http.post(f"{PAGE}/apart", data={"csrf": word[1], **two})).status_code == 404
    assert ("a", "b", "namesake") in await pairs(conn)


@pytest.mark.parametrize("query", ["candidate=b&into=b", "candidate=b&into=nobody", "candidate=b", "into=a"])
async def test_nobody_is_merged_with_nobody(http: httpx.AsyncClient, conn: Conn, query: str):
    await apply(conn, *PEOPLE)
    word = re.search(r'name="csrf" value="([^"]+)"', (await http.get(PAGE)).text)
    assert word
    answer = await http.post(f"/forms/merge?campaign={CAMPAIGN}&{query}", data={"csrf": word[1], "reason": "x"})
    assert answer.status_code in (404, 422)
    assert await facts(conn) == []


@pytest.mark.parametrize("query", ["candidate=b&into=a", "candidate=a&into=b"])
@pytest.mark.parametrize("waits", [True, False])
async def test_nobody_is_merged_with_who_was_erased(http: httpx.AsyncClient, conn: Conn, query: str, waits: bool):
    await apply(conn, *PEOPLE)
    erased = event("candidate.erased", candidate="b", time="2026-03-11T09:00:00+08:00")
    if waits:
        await accept(conn, [validate_event(erased)], posted_by=None)
    else:
        await apply(conn, erased)
    answer = await send(http, f"/forms/merge?campaign={CAMPAIGN}&{query}", reason="the same ID card")
    assert answer.status_code == 422
    assert "was erased" in answer.text or "已删除" in answer.text
    assert await facts(conn, "candidate.merged") == []


async def test_who_began_another_life_is_merged(http: httpx.AsyncClient, conn: Conn):
    await apply(conn, *PEOPLE, event("candidate.erased", candidate="b", time="2026-03-11T09:00:00+08:00"))
    await apply(conn, signed_up("b", name="李思雨", time="2026-03-12T09:00:00+08:00"))
    answer = await send(http, f"/forms/merge?campaign={CAMPAIGN}&candidate=b&into=a", reason="the same ID card")
    assert answer.status_code == 303


async def applied(conn: Conn) -> None:
    """What the forms said is applied, as a worker would."""
    said = f"SELECT seq, {WHOLE}::json FROM facts f JOIN pending USING (seq)"
    rows: list[Any] = await (await conn.execute(said)).fetchall()
    await apply_batch(conn, [message(said, seq, seq) for seq, said in rows], now=datetime(2150, 1, 1, tzinfo=UTC))


async def test_however_many_have_the_same_number_the_page_is_there(readers: dict[str, Reader], conn: Conn):
    """Two million pairs: were they all made, this would end in no time that a test has."""
    await conn.execute("SET statement_timeout = '60s'")
    await apply(conn, opened(), *(signed_up(f"p{n:04}", phone="13800138000") for n in range(2000)))
    found, _ = await duplicates.within(conn, CAMPAIGN, "", limit=50)
    assert len(found) == 50
    assert {(each.one, each.other) for each in found[:2]} == {("p0000", "p0001"), ("p0000", "p0002")}


async def test_each_pair_is_on_some_page(http: httpx.AsyncClient, conn: Conn):
    """Also those of one who has several, of whom some would stand on this page and some on the next."""
    twins = [signed_up(f"{each}{n:02}", phone=f"138001380{n:02}") for n in range(24) for each in ("m", "n")]
    many = [signed_up(f"z{n}", phone="13900139000") for n in range(3)]
    await apply(conn, opened(), *twins, *many)
    found, path = set(), f"{PAGE}?"
    while path:
        page = (await http.get(path)).text
        found |= set(re.findall(r"candidate=(\w+)&amp;into=(\w+)", page))
        path = next(iter(re.findall(r'class="button" href="([^"]+[?]after=[^"]+)"', page)), "")
    assert found == {(f"n{n:02}", f"m{n:02}") for n in range(24)} | {("z1", "z0"), ("z2", "z0"), ("z2", "z1")}


async def test_who_stands_under_an_earlier_id_is_not_suggested_on_every_page(readers: dict[str, Reader], conn: Conn):
    """The next page goes on after an id; the person is suggested once, under the id under which they stand."""
    same = {"phone": "13800138000"}
    await apply(conn, opened(), signed_up("a"), signed_up("b", **same), signed_up("c", **same))
    await apply(conn, event("candidate.merged", candidate="b", into="a"))
    assert await pairs(conn) == {("a", "c", "phone")}
    assert await duplicates.within(conn, CAMPAIGN, "a", limit=50) == ([], None)


async def test_a_person_has_no_more_ids_than_may_be(http: httpx.AsyncClient, readers: dict[str, Reader], conn: Conn):
    own = [f"m{n:02}" for n in range(MOST_IDS)]
    words = [event("candidate.merged", candidate=each, into=own[0]) for each in own[1:]]
    await apply(conn, opened(), *(signed_up(each) for each in [*own, "other"]), *words)
    word = event("candidate.merged", candidate="other", into=own[3])
    organizer = readers["organizer"]
    answer = await organizer.http.post(
        "/v1/events", headers={**organizer.headers, "content-type": "application/cloudevents+json"}, json=word
    )
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "data.into")
    form = await send(http, f"/forms/merge?campaign={CAMPAIGN}&candidate=other&into={own[3]}&lang=en", reason="x")
    assert (form.status_code, "20 records at most" in form.text) == (422, True)


async def test_a_merging_without_effect_says_so(http: httpx.AsyncClient, conn: Conn):
    """Straight from Kafka it is a fact like others."""
    own = [f"m{n:02}" for n in range(MOST_IDS)]
    words = [event("candidate.merged", candidate=each, into=own[0]) for each in own[1:]]
    people = [signed_up(each, name="李雷") for each in [*own, "other"]]
    await apply(conn, opened(), *people, *words)
    assert "Mergings without effect" not in (await http.get(f"{PAGE}?lang=en")).text
    later = {"time": "2026-03-11T00:00:00+08:00"}
    await apply(conn, event("candidate.merged", candidate="other", into=own[3], **later))
    page = (await http.get(f"{PAGE}?lang=en")).text
    assert "Mergings without effect" in page
    assert f"李雷 {own[3]}" in page
    person = (await http.get(f"/candidates/{CAMPAIGN}/other?lang=en")).text
    assert "No effect: one person has 20 records at most" in person
    await apply(conn, event("candidate.unmerged", candidate=own[9], into=own[0], **later))
    assert "Mergings without effect" not in (await http.get(f"{PAGE}?lang=en")).text
    assert "No effect" not in (await http.get(f"/candidates/{CAMPAIGN}/{own[0]}?lang=en")).text


@pytest.mark.parametrize("merged_first", [True, False])
async def test_an_erasure_and_a_merging_in_one_request_are_taken_one_after_the_other(
    readers: dict[str, Reader], conn: Conn, merged_first: bool
):
    await apply(conn, opened(), signed_up("a"), signed_up("b"))
    merged, erased = event("candidate.merged", candidate="b", into="a"), event("candidate.erased", candidate="b")
    organizer = readers["organizer"]
    answer = await organizer.http.post(
        "/v1/events",
        headers={**organizer.headers, "content-type": "application/cloudevents-batch+json"},
        json=[merged, erased] if merged_first else [erased, merged],
    )
    if merged_first:
        assert (answer.status_code, answer.json()["accepted"]) == (202, 2)
    else:
        assert answer.status_code == 207
        (refused,) = answer.json()["rejected"]
        assert (refused["index"], refused["errors"][0]["field"]) == (1, "data.candidate")


@pytest.mark.timeout(60)
async def test_who_is_unmerged_while_somebody_looks_is_not_suggested_to_be_themselves(
    conn: Conn, database_url: str, monkeypatch: pytest.MonkeyPatch
):
    await apply(conn, *PEOPLE, MERGED)
    looked = duplicates_page.duplicates.of

    async def after_unmerging(*args: Any, **values: Any) -> list[duplicates.AlikePair]:
        async with await connect(database_url, name="test") as other:
            await apply(other, event("candidate.unmerged", candidate="b", into="a", time="2026-03-11T00:00:00+08:00"))
        return await looked(*args, **values)

    monkeypatch.setattr(duplicates_page.duplicates, "of", after_unmerging)
    assert "b" not in {each["candidate"] for each in await duplicates_page.suggested(conn, CAMPAIGN, "b")}


async def test_the_work_grows_with_the_people_and_not_with_their_pairs(conn: Conn):
    """Also where nothing is known yet of how many there are, as right after a file of thousands."""
    many = 300
    await apply(conn, opened(), *[signed_up(f"c{n:03}", name=f"N{n}", email=f"c{n}@example.com") for n in range(many)])
    values = {"campaign": CAMPAIGN, "after": "", "upto": None, "limit": 50}
    explained = f"EXPLAIN (ANALYZE, FORMAT JSON) {duplicates.WITHIN}"
    row = await (await conn.execute(explained.encode(), values)).fetchone()
    assert row
    assert looked_at(row[0][0]["Plan"]) < 10 * many


def looked_at(plan: dict[str, Any]) -> float:
    """How many rows or pairs of rows Postgres looked at and threw away."""
    own = sum(plan.get(f"Rows Removed by {kind}", 0) for kind in ("Filter", "Join Filter")) * plan["Actual Loops"]
    return own + sum(looked_at(each) for each in plan.get("Plans", []))
