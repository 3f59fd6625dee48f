"""Forms when something is amiss: nobody is chosen, a name is mistyped, a field is emptied, what was done is undone."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from storage.database import Conn
from streams.apply import apply_batch
from tests.access import csrf
from tests.facts import CAMPAIGN, event, opened, signed_up
from tests.integration.applying import incoming
from tests.integration.forms import NOW, OPENING, facts, send, signed_in

pytestmark = pytest.mark.usefixtures("nobody_applies")
PDF = b"%PDF-1.7\n1 0 obj <<>> endobj\ntrailer <<>>\n%%EOF\n"
LI = f"campaign={CAMPAIGN}&candidate=c1"


def fair(name: str, day: str, title: str = "四月双选会") -> dict[str, Any]:
    times = {"starts_at": f"{day}T07:30:00+08:00", "ends_at": f"{day}T16:00:00+08:00"}  # the day before, by UTC
    return event("fair.scheduled", fair=name, title=title, mode="onsite", id=name, **times)


async def typed_into(http: httpx.AsyncClient, at: str) -> dict[str, str]:
    """What the fields of a form hold when it is opened, hidden ones too."""
    page = (await http.get(at)).text
    found = dict(re.findall(r'<input [^>]*?name="([\w.]+)"[^>]*? value="([^"]*)"', page))
    found |= dict(re.findall(r'<input id="(\w+)"[^>]*? value="([^"]*)"', page))
    for name, choices in re.findall(r'<select id="(\w+)".*?>(.*?)</select>', page, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', choices)
        found[name] = chosen[1] if chosen else ""
    ticked = re.findall(r'type="checkbox" name="(\w+)" value="(\w+)" checked', page)
    return {name: value for name, value in found.items() if name != "consent"} | dict(ticked)


async def undo(http: httpx.AsyncClient, answer: httpx.Response) -> httpx.Response:
    """Press the button of the notice that the answer leads to."""
    token = answer.headers["location"].split("done=")[1]
    page = (await http.get(answer.headers["location"])).text
    onward = re.search(r'name="next" value="([^"]*)"', page)
    assert onward, page
    form = {"csrf": csrf(page), "token": token, "next": onward[1].replace("&amp;", "&")}
    return await http.post(f"/forms/undo?campaign={CAMPAIGN}", data=form)


async def test_where_something_is_undone_one_stays(app: Any, conn: Conn):
    """Also in the steps of opening a campaign, whose addresses say which campaign that is."""
    await apply_batch(conn, incoming(opened()), now=NOW)
    http = await signed_in(app, conn)
    at = f"/forms/target?campaign={CAMPAIGN}&setup=1"
    answer = await send(http, at, measure="hired", goal="10", due_on="2026-12-31")
    back = await undo(http, answer)
    assert back.headers["location"].startswith(at)
    assert (await http.get(back.headers["location"])).status_code == 200


async def test_who_undoes_the_opening_of_a_campaign_is_led_to_where_others_are(app: Any, conn: Conn):
    await apply_batch(conn, incoming(opened()), now=NOW)
    http = await signed_in(app, conn)
    form = {"title": "T", "organizer": "P", "starts_on": "2026-01-05", "ends_on": "2026-12-31",
            "timezone": "Asia/Shanghai", "locale": "en"}  # fmt: skip
    answer = await send(http, f"/forms/campaign?campaign={CAMPAIGN}", **form)
    assert (await undo(http, answer)).headers["location"].startswith("/?done=")


async def test_a_new_campaign_that_is_not_applied_yet_is_waited_for_where_campaigns_are(app: Any, conn: Conn):
    http = await signed_in(app, conn)
    form = {"title": "T", "organizer": "P", "starts_on": "2026-01-05", "ends_on": "2026-12-31",
            "timezone": "Asia/Shanghai", "locale": "en"}  # fmt: skip
    answer = await send(http, "/forms/campaign?setup=1", **form)
    assert answer.headers["location"].startswith("/?done=")
    assert (await http.get(answer.headers["location"])).status_code == 200


@pytest.mark.parametrize("form", ["offer", "interview", "hire", "leaver", "checkin"])
async def test_who_chose_nobody_is_told_so_on_the_list(app: Any, conn: Conn, form: str):
    await apply_batch(conn, incoming(opened(), signed_up("c1", education="master")), now=NOW)
    http = await signed_in(app, conn)
    listed = (await http.get(f"/campaigns/{CAMPAIGN}/candidates?education=master&lang=en")).text
    narrowed = re.search(r'name="list" value="([^"]*)"', listed)
    assert narrowed
    answer = await http.get(f"/forms/{form}", params={"campaign": CAMPAIGN, "list": narrowed[1]})
    assert answer.status_code == 303
    page = (await http.get(answer.headers["location"])).text
    assert "Nobody is chosen yet" in page
    assert '<option value="master" selected>' in page


async def test_after_many_one_is_back_at_the_list_as_it_was_narrowed(app: Any, conn: Conn):
    await apply_batch(conn, incoming(opened(), signed_up("c1"), signed_up("c2", id="s2")), now=NOW)
    http = await signed_in(app, conn)
    at = f"/forms/interview?campaign={CAMPAIGN}&candidate=c1&candidate=c2&list=stage%3Dsigned_up%26done%3Dx"
    assert f'href="/campaigns/{CAMPAIGN}/candidates?stage=signed_up"' in (await http.get(at)).text
    answer = await send(http, at, employer="huayou", day="2026-05-01")
    assert answer.headers["location"].startswith(f"/campaigns/{CAMPAIGN}/candidates?stage=signed_up&done=")


async def test_the_fairs_of_a_series_are_told_apart_by_their_days(app: Any, conn: Conn):
    series = [fair("f1", "2026-04-04"), fair("f2", "2026-04-11"), fair("f3", "2026-05-01", "五月双选会")]
    await apply_batch(
        conn, incoming(opened(), *series, signed_up("c1", fair="f2"), signed_up("c1", fair="f3", id="s2")), now=NOW
    )
    http = await signed_in(app, conn)
    for form in ("candidate", "checkin"):
        page = (await http.get(f"/forms/{form}?{LI}&lang=zh-CN")).text
        assert "四月双选会 · 2026年4月4日 07:30" in page
        assert "四月双选会 · 2026年4月11日 07:30" in page
    person = (await http.get(f"/candidates/{CAMPAIGN}/c1")).text
    assert person.count("四月双选会 · 2026年4月11日") == 2  # where they signed up, and where they stand in line
    assert "五月双选会 ·" not in person
    listed = (await http.get(f"/campaigns/{CAMPAIGN}/candidates?column=fairs")).text
    assert "四月双选会 · 2026年4月11日" in listed
    assert "四月双选会 · 2026年4月4日 07:30" in (await http.get(f"/forms/cancel_fair?campaign={CAMPAIGN}&fair=f1")).text


async def test_a_day_is_the_day_that_it_is_where_the_campaign_is(app: Any, conn: Conn):
    hidden = event("candidate.restricted", candidate="c1", ground="request", time="2026-05-01T23:30:00Z")
    await apply_batch(conn, incoming(opened(), fair("f1", "2026-04-04"), signed_up("c1"), hidden), now=NOW)
    http = await signed_in(app, conn)
    assert "4月4日" in (await http.get(f"/campaigns/{CAMPAIGN}/by/fair?lang=zh-CN")).text
    assert "2026年5月2日" in (await http.get(f"/candidates/{CAMPAIGN}/c1")).text
    assert "四月双选会 · 2026年4月4日 · " in (await http.get(f"/forms/fair?campaign={CAMPAIGN}")).text


@pytest.mark.parametrize("typed", ["博世(中国)", "博世（中国） ", "ｂｏｓｃｈ  China"])
async def test_an_employer_is_known_however_its_name_is_typed(app: Any, conn: Conn, typed: str):
    named = event("employer.set", employer="bosch", name="博世（中国）", name_en="Bosch China")
    await apply_batch(conn, incoming(opened(), named, signed_up("c1")), now=NOW)
    http = await signed_in(app, conn)
    await send(http, f"/forms/interview?{LI}", employer=typed, day="2026-05-01")
    times = {"title": "F", "mode": "onsite", "day": "2026-05-01", "begins": "09:00", "ends": "16:00"}
    await send(http, f"/forms/fair?campaign={CAMPAIGN}", **times, employers=f"{typed}\nCATL")
    interview, scheduled = await facts(conn)
    assert interview["data"]["employer"] == "bosch"
    assert scheduled["data"]["employers"] == ["bosch", "CATL"]


async def test_a_name_near_to_an_employer_s_is_asked_about_once(app: Any, conn: Conn):
    named = event("employer.set", employer="huayou", name="浙江华友钴业股份有限公司")
    await apply_batch(conn, incoming(opened(), named, signed_up("c1")), now=NOW)
    http, at = await signed_in(app, conn), f"/forms/interview?{LI}&lang=zh-CN"
    typed = {"employer": "浙江华友股业股份有限公司", "day": "2026-05-01"}
    asked = await send(http, at, **typed)
    assert asked.status_code == 422
    assert "是否指“浙江华友钴业股份有限公司”" in asked.text
    assert f'value="{typed["employer"]}"' in asked.text
    assert await facts(conn) == []
    new = re.findall(r'name="new" value="([^"]*)"', asked.text)
    assert (await send(http, at, **typed, new=new)).status_code == 303
    far = {**typed, "employer": "浙江宁德时代股份有限公司"}
    assert (await send(http, at, **far)).status_code == 303
    assert [each["data"]["employer"] for each in await facts(conn)] == [typed["employer"], far["employer"]]


async def test_only_what_was_touched_is_said_of_a_person(app: Any, conn: Conn):
    """So that two who change somebody at once lose nothing; and in a line where the person stands already, so that
    nobody is told once more that they signed up."""
    known = signed_up("c1", name="李雷", school="Old school", phone="13800000001", fair="f1")
    await apply_batch(conn, incoming(opened(), fair("f1", "2026-06-04"), known), now=NOW)
    http, at = await signed_in(app, conn), f"/forms/candidate?{LI}"
    stale = await typed_into(http, at)
    assert stale["was.school"] == "Old school"
    await http.post(at, data={**stale, "phone": "13900000002"})
    (said,) = await facts(conn)
    assert said["data"] == {
        "campaign": CAMPAIGN,
        "candidate": "c1",
        "name": "李雷",
        "phone": "13900000002",
        "fair": "f1",
    }


async def test_what_is_emptied_or_left_as_it_was_is_told(app: Any, conn: Conn):
    await apply_batch(conn, incoming(opened(), signed_up("c1", name="李雷", phone="13800000001")), now=NOW)
    http, at = await signed_in(app, conn), f"/forms/candidate?{LI}&lang=en"
    held = await typed_into(http, at)
    emptied = await http.post(at, data={**held, "phone": ""})
    assert (emptied.status_code, 'id="phone-wrong"' in emptied.text) == (422, True)
    assert 'name="was.phone" value="13800000001"' in emptied.text
    same = await http.post(at, data=held)
    assert (same.status_code, "Nothing was changed" in same.text) == (422, True)
    assert await facts(conn) == []


async def test_consent_that_is_unticked_is_taken_back(app: Any, conn: Conn):
    await apply_batch(conn, incoming(opened(), signed_up("c1", name="李雷", consent=True)), now=NOW)
    http, at = await signed_in(app, conn), f"/forms/candidate?{LI}"
    held = await typed_into(http, at)
    assert held["consent"] == "true"
    del held["consent"]
    await http.post(at, data=held)
    (said,) = await facts(conn)
    assert said["data"]["consent"] is False


async def test_a_no_to_consent_is_not_said_again_with_whatever_else_is_changed(app: Any, conn: Conn):
    await apply_batch(conn, incoming(opened(), signed_up("c1", name="李雷", consent=False)), now=NOW)
    http, at = await signed_in(app, conn), f"/forms/candidate?{LI}"
    await http.post(at, data={**await typed_into(http, at), "major": "Chemistry"})
    (said,) = await facts(conn)
    assert said["data"] == {"campaign": CAMPAIGN, "candidate": "c1", "name": "李雷", "major": "Chemistry"}


async def test_who_withdrew_is_signed_up_again_by_nobody_unawares(app: Any, conn: Conn):
    gone = event("candidate.withdrew", candidate="c1", time="2026-05-01T00:00:00Z")
    await apply_batch(conn, incoming(opened(), signed_up("c1", name="李雷"), gone), now=NOW)
    http = await signed_in(app, conn)
    person = (await http.get(f"/candidates/{CAMPAIGN}/c1?lang=en")).text
    assert "Sign up again" in person
    assert "Change particulars" not in person
    form = (await http.get(f"/forms/candidate?{LI}")).text
    assert "This person has withdrawn. What you save here signs them up again." in form


async def test_who_withdraws_while_somebody_changes_them_is_signed_up_again_by_nobody_unawares(app: Any, conn: Conn):
    await apply_batch(conn, incoming(opened(), signed_up("c1", name="李雷")), now=NOW)
    http, at = await signed_in(app, conn), f"/forms/candidate?{LI}&lang=en"
    changed = {**await typed_into(http, at), "major": "Chemistry"}
    gone = event("candidate.withdrew", candidate="c1", time="2026-05-01T00:00:00Z")
    await apply_batch(conn, incoming(gone), now=NOW)
    answer = await http.post(at, data=changed)
    assert (answer.status_code, await facts(conn)) == (422, [])
    assert "This person has withdrawn meanwhile, so nothing was saved." in answer.text
    again = dict(re.findall(r'<input type="hidden" name="(again)" value="([^"]*)"', answer.text))
    assert (await http.post(at, data={**changed, **again})).status_code == 303
    assert [each["data"]["major"] for each in await facts(conn)] == ["Chemistry"]


async def test_a_target_that_is_changed_keeps_the_conditions_that_its_form_does_not_show(app: Any, conn: Conn):
    where = {"school": ["武汉大学"], "employer": ["huayou", "bosch"], "education": ["master"]}
    row = event("target.set", target="t", title="T", measure="hired", goal=5, due_on="2026-12-31", where=where)
    named = event("employer.set", employer="huayou", name="华友钴业")
    await apply_batch(conn, incoming(opened(), named, row), now=NOW)
    http, at = await signed_in(app, conn), f"/forms/target?campaign={CAMPAIGN}&target=t&lang=zh-CN"
    page = (await http.get(at)).text
    assert "以下条件保持不变：" in page
    assert "武汉大学" in page
    assert "华友钴业和bosch" in page
    typed = {"measure": "hired", "goal": "10", "due_on": "2026-12-31", "title": "T"}
    await send(http, at, **typed, education="doctor")
    await send(http, at, **typed, only_employer="华友钴业")
    assert [each["data"]["where"] for each in await facts(conn)] == [
        {"school": ["武汉大学"], "employer": ["huayou", "bosch"], "education": ["doctor"]},
        {"school": ["武汉大学"], "employer": ["huayou"]},
    ]


async def test_a_file_that_no_browser_keeps_is_asked_for_again(app: Any, conn: Conn):
    standing = event("offer.extended", candidate="c2", offer="o1", employer="huayou", position="P", opening="op")
    await apply_batch(conn, incoming(opened(), OPENING, standing, signed_up("c1")), now=NOW)
    http, at = await signed_in(app, conn), f"/forms/offer?{LI}&lang=en"
    held = await typed_into(http, at)
    for typed, status in (({"opening": "op"}, 409), ({"opening": "op", "expires_on": "soon"}, 422)):
        file = {"document": ("offer.pdf", PDF, "application/pdf")}
        answer = await http.post(at, data={**held, **typed}, files=file)
        assert answer.status_code == status
        assert 'id="document-wrong"' in answer.text
        assert "Choose the file once more" in answer.text


async def test_an_offer_that_would_have_expired_is_not_made(app: Any, conn: Conn):
    """Offers expire at 18:00 on their last day, where the campaign is."""
    about = event("campaign.opened", title="T", organizer="P", starts_on="2020-01-01", ends_on="2099-01-01")
    await apply_batch(conn, incoming(about, signed_up("c1")), now=NOW)
    http = await signed_in(app, conn)
    over = (datetime.now(ZoneInfo("Asia/Shanghai")) - timedelta(hours=18)).date().isoformat()
    answer = await send(http, f"/forms/offer?{LI}", employer="huayou", position="P", expires_on=over)
    assert (answer.status_code, 'id="expires_on-wrong"' in answer.text) == (422, True)


async def test_the_one_offer_that_there_is_is_chosen_to_be_answered(app: Any, conn: Conn):
    offer = event("offer.extended", candidate="c1", offer="o1", employer="huayou", position="P")
    await apply_batch(conn, incoming(opened(), signed_up("c1"), offer), now=NOW)
    http = await signed_in(app, conn)
    assert (await typed_into(http, f"/forms/answer?{LI}"))["offer"] == "o1"


async def test_time_zones_are_called_as_people_call_them(app: Any, conn: Conn):
    http = await signed_in(app, conn)
    assert ">中国标准时间 (Asia/Shanghai)<" in (await http.get("/forms/campaign?lang=zh-CN")).text
