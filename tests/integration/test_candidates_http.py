"""HR's list of candidates and the page of one: over HTTP, as JSON, as tables, as pages."""

from __future__ import annotations

import io
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from openpyxl import load_workbook

from schemas.settings import Settings
from storage.access import audit
from storage.access.audit import AuditFilter
from storage.database import Conn
from storage.journeys import people
from storage.vault import notes
from storage.vault.export import export
from tests.access import csrf
from tests.facts import CAMPAIGN, event, hired, opened, retraction, signed_up
from tests.integration.forms import signed_in
from tests.integration.reading import Reader, apply
from yinfeng.web.app import create_app

LIST = f"/v1/campaigns/{CAMPAIGN}/candidates"
PAGE = f"/campaigns/{CAMPAIGN}/candidates"
SOON = (datetime.now(UTC) + timedelta(days=2)).isoformat()
PEOPLE = [
    opened(),
    event("employer.set", employer="huayou", name="华友钴业", name_en="Huayou"),
    signed_up("c1", name="李思雨", phone="13800138000", email="li@example.com", education="master", school="=SUM(1)"),
    signed_up("c2", name="王伟", id="s2"),
    event("offer.extended", candidate="c1", offer="o", employer="huayou", position="Chemist", expires_at=SOON, id="o1"),
    event("candidate.interviewed", candidate="c2", employer="other", id="i2"),
]


@pytest.fixture
async def http(database_url: str, conn: Conn) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(Settings(database_url=database_url, kafka="127.0.0.1:1"))
    async with app.router.lifespan_context(app):
        yield await signed_in(app, conn)


async def actions(conn: Conn) -> list[tuple[str, str | None]]:
    return [(each.action, each.subject) for each in reversed(await audit.listed(conn, AuditFilter(), limit=100))]


async def test_the_list_as_json(readers: dict[str, Reader], conn: Conn):
    await apply(conn, *PEOPLE)
    first, second = await readers["organizer"].json(LIST)
    assert second["name"] == "王伟"
    assert {
        name: first[name] for name in ("candidate", "name", "stage", "education", "employers", "phone", "fairs")
    } == {
        "candidate": "c1",
        "name": "李思雨",
        "stage": "offered",
        "education": "master",
        "employers": ["huayou"],
        "phone": "13800138000",
        "fairs": [],
    }
    assert datetime.fromisoformat(first["offer_ends"]) == datetime.fromisoformat(SOON)


async def test_the_list_is_narrowed_and_comes_in_pages(readers: dict[str, Reader], conn: Conn):
    await apply(conn, *PEOPLE)

    async def found(query: str) -> list[str]:
        return [row["candidate"] for row in await readers["organizer"].json(f"{LIST}?{query}")]

    assert await found("q=siyu") == await found("expiring=3") == await found("employer=huayou") == ["c1"]
    assert await found("waits=true") == await found("stage=interviewed&only=true") == ["c2"]
    answer = await readers["organizer"].get(f"{LIST}?limit=1")
    assert [row["candidate"] for row in answer.json()] == ["c1"]
    following = answer.links["next"]["url"]
    assert [row["candidate"] for row in await readers["organizer"].json(following)] == ["c2"]


@pytest.mark.parametrize("form", ["csv", "xlsx"])
@pytest.mark.parametrize("school", ["＝SUM(1)", "＋1", "－1", "＠SUM(1)", "+1", "-1", "@a"])
async def test_no_table_has_a_formula(readers: dict[str, Reader], conn: Conn, school: str, form: str):
    """The wide signs too: a spreadsheet with Chinese or Japanese settings takes them for the narrow ones."""
    await apply(conn, opened(), signed_up("c1", name="李", school=school))
    answer = await readers["organizer"].get(f"{LIST}?format={form}&columns=school")
    if form == "csv":
        assert f"'{school}" in answer.content.decode("utf-8-sig")
    else:
        rows = load_workbook(io.BytesIO(answer.content)).active.values
        assert [row[1] for row in rows][1] == f"'{school}"


async def test_pages_go_on_after_an_id_that_looks_like_json(readers: dict[str, Reader], conn: Conn):
    await apply(conn, opened(), *[signed_up(each, id=f"s{each}") for each in ("a\\u0000b", "a\\u0000c", 'a"%_')])
    found, at = [], f"{LIST}?limit=1"
    while at:
        answer = await readers["organizer"].get(at)
        assert answer.status_code == 200, answer.text
        found += [row["candidate"] for row in answer.json()]
        at = answer.links.get("next", {}).get("url", "")
    assert sorted(found) == sorted(["a\\u0000b", "a\\u0000c", 'a"%_'])


ODD = ["%", "_", "\\", "a\\", "(", "[", "*", "(?i)", "***:.*", ".*", "^$", "|", "\\m", "{", "'", '"', "a\x1fb",
       "a\u2028b", "İ", "ǅ", "ﬃ", "²", "\U0001f600", "a" * 200, "李" * 200, "n " * 99, "@", "a@b", "+", "00", "0" * 200,
       "٣٤٥٦٧", "１２３４５６", "null", "{}", "NULL", ",", "a,b", "%d", "%(after)s", "{tags}", "\ue000"]  # fmt: skip


async def test_odd_words_find_nobody_and_break_nothing(readers: dict[str, Reader], conn: Conn):
    await apply(conn, *PEOPLE)
    for odd, name in product(ODD, ("q", "fair", "school", "education", "chain", "employer")):
        answer = await readers["organizer"].get(f"{LIST}?{urlencode({name: odd})}")
        assert (answer.status_code, answer.json()) == (200, []), (name, odd)
    for odd in ODD:
        assert await readers["huayou"].json(f"{LIST}?{urlencode({'q': odd})}") == []


@pytest.mark.parametrize(
    "query", ["stage=nobody", "expiring=x", "expiring=900", "limit=0", "after=%", "only=maybe", "columns=salary"]
)
async def test_what_is_no_question_is_refused(readers: dict[str, Reader], conn: Conn, query: str):
    await apply(conn, *PEOPLE)
    answer = await readers["organizer"].get(f"{LIST}?{query}")
    assert answer.status_code in (400, 422)
    assert answer.json()["errors"][0]["field"].endswith(query.split("=", maxsplit=1)[0])


async def test_an_employer_reads_its_own_and_nothing_of_others(readers: dict[str, Reader], conn: Conn):
    more = event("offer.extended", candidate="c1", offer="x", employer="other", position="p", expires_at=SOON)
    await apply(conn, *PEOPLE, more, hired("c1", "third"))
    (row,) = await readers["huayou"].json(LIST)
    assert row["employers"] == ["huayou"]
    assert await readers["huayou"].json(f"{LIST}?q=王伟") == []
    assert [each["candidate"] for each in await readers["other"].json(LIST)] == ["c1", "c2"]
    refused = await readers["huayou"].get(f"{LIST}?employer=other")
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "employer")
    assert (await readers["viewer"].get(LIST)).status_code == 403


async def test_tables_are_what_is_shown_and_stand_in_the_audit(readers: dict[str, Reader], conn: Conn):
    await apply(conn, *PEOPLE)
    query = "q=siyu&columns=school,stage,employers,phone"
    answer = await readers["organizer"].get(f"{LIST}?{query}&format=csv", **{"accept-language": "zh-CN"})
    assert answer.content.startswith(b"\xef\xbb\xbf")
    assert answer.text.removeprefix("\ufeff").splitlines() == [
        "姓名,当前阶段,院校,用人单位,电话",
        "李思雨,录用通知,'=SUM(1),华友钴业,13800138000",
    ]
    media = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    book = load_workbook(io.BytesIO((await readers["huayou"].get(LIST, accept=media)).content))
    assert [row[0] for row in book.active.iter_rows(values_only=True)] == ["Name", "李思雨"]
    exported = [subject for action, subject in await actions(conn) if action == "candidates_exported"]
    assert exported == ["q=%E2%80%A6", None]


async def test_an_employers_page_with_nobody_on_it_goes_on(
    readers: dict[str, Reader], conn: Conn, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(people, "LOOKED_AT", 1)
    times = {"starts_at": "2026-05-01T09:00:00+08:00", "ends_at": "2026-05-01T17:00:00+08:00"}
    fair = event("fair.scheduled", fair="f1", title="F", mode="onsite", employers=["huayou"], **times)
    agreed = signed_up("c0", id="s0", name="李小龙", fair="f1", consent=True)
    await apply(conn, opened(), fair, signed_up("a0", fair="f1"), agreed)
    page = (await readers["huayou"].get(PAGE, accept="text/html", **{"accept-language": "en"})).text
    assert "None of those looked through so far may be shown to you. Look further." in page
    after = re.search(r'href="\?after=([\w-]+)"', page)
    assert after
    assert "李小龙" in (await readers["huayou"].get(f"{PAGE}?after={after[1]}", accept="text/html")).text
    answer = await readers["huayou"].get(LIST)
    assert (answer.json(), 'rel="next"' in answer.headers["link"]) == ([], True)


async def test_a_list_is_kept_and_opened_by_its_link(http: httpx.AsyncClient, conn: Conn):
    await apply(conn, *PEOPLE)
    word = csrf((await http.get(PAGE)).text)
    query = "q=李思雨&stage=offered&column=school"
    kept = await http.post(f"{PAGE}/views?{query}", data={"csrf": word, "name": "Offers"})
    assert kept.status_code == 303
    page = (await http.get(kept.headers["location"])).text
    (link,) = set(re.findall(rf'{PAGE}/views/[\w-]+(?=")', page))
    opened_by_link = (await http.get(link)).headers["location"]
    assert "stage=offered" in opened_by_link
    assert "column=school" in opened_by_link
    assert "q=" not in opened_by_link
    await http.post(f"{link}/remove", data={"csrf": word})
    assert (await http.get(link)).status_code == 404


async def test_a_candidate_s_page_tells_what_was_seen_and_folds_what_was_taken_back(
    http: httpx.AsyncClient, conn: Conn
):
    rescinded = event(
        "offer.rescinded", candidate="c1", offer="o", reason="No budget", time="2026-03-09T09:00:00+08:00"
    )
    await apply(conn, *PEOPLE, rescinded, retraction("i2", candidate="c2"))
    page = (await http.get(f"/candidates/{CAMPAIGN}/c1", headers={"accept-language": "en"})).text
    assert re.search(r"Huayou · Chemist</strong>.*?Withdrawn by the employer", page, re.DOTALL)
    assert re.search(r'Offer extended.*class="timeline reversals".*Offer rescinded.*No budget', page, re.DOTALL)
    page = (await http.get(f"/candidates/{CAMPAIGN}/c2", headers={"accept-language": "en"})).text
    assert re.search(
        r'class="gone".*Interviewed.*class="timeline reversals".*A fact was retracted.*wrong', page, re.DOTALL
    )


async def test_what_is_implied_has_no_day(http: httpx.AsyncClient, conn: Conn):
    await apply(conn, *PEOPLE)
    page = (await http.get(f"/candidates/{CAMPAIGN}/c1", headers={"accept-language": "en"})).text
    (interviewed,) = re.findall(r"<li[^>]*><span>Interviewed</span>.*?</li>", page)
    assert "<time" not in interviewed
    assert "nobody recorded it" in interviewed
    (offered,) = re.findall(r"<li[^>]*><span>Offered</span>.*?</li>", page)
    assert "<time" in offered


class TestNotes:
    async def test_a_note_is_sealed_and_goes_with_the_person(self, http: httpx.AsyncClient, conn: Conn):
        await apply(conn, *PEOPLE)
        at = f"/candidates/{CAMPAIGN}/c1"
        word = csrf((await http.get(at)).text)
        sent = await http.post(f"/notes/{CAMPAIGN}/c1", data={"csrf": word, "text": "Prefers <Wuhan>\nand tea"})
        assert (sent.status_code, sent.headers["location"]) == (303, f"{at}#notes")
        assert "Prefers &lt;Wuhan&gt;" in (await http.get(at)).text
        stored = await (await conn.execute("SELECT text, name FROM vault.note")).fetchall()
        assert "Wuhan" not in str(stored)
        assert (await export(conn, CAMPAIGN, "c1"))["notes"][0]["text"] == "Prefers <Wuhan>\nand tea"
        await apply(conn, event("candidate.erased", candidate="c1", time="2026-06-01T09:00:00+08:00"))
        assert await (await conn.execute("SELECT count(*) FROM vault.note")).fetchall() == [(0,)]
        refused = await http.post(f"/notes/{CAMPAIGN}/c1", data={"csrf": word, "text": "Again"})
        assert refused.status_code == 404
        assert "Wuhan" not in str(await actions(conn))

    async def test_a_note_is_removed(self, http: httpx.AsyncClient, conn: Conn):
        await apply(conn, *PEOPLE)
        word = csrf((await http.get(f"/candidates/{CAMPAIGN}/c1")).text)
        for text in ("One", "Two", "  "):
            await http.post(f"/notes/{CAMPAIGN}/c1", data={"csrf": word, "text": text})
        two, one = await notes.of(conn, (CAMPAIGN, "c1"))
        assert (one.text, two.text) == ("One", "Two")
        other = await http.post(f"/notes/{CAMPAIGN}/c2", data={"csrf": word, "remove": one.id})
        assert other.status_code == 303
        await http.post(f"/notes/{CAMPAIGN}/c1", data={"csrf": word, "remove": two.id})
        assert [each.text for each in await notes.of(conn, (CAMPAIGN, "c1"))] == ["One"]
        said = [action for action, _ in await actions(conn) if action.startswith("note_")]
        assert said == ["note_added", "note_added", "note_removed"]

    async def test_an_employer_sees_none(self, readers: dict[str, Reader], conn: Conn):
        await apply(conn, *PEOPLE)
        async with conn.transaction():
            await notes.add(conn, (CAMPAIGN, "c1"), "Only for us", author="account:a", name="A")
        assert "Only for us" not in (await readers["huayou"].get(f"/candidates/{CAMPAIGN}/c1")).text
        assert "Only for us" in (await readers["organizer"].get(f"/candidates/{CAMPAIGN}/c1")).text
        answer: Any = await readers["huayou"].http.post(
            f"/notes/{CAMPAIGN}/c1", data={"text": "x"}, headers=readers["huayou"].headers
        )
        assert answer.status_code == 403
