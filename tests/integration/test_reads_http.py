"""What is read as JSON: who may, page by page, and what a candidate's page holds."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import httpx
import pytest

from schemas.settings import Settings
from storage.access import keys
from storage.database import Conn
from streams.apply import apply_batch
from tests.access import csrf
from tests.facts import CAMPAIGN, event, hired, opened, retraction, signed_up, target
from tests.integration.applying import incoming
from tests.integration.reading import Reader, apply
from yinfeng.web.app import create_app

NOW = datetime(2026, 6, 1, tzinfo=UTC)
READERS = ("nobody", "wrong", "viewer", "huayou", "other", "organizer")

# Path → the status for each of READERS. `c1` has to do with huayou alone.
ACCESS = {
    "/v1/campaigns": (401, 401, 200, 200, 200, 200),
    f"/v1/campaigns/{CAMPAIGN}": (401, 401, 403, 200, 200, 200),
    f"/v1/campaigns/{CAMPAIGN}/targets": (401, 401, 200, 200, 200, 200),
    f"/v1/campaigns/{CAMPAIGN}/candidates/c1": (401, 401, 403, 200, 404, 200),
    f"/v1/campaigns/{CAMPAIGN}/candidates/nobody": (401, 401, 403, 404, 404, 404),
    "/v1/campaigns/none": (401, 401, 403, 404, 404, 404),
    "/v1/campaigns/none/targets": (401, 401, 404, 404, 404, 404),
    "/v1/campaigns/none/candidates/c1": (401, 401, 403, 404, 404, 404),
    "/v1/campaigns/a%00b": (401, 401, 403, 404, 404, 404),
    f"/v1/campaigns/{CAMPAIGN}/candidates/a%00b": (401, 401, 403, 404, 404, 404),
}


@pytest.mark.parametrize("path", ACCESS)
async def test_who_may_read_what(readers: dict[str, Reader], conn: Conn, path: str):
    await apply(conn, opened(), target("t"), signed_up("c1"), hired("c1"))
    answers = {name: await readers[name].get(path) for name in READERS}
    assert {name: answer.status_code for name, answer in answers.items()} == dict(
        zip(READERS, ACCESS[path], strict=True)
    )
    refusals = [answer for answer in answers.values() if answer.status_code >= 400]
    assert {answer.headers["content-type"] for answer in refusals} == {"application/problem+json"}
    assert answers["nobody"].headers["www-authenticate"].startswith("Bearer")


async def test_an_employer_can_t_tell_a_stranger_from_nobody(readers: dict[str, Reader], conn: Conn):
    await apply(conn, signed_up("c1"), hired("c1"))
    path = f"/v1/campaigns/{CAMPAIGN}/candidates"
    there, not_there = [(await readers["other"].get(f"{path}/{name}")).text for name in ("c1", "c2")]
    assert there.replace("c1", "c2") == not_there


async def test_a_revoked_key_reads_nothing(readers: dict[str, Reader], conn: Conn):
    (key,) = [each.key for each in await keys.listed(conn) if each.role == "viewer"]
    await keys.revoke(conn, key)
    assert (await readers["viewer"].get("/v1/campaigns")).status_code == 401


async def post_a_campaign(conn: Conn) -> None:
    fair = {"title": "F", "mode": "onsite", "starts_at": "2026-05-01T09:00:00+08:00", "ends_at": "2026-05-01T17:00:00Z"}
    await apply(
        conn,
        opened(),
        target("paid", measure="paid", goal=1.5),
        target("doctors", where={"education": ["doctor"]}),
        signed_up("c1", education="doctor"),
        signed_up("c2"),
        hired("c1"),
        event("benefit.paid", candidate="c1", benefit="b", kind="insurance", amount=0.25),
        event("fair.scheduled", fair="f1", **fair, cost=1.5),
        event("employer.set", employer="huayou", name="华友", name_en="Huayou", reply_to="hr@huayou.example"),
        event("employer.set", employer="beta", name="贝塔", reply_to="hr@beta.example"),
        event("opening.set", opening="o1", employer="huayou", position="Engineer", seats=3),
        event("opening.set", opening="o2", employer="beta", position="Chemist", seats=3),
    )


async def test_a_campaign(readers: dict[str, Reader], conn: Conn):
    await post_a_campaign(conn)
    (listed,) = await readers["viewer"].json("/v1/campaigns")
    assert (listed["campaign"], listed["title"], listed["starts_on"]) == (CAMPAIGN, "届毕业生", "2026-01-01")
    one = await readers["organizer"].json(f"/v1/campaigns/{CAMPAIGN}")
    assert {name: one[name] for name in listed} == listed
    steps = {"signed_up": 2, "attended": 1, "interviewed": 1, "offered": 1, "accepted": 1, "hired": 1}
    assert one["funnel"] == steps
    assert [(each["fair"], each["cost"]) for each in one["fairs"]] == [("f1", 1.5)]
    assert one["fairs_in_number"] == {"scheduled": 1, "cancelled": 0, "held": 1, "coming": 0}
    assert [(each["employer"], each["name"], each["name_en"]) for each in one["employers"]] == [
        ("huayou", "华友", "Huayou"),
        ("beta", "贝塔", None),
    ]
    assert [each["reply_to"] for each in one["employers"]] == ["hr@huayou.example", "hr@beta.example"]
    assert one["openings"] == [
        {"opening": "o2", "employer": "beta", "position": "Chemist", "seats": 3},
        {"opening": "o1", "employer": "huayou", "position": "Engineer", "seats": 3},
    ]


async def test_a_campaign_as_an_employer_reads_it(readers: dict[str, Reader], conn: Conn):
    await post_a_campaign(conn)
    theirs = await readers["huayou"].json(f"/v1/campaigns/{CAMPAIGN}")
    assert [each.get("reply_to") for each in theirs["employers"]] == ["hr@huayou.example", None]
    assert theirs["funnel"] == {"interviewed": 1, "offered": 1, "accepted": 1, "hired": 1}
    assert [each["opening"] for each in theirs["openings"]] == ["o1"]
    assert "cost" not in theirs["fairs"][0]


async def test_the_targets_of_a_campaign(readers: dict[str, Reader], conn: Conn):
    await post_a_campaign(conn)
    common = {"due_on": "2026-12-31"}
    doctors = {"target": "doctors", "title": "doctors", "measure": "hired", "goal": 100, "progress": 1}
    paid = {"target": "paid", "title": "paid", "measure": "paid", "goal": 1.5, "progress": 0.25}
    assert await readers["viewer"].json(f"/v1/campaigns/{CAMPAIGN}/targets") == [
        {**doctors, **common, "where": {"education": ["doctor"]}},
        {**paid, **common, "where": {}},
    ]


@pytest.mark.parametrize(("language", "shown"), [("en", "1 / 3 2 unanswered"), ("zh-CN", "1 / 3 2 份待答复")])
async def test_an_opening_says_how_many_of_its_seats_are_taken(
    readers: dict[str, Reader], conn: Conn, language: str, shown: str
):
    terms = {"employer": "huayou", "position": "Engineer", "opening": "o1"}
    await apply(
        conn,
        opened(),
        event("opening.set", opening="o1", employer="huayou", position="Engineer", seats=3),
        *[event("offer.extended", candidate=f"c{n}", offer=f"f{n}", **terms) for n in range(3)],
        event("offer.accepted", candidate="c1", offer="f1", time="2026-05-02T00:00:00Z"),
    )
    page = await readers["organizer"].get(f"/campaigns/{CAMPAIGN}", **{"accept-language": language})
    assert shown in " ".join(re.sub("<[^>]+>", " ", page.text).split())


async def test_a_target_that_is_still_being_counted_says_so(
    readers: dict[str, Reader], conn: Conn, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("streams.campaigns.COUNTED_AT_ONCE", 0)
    await apply_batch(conn, incoming(opened(), hired("c1")), now=NOW)
    await apply_batch(conn, incoming(target("t")), now=NOW)
    [entry] = await readers["organizer"].json(f"/v1/campaigns/{CAMPAIGN}/targets")
    assert (entry["progress"], entry["counting"]) == (0, True)
    for language, word in (("en", "Counting…"), ("zh-CN", "正在统计…")):
        page = await readers["organizer"].get(f"/campaigns/{CAMPAIGN}", **{"accept-language": language})
        assert f">{word}<" in page.text


async def test_a_campaign_that_was_not_opened_yet_is_known_by_its_facts(readers: dict[str, Reader], conn: Conn):
    await apply(conn, target("t"))
    (listed,) = await readers["viewer"].json("/v1/campaigns")
    assert (listed["campaign"], listed["title"], listed["organizer"]) == (CAMPAIGN, CAMPAIGN, None)


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
async def test_lists_go_on_from_page_to_page(readers: dict[str, Reader], conn: Conn, limit: int):
    names = ["a", "b", "é", "招聘", "z"]
    await apply(conn, *[target(name) for name in names])
    await apply(conn, *[target("t") | {"data": {**target("t")["data"], "campaign": name}} for name in names])
    assert sorted(await _walk(readers["viewer"], f"/v1/campaigns/{CAMPAIGN}/targets", "target", limit)) == sorted(names)
    found = await _walk(readers["viewer"], "/v1/campaigns", "campaign", limit)
    assert sorted(found) == sorted([*names, CAMPAIGN])


async def test_a_page_of_a_campaign_with_a_chinese_name(readers: dict[str, Reader], conn: Conn):
    events = [target(name) | {"data": {**target(name)["data"], "campaign": "春招"}} for name in "ab"]
    await apply(conn, *events)
    assert await _walk(readers["viewer"], "/v1/campaigns/春招/targets", "target", 1) == ["a", "b"]


async def _walk(reader: Reader, path: str, key: str, limit: int) -> list[str]:
    """Every key of a list, page by page as the links lead."""
    found, address = [], f"{path}?limit={limit}"
    while address:
        answer = await reader.get(address)
        assert answer.status_code == 200, answer.text
        assert len(answer.json()) <= limit
        found += [row[key] for row in answer.json()]
        address = answer.links.get("next", {}).get("url", "")
    assert len(found) == len(set(found))
    return found


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=10001", "limit"),
        ("limit=x", "limit"),
        ("after=%25%25", "after"),
        ("after=e30", "after"),
        ("after=é", "after"),
        ("after=Ilx1MDAwMCI", "after"),
        ("after=" + "a" * 2001, "after"),
    ],
)
async def test_a_bad_page_is_refused_by_name(readers: dict[str, Reader], query: str, field: str):
    answer = await readers["viewer"].get(f"/v1/campaigns?{query}")
    assert answer.status_code in (400, 422)
    assert field in answer.json()["errors"][0]["field"]


async def test_a_candidate_s_journey_timeline_and_messages(readers: dict[str, Reader], conn: Conn):
    offer = {"candidate": "c1", "offer": "o1", "employer": "huayou", "position": "Engineer"}
    await apply(
        conn,
        hired("c1", id="wrong", time="2026-05-01T00:00:00Z"),
        signed_up("c1", name="李雷", fair="f1", education="doctor", time="2026-03-01T00:00:00Z"),
        event("offer.extended", **offer, time="2026-04-01T00:00:00Z"),
        event("candidate.interviewed", candidate="c1", employer="other", time="2026-03-15T00:00:00Z"),
        retraction("wrong", candidate="c1", time="2026-05-02T00:00:00Z"),
    )
    found = await readers["organizer"].json(f"/v1/campaigns/{CAMPAIGN}/candidates/c1")
    assert found["attributes"] == {"name": "李雷", "education": "doctor"}
    assert list(found["standing"]) == ["signed_up", "attended", "interviewed", "offered"]
    assert found["offers"]["o1"]["status"] == "extended"
    assert found["hires"] == {}
    assert [(fact["type"], fact["retracted"]) for fact in found["timeline"]] == [
        ("candidate.signed_up", False),
        ("candidate.interviewed", False),
        ("offer.extended", False),
        ("hire.started", True),
        ("fact.retracted", False),
    ]
    assert sorted(each["template"] for each in found["messages"]) == ["offer", "signup_confirmation"]


async def test_an_employer_sees_nothing_of_other_employers(readers: dict[str, Reader], conn: Conn):
    offer = {"candidate": "c1", "position": "Engineer"}
    await apply(
        conn,
        signed_up("c1"),
        event("offer.extended", **offer, offer="ours", employer="huayou"),
        event("offer.extended", **offer, offer="theirs", employer="rival"),
        event("offer.declined", candidate="c1", offer="ours", reason="too far"),
        event("offer.accepted", candidate="c1", offer="theirs", reason="rival pays more"),
        event("candidate.interviewed", candidate="c1", employer="rival"),
        event("benefit.paid", candidate="c1", benefit="b", kind="insurance", amount=7),
        hired("c1", employer="rival"),
    )
    answer = await readers["huayou"].get(f"/v1/campaigns/{CAMPAIGN}/candidates/c1")
    found = answer.json()
    assert {fact["type"] for fact in found["timeline"]} == {"candidate.signed_up", "offer.extended", "offer.declined"}
    assert (list(found["offers"]), found["hires"], found["messages"]) == (["ours"], {}, [])
    assert "rival" not in answer.text
    assert "theirs" not in answer.text


async def test_a_timeline_goes_on_from_page_to_page(readers: dict[str, Reader], conn: Conn):
    moments = [
        "2026-03-01T00:00:00.000001Z",
        "2026-03-01T00:00:00Z",
        "2026-03-01T00:00:00Z",
        "2026-02-01T00:00:00+08:00",
    ]
    await apply(conn, *[signed_up("c/1", id=f"s{n}", time=moment) for n, moment in enumerate(moments)])
    found, address = [], f"/v1/campaigns/{CAMPAIGN}/candidates/c/1?limit=1"
    while address:
        answer = await readers["organizer"].get(address)
        found += [fact["id"] for fact in answer.json()["timeline"]]
        address = answer.links.get("next", {}).get("url", "")
    assert found == ["s3", "s1", "s2", "s0"]


async def test_what_was_erased_is_told_no_more(readers: dict[str, Reader], conn: Conn):
    await apply(conn, signed_up("c1", name="李雷", email="li@example.com"), hired("c1"))
    await apply(conn, event("candidate.erased", candidate="c1", time="2026-05-01T00:00:00Z"))
    answer = await readers["organizer"].get(f"/v1/campaigns/{CAMPAIGN}/candidates/c1")
    assert answer.json()["erased"] is True
    assert "李雷" not in answer.text
    assert "li@example" not in answer.text


BROWSER = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


@pytest.mark.parametrize("path", ["/", "/wall", f"/campaigns/{CAMPAIGN}", "/v1/campaigns?limit=3"])
async def test_a_browser_without_a_key_is_asked_for_it(readers: dict[str, Reader], path: str):
    answer = await readers["nobody"].get(path, **BROWSER)
    assert (answer.status_code, answer.headers["location"]) == (
        303,
        f"/login?next={path.replace('?', '%3F').replace('=', '%3D')}",
    )


@pytest.mark.parametrize(
    ("reader", "path", "status"),
    [
        ("viewer", f"/candidates/{CAMPAIGN}/c1", 403),
        ("other", f"/candidates/{CAMPAIGN}/c1", 404),
        ("huayou", f"/candidates/{CAMPAIGN}/c1", 200),
        ("organizer", f"/candidates/{CAMPAIGN}/c1", 200),
        ("organizer", "/campaigns/none", 404),
        ("viewer", "/nowhere", 404),
        ("viewer", f"/campaigns/{CAMPAIGN}", 200),
    ],
)
async def test_pages_by_role(readers: dict[str, Reader], conn: Conn, reader: str, path: str, status: int):
    hostile = "<script>alert(1)</script>"
    shown = target("t") | {"data": {**target("t")["data"], "title": hostile}}
    await apply(conn, opened(), shown, signed_up("c1", name=hostile), hired("c1"))
    answer = await readers[reader].get(path, **BROWSER)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert "script-src" not in answer.headers["content-security-policy"]
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert hostile not in answer.text


async def test_a_viewer_s_page_of_a_campaign_has_targets_alone(readers: dict[str, Reader], conn: Conn):
    opening = event("opening.set", opening="o1", employer="huayou", position="Secret work", seats=3)
    await apply(conn, opened(), target("t"), opening)
    pages = {
        name: (await readers[name].get(f"/campaigns/{CAMPAIGN}", **BROWSER)).text for name in ("viewer", "organizer")
    }
    assert "Secret work" in pages["organizer"]
    assert "Secret work" not in pages["viewer"]
    assert 'role="progressbar"' in pages["viewer"]


async def test_a_wrong_key_is_told_so_and_a_right_one_is_kept_from_scripts(readers: dict[str, Reader]):
    http = readers["viewer"].http
    own = {"csrf": csrf((await http.get("/login")).text)}
    wrong = await http.post("/login", data={"key": "yf_a_b", "next": "/wall", **own})
    assert (wrong.status_code, "revoked" in wrong.text, "set-cookie" in wrong.headers) == (401, True, False)
    token = readers["viewer"].headers["authorization"].removeprefix("Bearer ")
    right = await http.post("/login", data={"key": f" {token}\n", "next": "//evil.example", **own})
    assert (right.status_code, right.headers["location"]) == (303, "/")
    cookie = right.headers["set-cookie"].lower()
    assert all(word in cookie for word in ("httponly", "samesite=lax", "path=/"))
    assert "secure" not in cookie
    assert token not in cookie
    assert (await http.get("/v1/campaigns")).status_code == 200
    out = await http.post("/logout", data={"csrf": csrf((await http.get("/")).text)})
    assert (out.status_code, out.headers["location"]) == (303, "/login")
    assert (await http.get("/v1/campaigns")).status_code == 401


async def test_where_the_address_is_https_the_cookie_and_the_browser_stay_there(database_url: str, conn: Conn):
    token = await keys.create(conn, name="v", role="viewer")
    settings = Settings(database_url=database_url, kafka="127.0.0.1:1", public_url="https://test")
    app = create_app(settings)
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="https://test") as http,
    ):
        page = await http.get("/login")
        answer = await http.post("/login", data={"key": token, "csrf": csrf(page.text)})
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-yinfeng_session=")
    assert "; secure" in cookie.lower()
    assert answer.headers["strict-transport-security"].startswith("max-age=")
