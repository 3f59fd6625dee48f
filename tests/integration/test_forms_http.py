"""The forms by which people post facts, as browsers send them."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from dashboard.forms import preview
from producers.forms import documents
from producers.forms.making import MAKERS
from producers.forms.sent import Wrong
from schemas.access import Caller
from schemas.facts import validate_event
from schemas.forms import FORMS, UNDO_APPLIED, UNDO_GRACE, UNDO_SECONDS
from storage.access import accounts
from storage.campaigns import reads
from storage.database import Conn, connect
from storage.journeys import documents as kept_documents
from streams.apply import apply_batch
from streams.domain.requests import candidate_requests
from tests.access import csrf
from tests.facts import CAMPAIGN, event, hired, opened, signed_up
from tests.integration.applying import incoming
from tests.integration.forms import NOW, OPENING, facts, send, signed_in

pytestmark = pytest.mark.usefixtures("nobody_applies")
ABOUT = f"campaign={CAMPAIGN}&candidate=c1&fair=f1&target=t&source=/x&id=1&into=c2"


async def test_a_form_becomes_a_fact_that_says_who_posted_it(app: Any, conn: Conn):
    http = await signed_in(app, conn)
    form = {"title": "Graduates 2026", "organizer": "Park", "starts_on": "2026年1月5日", "ends_on": "2026/12/31",
            "timezone": "Asia/Shanghai", "locale": "en", "kind": ""}  # fmt: skip
    answer = await send(http, "/forms/campaign?setup=1", **form)
    (fact,) = await facts(conn)
    (account,) = await accounts.listed(conn)
    assert (answer.status_code, fact["by"]) == (303, account.poster)
    assert fact["data"]["campaign"].startswith("graduates-2026-")
    assert (fact["data"]["starts_on"], fact["data"]["ends_on"]) == ("2026-01-05", "2026-12-31")


async def test_an_employer_is_named_and_named_anew_by_a_form(app: Any, conn: Conn):
    await apply_batch(conn, incoming(opened(), OPENING), now=NOW)
    http = await signed_in(app, conn)
    unnamed = (await http.get(f"/campaigns/{CAMPAIGN}?lang=en")).text
    assert f"/forms/employer?campaign={CAMPAIGN}&amp;employer=huayou" in unnamed
    await send(http, f"/forms/employer?campaign={CAMPAIGN}", name="贝塔", name_en="Beta Works")
    await send(http, f"/forms/employer?campaign={CAMPAIGN}&employer=huayou", name="华友", reply_to="hr@huayou.example")
    new, known = await facts(conn, "employer.set")
    assert new["data"]["employer"].startswith("beta-works-")
    assert known["data"] == {
        "campaign": CAMPAIGN, "employer": "huayou", "name": "华友", "reply_to": "hr@huayou.example"
    }  # fmt: skip
    said = event("employer.set", employer="huayou", name="华友", reply_to="hr@huayou.example")
    await apply_batch(conn, incoming(said), now=NOW)
    assert "Name it" not in (await http.get(f"/campaigns/{CAMPAIGN}?lang=en")).text
    page = (await http.get(f"/forms/employer?campaign={CAMPAIGN}&employer=huayou")).text
    assert 'value="hr@huayou.example"' in page


async def test_who_may_not_speak_for_the_campaign_names_no_employer(app: Any, conn: Conn):
    await apply_batch(conn, incoming(opened()), now=NOW)
    http = await signed_in(app, conn, role="employer", employer="huayou")
    assert (await http.get(f"/forms/employer?campaign={CAMPAIGN}&employer=huayou")).status_code == 403


async def test_an_employer_is_typed_and_read_by_name(app: Any, conn: Conn):
    named = event("employer.set", employer="huayou", name="华友钴业", name_en="Huayou Cobalt")
    twins = [event("employer.set", employer=each, name="双胞胎") for each in ("twin-1", "twin-2")]
    await apply_batch(conn, incoming(opened(), named, *twins, OPENING, signed_up("c1")), now=NOW)
    http = await signed_in(app, conn)
    at = f"/forms/interview?campaign={CAMPAIGN}&candidate=c1"
    page = (await http.get(f"{at}&lang=zh-CN")).text
    assert '<option value="华友钴业">' in page
    assert '<option value="huayou">' not in page
    assert '<option value="twin-1">' in page  # a name that two have says nothing
    for typed in ("华友钴业", "Huayou Cobalt", "huayou", "双胞胎"):
        await send(http, at, employer=typed, day="2026-05-01")
    said = await facts(conn, "candidate.interviewed")
    assert [each["data"]["employer"] for each in said] == ["huayou", "huayou", "huayou", "双胞胎"]
    fair = {"title": "F", "mode": "onsite", "day": "2026-05-01", "begins": "09:00", "ends": "16:00"}
    await send(http, f"/forms/fair?campaign={CAMPAIGN}", **fair, employers="华友钴业\n别家")
    assert (await facts(conn, "fair.scheduled"))[0]["data"]["employers"] == ["huayou", "别家"]
    opening = (await http.get(f"/forms/opening?campaign={CAMPAIGN}&opening=op&lang=zh-CN")).text
    assert 'value="华友钴业"' in opening
    offer = (await http.get(f"/forms/offer?campaign={CAMPAIGN}&candidate=c1&lang=en")).text
    assert "Huayou Cobalt · Process engineer" in offer


async def test_pages_say_names_instead_of_ids(app: Any, conn: Conn):
    fair = {"title": "春季双选会", "mode": "onsite", "starts_at": "2026-05-01T09:00:00+08:00",
            "ends_at": "2026-05-01T17:00:00+08:00"}  # fmt: skip
    await apply_batch(
        conn,
        incoming(
            opened(),
            event("employer.set", employer="e-77", name="华友钴业", name_en="Huayou Cobalt", contact="0570-1"),
            event("fair.scheduled", fair="f-88", employers=["e-77"], **fair),
            event("opening.set", opening="op-99", employer="e-77", position="工艺工程师", seats=1),
            signed_up("c1", fair="f-88", email="li@example.com"),
            event("candidate.interviewed", candidate="c1", employer="e-77", outcome="passed"),
            event("offer.extended", candidate="c1", offer="o-66", opening="op-99", employer="e-77",
                  position="工艺工程师", expires_at="2026-05-01T10:00:00Z"),
            event("offer.accepted", candidate="c1", offer="o-66", time="2026-03-09T09:00:00+08:00"),
            event("hire.started", candidate="c1", offer="o-66", employer="e-77", started_on="2026-07-01"),
            event("benefit.applied", candidate="c1", benefit="b-55", kind="rent_subsidy", amount=1200),
        ),
        now=NOW,
    )  # fmt: skip
    http = await signed_in(app, conn)
    for lang, name in (("zh-CN", "华友钴业"), ("en", "Huayou Cobalt")):
        person = (await http.get(f"/candidates/{CAMPAIGN}/c1?lang={lang}")).text
        shown = re.sub(r"<[^>]*>", " ", person)
        assert name in shown
        assert "春季双选会" in shown
        assert not [id for id in ("e-77", "f-88", "o-66", "op-99", "b-55", "2026-05-01T10") if id in shown]
        campaign = re.sub(r"<[^>]*>", " ", (await http.get(f"/campaigns/{CAMPAIGN}?lang={lang}")).text)
        assert name in campaign
        assert "e-77" not in campaign
    [(id,)] = await (await conn.execute("SELECT id FROM messages WHERE kind = 'offer'")).fetchall()
    message = re.sub(r"<[^>]*>", " ", (await http.get(f"/messages/{id}?lang=zh-CN")).text)
    assert "届毕业生" in message
    assert "Name c1" in message


async def test_what_is_wrong_stands_beside_its_field_and_what_was_typed_is_kept(app: Any, conn: Conn):
    await apply_batch(conn, incoming(opened()), now=NOW)
    http = await signed_in(app, conn)
    form = {"name": "李雷", "email": "li@", "phone": "call me", "graduation_year": "soon", "school": "武汉大学"}
    answer = await send(http, f"/forms/candidate?campaign={CAMPAIGN}", **form)
    assert answer.status_code == 422
    assert all(f'id="{name}-wrong"' in answer.text for name in ("email", "phone", "graduation_year"))
    assert 'id="name-wrong"' not in answer.text
    assert all(f'value="{value}"' in answer.text for value in form.values())
    chinese = await send(http, f"/forms/candidate?campaign={CAMPAIGN}&lang=zh-CN", **form)
    assert "请填邮箱地址" in chinese.text
    assert await facts(conn) == []


async def test_a_double_click_posts_once(app: Any, conn: Conn):
    await apply_batch(conn, incoming(opened()), now=NOW)
    http = await signed_in(app, conn)
    at = f"/forms/candidate?campaign={CAMPAIGN}"
    page = (await http.get(at)).text
    token = re.search(r'name="form" value="(\w+)"', page)
    assert token
    form = {"csrf": csrf(page), "form": token[1], "name": "李雷"}
    first, second = [await http.post(at, data=form) for _ in range(2)]
    assert first.headers["location"] == second.headers["location"]
    assert len(await facts(conn)) == 1


async def test_a_form_is_undone_at_once_and_by_who_sent_it_alone(app: Any, conn: Conn):
    await apply_batch(conn, incoming(opened(), signed_up("c1"), signed_up("c2", id="s2")), now=NOW)
    http, other = await signed_in(app, conn), await signed_in(app, conn, email="li@example.com")
    at = f"/forms/hire?campaign={CAMPAIGN}&candidate=c1&candidate=c2"
    answer = await send(http, at, employer="huayou", started_on="2026-05-01")
    token = answer.headers["location"].split("done=")[1]
    undo = f"/forms/undo?campaign={CAMPAIGN}"

    async def take_back(by: httpx.AsyncClient) -> int:
        word = csrf((await by.get("/")).text)
        return (await by.post(undo, data={"csrf": word, "token": token, "next": "/"})).status_code

    assert await take_back(other) == 409
    await conn.execute("UPDATE audit SET at = at - interval '1 minute' WHERE token = %s", [token])
    assert await take_back(http) == 409
    await conn.execute("UPDATE audit SET at = now() WHERE token = %s", [token])
    assert [await take_back(http) for _ in range(2)] == [303, 303]
    said = await facts(conn, "fact.retracted")
    assert [(each["data"]["candidate"], each["data"]["id"]) for each in said] == [
        ("c1", f"{token}-0"),
        ("c2", f"{token}-1"),
    ]


async def test_the_messages_of_what_can_be_undone_wait(app: Any, conn: Conn):
    await apply_batch(conn, incoming(opened(), signed_up("c1")), now=NOW)
    http = await signed_in(app, conn)
    await send(http, f"/forms/hire?campaign={CAMPAIGN}&candidate=c1", employer="huayou", started_on="2026-05-01")
    (said,) = await facts(conn)
    assert said.pop("by").startswith("account:")
    fact = validate_event(said)
    (welcome,) = [each for each in candidate_requests(fact) if each.kind == "welcome"]
    assert welcome.not_before == fact.time + timedelta(seconds=UNDO_SECONDS + UNDO_GRACE + UNDO_APPLIED)
    elsewhere = validate_event({**said, "source": "/hr/me"})
    assert {each.not_before for each in candidate_requests(elsewhere) if each.kind == "welcome"} == {None}


async def test_more_offers_than_seats_ask_first(app: Any, conn: Conn):
    standing = event("offer.extended", candidate="c1", offer="o1", employer="huayou", position="P", opening="op")
    gone = event("offer.extended", candidate="c2", offer="o2", employer="huayou", position="P", opening="op")
    declined = event("offer.declined", candidate="c2", offer="o2", time="2026-05-01T00:00:00Z")
    await apply_batch(conn, incoming(opened(), OPENING, standing, gone, declined, signed_up("c3")), now=NOW)
    http = await signed_in(app, conn)
    at = f"/forms/offer?campaign={CAMPAIGN}&candidate=c3"
    asked = await send(http, at, opening="op")
    assert asked.status_code == 409
    assert "Seats: 1. Offers accepted or open: 1; with these 1: 2." in asked.text
    assert await facts(conn) == []
    assert (await send(http, at, opening="op", sure="1")).status_code == 303
    (offer,) = await facts(conn)
    assert (offer["data"]["employer"], offer["data"]["position"]) == ("huayou", "Process engineer")


async def test_an_employer_learns_nothing_of_another_s_openings(app: Any, conn: Conn):
    standing = event("offer.extended", candidate="c1", offer="o1", employer="huayou", position="P", opening="op")
    await apply_batch(conn, incoming(opened(), OPENING, standing, signed_up("bosch:c3")), now=NOW)
    http = await signed_in(app, conn, role="employer", employer="bosch")
    at = f"/forms/offer?campaign={CAMPAIGN}&candidate=bosch:c3"
    for opening in ("op", "none"):
        for sure in ({}, {"sure": "1"}):
            answer = await send(http, at, opening=opening, position="Driver", **sure)
            assert (answer.status_code, 'id="opening-wrong"' in answer.text) == (422, True), (opening, sure)
            assert "Offers accepted or open" not in answer.text
    assert await facts(conn) == []


async def test_a_series_is_a_fair_each_week(app: Any, conn: Conn):
    await apply_batch(conn, incoming(opened()), now=NOW)
    http = await signed_in(app, conn)
    form = {"title": "四月双选会", "mode": "onsite", "day": "2026-04-04", "begins": "9:00", "ends": "16:30"}
    await send(http, f"/forms/fair?campaign={CAMPAIGN}", **form, weekly_until="2026-04-25", employers="华友\nBosch")
    made = [each["data"] for each in await facts(conn)]
    assert [each["starts_at"] for each in made] == [f"2026-04-{day:02}T09:00:00+08:00" for day in (4, 11, 18, 25)]
    assert len({each["fair"] for each in made}) == 4
    assert made[0]["employers"] == ["华友", "Bosch"]


async def test_an_employer_speaks_for_itself_and_of_its_own_candidates(app: Any, conn: Conn):
    await apply_batch(conn, incoming(opened(), signed_up("c1"), hired("c2")), now=NOW)
    http = await signed_in(app, conn, role="employer", employer="huayou")
    assert (await http.get(f"/forms/interview?campaign={CAMPAIGN}&candidate=c1")).status_code == 404
    assert (await http.get(f"/forms/campaign?campaign={CAMPAIGN}")).status_code == 403
    at = f"/forms/interview?campaign={CAMPAIGN}&candidate=c2"
    page = (await http.get(at)).text
    form = {"csrf": csrf(page), "employer": "bosch", "day": "2026-05-01", "outcome": "passed"}
    assert (await http.post(at, data=form)).status_code == 303
    assert [each["data"]["employer"] for each in await facts(conn)] == ["huayou"]
    elsewhere = await http.post(at.replace("c2", "c1"), data=form)
    assert elsewhere.status_code in (403, 404)
    assert len(await facts(conn)) == 1


async def test_who_may_enter_one_campaign_posts_in_no_other(app: Any, conn: Conn):
    other = {**opened(), "id": "o2", "data": {**opened()["data"], "campaign": "other"}}
    await apply_batch(conn, incoming(opened(), other), now=NOW)
    http = await signed_in(app, conn, campaigns=[CAMPAIGN])
    word = csrf((await http.get(f"/forms/candidate?campaign={CAMPAIGN}")).text)
    assert (await http.get("/forms/candidate?campaign=other")).status_code == 404
    assert (await http.post("/forms/candidate?campaign=other", data={"csrf": word, "name": "x"})).status_code == 404
    assert (await http.get("/forms/campaign")).status_code == 403


async def test_every_form_is_drawn_in_both_languages(app: Any, conn: Conn):
    fair = event("fair.scheduled", fair="f1", title="Fair", mode="onsite", starts_at="2026-04-04T09:00:00+08:00",
                 ends_at="2026-04-04T16:00:00+08:00")  # fmt: skip
    await apply_batch(conn, incoming(opened(), OPENING, fair, signed_up("c1"), signed_up("c2"), hired("c1")), now=NOW)
    http = await signed_in(app, conn)
    for name in FORMS:
        for lang in ("en", "zh-CN"):
            drawn = await http.get(f"/forms/{name}?{ABOUT}&lang={lang}")
            assert drawn.status_code == 200, (name, drawn.text)
            assert f'lang="{lang}"' in drawn.text


@pytest.mark.parametrize("kind", ["fair", "opening"])
async def test_a_form_that_changes_what_is_not_there_is_not_there(app: Any, conn: Conn, kind: str):
    await apply_batch(conn, incoming(opened(), OPENING), now=NOW)
    http = await signed_in(app, conn)
    word = csrf((await http.get("/")).text)
    at = f"/forms/{kind}?campaign={CAMPAIGN}&{kind}=nothing"
    form = {"csrf": word, "employer": "e", "position": "P", "seats": "1", "title": "F", "mode": "onsite",
            "day": "2026-05-01", "begins": "09:00", "ends": "16:00"}  # fmt: skip
    assert (await http.get(at)).status_code == 404
    assert (await http.post(at, data=form)).status_code == 404
    assert await facts(conn) == []


async def test_a_form_about_nothing_is_not_there(app: Any, conn: Conn):
    await apply_batch(conn, incoming(opened()), now=NOW)
    http = await signed_in(app, conn)
    word = csrf((await http.get("/")).text)
    form = {"csrf": word, "employer": "e", "started_on": "2026-05-01", "offer": "o", "answer": "declined"}
    for name in ("hire", "answer", "retract", "target", "nonsense"):
        for about in ("", "campaign=none", "campaign=%00", f"campaign={CAMPAIGN}&candidate=%00"):
            if name == "target" and CAMPAIGN in about:
                continue
            assert (await http.get(f"/forms/{name}?{about}")).status_code == 404, (name, about)
            assert (await http.post(f"/forms/{name}?{about}", data=form)).status_code in (404, 422), (name, about)
    assert await facts(conn) == []


def test_every_form_says_something():
    assert MAKERS.keys() == FORMS.keys()


async def test_candidates_are_found_by_name_and_stage(app: Any, conn: Conn):
    people = [signed_up(f"c{n}", id=f"s{n}", name=name) for n, name in enumerate(["李雷", "100%", "韩梅梅"])]
    await apply_batch(conn, incoming(opened(), *people, hired("c0")), now=NOW)
    http = await signed_in(app, conn)

    async def found(query: str) -> list[str]:
        page = (await http.get(f"/campaigns/{CAMPAIGN}/candidates?{query}")).text
        return re.findall(r'name="candidate" value="(\w+)"', page)

    assert await found("") == ["c0", "c1", "c2"]
    assert await found("q=李") == ["c0"]
    assert await found("q=%25") == ["c1"]
    assert await found("stage=hired") == ["c0"]
    assert (await http.get(f"/campaigns/{CAMPAIGN}/candidates?stage=nonsense")).status_code == 400


def offered(candidate: str, employer: str, position: str) -> list[dict[str, Any]]:
    """Who accepted an offer."""
    offer = f"{candidate}-{employer}"
    return [
        event("offer.extended", candidate=candidate, offer=offer, employer=employer, position=position),
        event("offer.accepted", candidate=candidate, offer=offer, time="2026-03-09T09:00:00+08:00"),
    ]


async def test_each_starts_where_they_accepted_an_offer_unless_told(app: Any, conn: Conn):
    people = [*offered("c1", "huayou", "Chemist"), *offered("c2", "beta", "Driver"), signed_up("c3")]
    await apply_batch(conn, incoming(opened(), *people), now=NOW)
    http = await signed_in(app, conn)
    two = f"/forms/hire?campaign={CAMPAIGN}&candidate=c1&candidate=c2"
    assert (await send(http, two, started_on="2026-05-01")).status_code == 303
    said = [each["data"] for each in await facts(conn, "hire.started")]
    assert [(each["candidate"], each["employer"], each["position"], each["offer"]) for each in said] == [
        ("c1", "huayou", "Chemist", "c1-huayou"),
        ("c2", "beta", "Driver", "c2-beta"),
    ]
    refused = await send(http, f"{two}&candidate=c3", started_on="2026-05-01")
    assert (refused.status_code, 'id="employer-wrong"' in refused.text) == (422, True)
    assert len(await facts(conn, "hire.started")) == 2
    one = (await http.get(f"/forms/hire?campaign={CAMPAIGN}&candidate=c1")).text
    assert 'value="huayou"' in one
    assert 'value="Chemist"' in one


async def test_leavers_are_recorded_on_a_list_each_where_they_work(app: Any, conn: Conn):
    await apply_batch(conn, incoming(opened(), hired("c1"), hired("c2", employer="beta"), signed_up("c3")), now=NOW)
    http = await signed_in(app, conn)
    two = f"/forms/leaver?campaign={CAMPAIGN}&candidate=c1&candidate=c2"
    for wrong in ({"employer": "beta"}, {"employer": "nowhere"}):
        assert (await send(http, two, ended_on="2026-05-01", **wrong)).status_code == 422
    assert (await send(http, f"{two}&candidate=c3", ended_on="2026-05-01")).status_code == 422
    assert (await send(http, two, ended_on="2026-05-01", reason="Moved")).status_code == 303
    said = [each["data"] for each in await facts(conn, "hire.ended")]
    assert [(each["candidate"], each["employer"], each["reason"]) for each in said] == [
        ("c1", "huayou", "Moved"),
        ("c2", "beta", "Moved"),
    ]


LAST_YEAR = event(
    "fair.scheduled", fair="spring", title="春季双选会", mode="onsite", venue="东院体育馆", capacity=300,
    starts_at="2025-03-08T09:30:00+08:00", ends_at="2025-03-08T15:00:00+08:00", campaign="grads-2025",
)  # fmt: skip


async def test_last_year_s_fair_is_taken_over_on_the_same_day_of_the_week(app: Any, conn: Conn):
    last = {**opened(), "id": "last", "data": {**opened()["data"], "campaign": "grads-2025"}}
    await apply_batch(conn, incoming(opened(), last, LAST_YEAR), now=NOW)
    http = await signed_in(app, conn)
    at = f"/forms/fair?campaign={CAMPAIGN}"
    assert 'value="grads-2025/spring"' in (await http.get(at)).text
    page = (await http.get(f"{at}&like=grads-2025/spring")).text
    for kept in ("春季双选会", "09:30", "15:00", "东院体育馆", "300"):
        assert f'value="{kept}"' in page, kept
    day = re.search(r'name="day" type="date" value="([\d-]+)"', page)
    assert day
    assert datetime.fromisoformat(day[1]).weekday() == 5
    assert datetime.fromisoformat(day[1]).date() >= datetime.now(UTC).date() - timedelta(days=1)
    assert 'value="spring"' not in page.replace('value="grads-2025/spring"', "")  # it is a fair of its own
    for nothing in ("none/none", "x", "%00/%00", "/"):
        assert (await http.get(at, params={"campaign": CAMPAIGN, "like": nothing})).status_code in (200, 404), nothing


async def test_no_fair_of_a_campaign_that_one_may_not_enter_is_taken_over(app: Any, conn: Conn):
    last = {**opened(), "id": "last", "data": {**opened()["data"], "campaign": "grads-2025"}}
    await apply_batch(conn, incoming(opened(), last, LAST_YEAR), now=NOW)
    http = await signed_in(app, conn, campaigns=[CAMPAIGN])
    assert "春季双选会" not in (await http.get(f"/forms/fair?campaign={CAMPAIGN}&like=grads-2025/spring")).text


WOULD = [
    ({"measure": "hired"}, "2"),
    ({"measure": "hired", "education": "master"}, "1"),
    ({"measure": "signed_up", "education": ["master", "bachelor"]}, "3"),
    ({"measure": "hired", "only_employer": "huayou"}, "1"),
    ({"measure": "hired", "only_employer": "huayou", "education": "master"}, "1"),
    ({"measure": "hired", "only_employer": "beta", "education": "master"}, "0"),
    ({"measure": "fairs_held"}, "1"),
    ({"measure": "paid"}, "¥1,500"),
]


async def test_many_look_at_the_same_time(app: Any, conn: Conn):
    """Whoever holds a connection to the database waits for no other."""
    await apply_batch(conn, incoming(opened()), now=NOW)
    http, at = await signed_in(app, conn), f"/forms/target?campaign={CAMPAIGN}&lang=en"
    page = (await http.get(at)).text
    form = re.search(r'name="form" value="(\w+)"', page)
    assert form
    typed = {"measure": "hired", "goal": "10", "due_on": "2026-12-31", "look": "1"}
    data = {"csrf": csrf(page), "form": form[1], **typed}
    async with asyncio.timeout(60):
        answers = await asyncio.gather(*(http.post(at, data=data) for _ in range(20)))
    assert {each.status_code for each in answers} == {200}


@pytest.mark.parametrize(("typed", "said"), WOULD)
async def test_a_target_says_what_it_would_count_before_it_is_set(app: Any, conn: Conn, typed: Any, said: str):
    people = [signed_up(f"c{n}", id=f"s{n}", education="master" if n < 2 else "bachelor") for n in range(3)]
    fair = {**LAST_YEAR, "data": {**LAST_YEAR["data"], "campaign": CAMPAIGN}}
    paid = event("benefit.paid", candidate="c0", benefit="b", kind="insurance", amount=1500, currency="CNY")
    hires = [hired("c0"), hired("c2", employer="beta")]
    await apply_batch(conn, incoming(opened(), *people, *hires, fair, paid), now=NOW)
    http = await signed_in(app, conn)
    at = f"/forms/target?campaign={CAMPAIGN}&lang=en"
    page = await send(http, at, goal="10", due_on="2026-12-31", look="1", **typed)
    assert page.status_code == 200
    assert f"Now this would count: {said}<" in page.text
    assert await facts(conn) == []
    assert 'value="2026-12-31"' in page.text  # what was typed stays
    wrong = await send(http, at, goal="", due_on="2026-12-31", look="1", **typed)
    assert (wrong.status_code, 'id="goal-wrong"' in wrong.text) == (422, True)


FAIRS = ["spring", "autumn"]
KEPT = [
    ({"measure": "signed_up", "where": {"major": ["Chemistry"]}}, "2"),
    ({"measure": "hired", "where": {"graduation_year": [2026, "2027"]}}, "1"),
    ({"measure": "signed_up", "where": {"school": ["Wuhan", "Wuhan"]}}, "3"),
    ({"measure": "signed_up", "where": {"fair": ["spring"]}}, "2"),
    ({"measure": "signed_up", "where": {"fair": FAIRS}}, "2"),
    ({"measure": "interviewed", "where": {"employer": ["huayou", "beta"]}}, "2"),
    ({"measure": "hired", "where": {"employer": ["beta", "huayou"], "major": ["Chemistry"]}}, "2"),
    ({"measure": "fairs_held", "where": {"fair": ["spring"]}}, "1"),
]


@pytest.mark.parametrize(("said", "number"), KEPT)
async def test_what_a_target_would_count_by_conditions_that_its_form_keeps_is_what_it_counts(
    app: Any, conn: Conn, said: dict[str, Any], number: str
):
    given = [("c0", "Chemistry", 2025), ("c1", "Chemistry", 2026), ("c2", "Physics", 2028)]
    people = [
        signed_up(name, id=name, school="Wuhan", major=major, graduation_year=year) for name, major, year in given
    ]
    fairs = [
        {**LAST_YEAR, "id": each, "data": {**LAST_YEAR["data"], "campaign": CAMPAIGN, "fair": each}} for each in FAIRS
    ]
    came = [event("candidate.checked_in", candidate=c, fair=f, id=f"{c}{f}") for c in ("c0", "c1") for f in FAIRS]
    seen = [event("candidate.interviewed", candidate="c1", employer="beta", id="i"), hired("c0"), hired("c1", id="h1")]
    kept = event("target.set", target="t", title="T", goal=5, due_on="2026-12-31", id="t", **said)
    await apply_batch(conn, incoming(opened(), *people, *fairs, *came, *seen, kept), now=NOW)
    assert [str(row["progress"]) for row in await reads.targets(conn, CAMPAIGN, limit=9)] == [number]
    http = await signed_in(app, conn)
    at = f"/forms/target?campaign={CAMPAIGN}&target=t&lang=en"
    page = await send(http, at, measure=said["measure"], title="T", goal="10", due_on="2026-12-31", look="1")
    assert f"Now this would count: {number}<" in page.text


async def test_of_many_people_a_sample_is_counted_and_said_to_be_one(
    app: Any, conn: Conn, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(preview, "LOOKED_AT", 4)
    people = [signed_up(f"c{n}", id=f"s{n}", education="master") for n in range(10)]
    hires = [hired(f"c{n}", id=f"h{n}") for n in range(10)]
    await apply_batch(conn, incoming(opened(), *people, *hires), now=NOW)
    http = await signed_in(app, conn)
    typed = {"measure": "hired", "only_employer": "huayou", "education": "master", "goal": "1", "due_on": "2026-12-31"}
    page = await send(http, f"/forms/target?campaign={CAMPAIGN}&lang=en", look="1", **typed)
    assert "about 10, by a sample" in page.text


async def test_what_was_said_of_a_campaign_is_listed_and_taken_back(app: Any, conn: Conn):
    opening = event("opening.set", opening="op", employer="huayou", position="Chemist", seats=1, id="said")
    await apply_batch(conn, incoming(opened(), opening), now=NOW)
    http = await signed_in(app, conn)
    page = (await http.get(f"/campaigns/{CAMPAIGN}/facts?lang=en")).text
    assert "Opening set</strong> huayou · Chemist" in page
    at = f"/forms/retract?campaign={CAMPAIGN}&source=/hr/test&id=said"
    assert f'href="{at.replace("&", "&amp;")}"' in page
    assert "Opening set" in (await http.get(at)).text
    assert (await send(http, at, reason="Wrong seats")).status_code == 303
    [back] = await facts(conn, "fact.retracted")
    assert (back["data"]["id"], "candidate" in back["data"]) == ("said", False)


@pytest.mark.parametrize(
    ("form", "more"),
    [
        ("interview", {"day": "2026-05-01"}),
        ("offer", {"position": "Engineer"}),
        ("hire", {"started_on": "2026-05-01"}),
        ("leaver", {"ended_on": "2026-05-01"}),
    ],
)
async def test_an_employer_is_told_the_same_of_whom_it_may_not_see_and_of_nobody(
    app: Any, conn: Conn, form: str, more: dict[str, str]
):
    """Also beside somebody whom it sees: else a form tells who takes part."""
    await apply_batch(conn, incoming(opened(), signed_up("stranger"), hired("mine")), now=NOW)
    http = await signed_in(app, conn, role="employer", employer="huayou")
    word = csrf((await http.get(f"/forms/interview?campaign={CAMPAIGN}&candidate=mine")).text)
    answers = []
    for other in ("stranger", "nobody"):
        at = f"/forms/{form}?campaign={CAMPAIGN}&candidate=mine&candidate={other}"
        answer = await http.post(at, data={"csrf": word, "form": "0" * 32, **more})
        answers.append((answer.status_code, answer.text.replace(other, "…")))
    assert answers[0] == answers[1]
    assert answers[0][0] == 403
    assert await facts(conn) == []


async def test_an_employer_is_told_the_same_of_another_s_offer_or_fact_and_of_none(app: Any, conn: Conn):
    offer = event("offer.extended", candidate="mine", offer="o-theirs", employer="bosch", position="P", id="theirs")
    await apply_batch(conn, incoming(opened(), hired("mine"), signed_up("stranger", id="s"), offer), now=NOW)
    http = await signed_in(app, conn, role="employer", employer="huayou")
    word = csrf((await http.get(f"/forms/interview?campaign={CAMPAIGN}&candidate=mine")).text)

    async def told(at: str, **form: str) -> tuple[int, str]:
        answer = await http.post(at, data={"csrf": word, "form": "0" * 32, **form})
        return answer.status_code, re.sub("o-theirs|o-none|theirs|none|stranger|nobody", "…", answer.text)

    at = f"/forms/answer?campaign={CAMPAIGN}&candidate=mine"
    assert await told(at, offer="o-theirs", answer="accepted") == await told(at, offer="o-none", answer="accepted")
    source = offer["source"]
    at = f"/forms/retract?campaign={CAMPAIGN}&source={source}"
    known = await told(f"{at}&candidate=mine&id=theirs", reason="r")
    assert known == await told(f"{at}&candidate=mine&id=none", reason="r")
    known = await told(f"{at}&candidate=stranger&id=s", reason="r")
    assert known == await told(f"{at}&candidate=nobody&id=s", reason="r")


async def test_an_employer_keeps_no_more_files_in_a_campaign_than_its_share(
    app: Any, conn: Conn, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(documents, "MOST_OF_EMPLOYER", 100)
    await apply_batch(conn, incoming(opened(), signed_up("huayou:1")), now=NOW)
    http, at = await signed_in(app, conn, role="employer", employer="huayou"), f"/forms/offer?campaign={CAMPAIGN}"
    pdf, answers = b"%PDF-1.7\n1 0 obj <<>> endobj\ntrailer <<>>\n%%EOF\n", []
    for _ in range(2):
        page = (await http.get(f"{at}&candidate=huayou:1")).text
        token = re.search(r'name="form" value="(\w+)"', page)
        assert token
        form = {"csrf": csrf(page), "form": token[1], "position": "Chemist"}
        file = {"document": ("offer.pdf", pdf, "application/pdf")}
        answers.append(await http.post(f"{at}&candidate=huayou:1", data=form, files=file))
    assert [answer.status_code for answer in answers] == [303, 422]
    assert "文件已达上限" in answers[1].text or "no more can be taken" in answers[1].text
    assert await (await conn.execute("SELECT count(*) FROM documents")).fetchone() == (1,)
    assert len(await facts(conn, "offer.extended")) == 1


async def test_what_it_sends_at_once_does_not_pass_its_share_together(
    conn: Conn, database_url: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(documents, "MOST_OF_EMPLOYER", 100)
    employer, file = Caller("k", "huayou", "employer", "huayou"), b"%PDF" * 15

    async def keep(conn: Conn, name: str) -> None:
        await documents.require_room(conn, employer, CAMPAIGN, file)
        await kept_documents.store(conn, name, CAMPAIGN, ["huayou:1"], file, posted_by=employer.poster)

    async def keep_beside() -> None:
        async with await connect(database_url, name="test") as other, other.transaction():
            await keep(other, "d-2")

    async with conn.transaction():
        await keep(conn, "d-1")
        beside = asyncio.create_task(keep_beside())
        await asyncio.wait([beside], timeout=0.3)
    with pytest.raises(Wrong):
        await beside
