"""An employer's part of a campaign: what it shows is right, and nothing of it is anybody else's."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from dashboard.fragments import Drawn
from dashboard.telling import Told
from storage.access import keys, sessions
from storage.database import Conn
from storage.journeys import of_employer
from tests.access import COOKIE, csrf, person
from tests.facts import CAMPAIGN, event, opened, signed_up, target
from tests.integration.office import Office

LATER = {"time": "2026-03-10T09:00:00+08:00"}
HERE = f"/campaigns/{CAMPAIGN}/employers/huayou"
OTHERS = ("Rival Works", "rival", "Rival post", "张三", "c-rival", "o-rival")


async def signed_in(app: Any, conn: Conn, role: str = "employer", employer: str | None = "huayou") -> httpx.AsyncClient:
    """A browser of a person with an account."""
    made = await person(conn, f"{employer}-{role}@example.com", role=role, employer=employer)
    token = await sessions.start(conn, account=made, ip="127.0.0.1", agent="tests")
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://test", headers={"accept": "text/html"},
        cookies={COOKIE: token},
    )  # fmt: skip


def employed(candidate: str, employer: str, offer: str, position: str, *, opening: str, **more: Any) -> list[Any]:
    return [
        event("candidate.interviewed", candidate=candidate, employer=employer, outcome="passed"),
        event("offer.extended", candidate=candidate, offer=offer, employer=employer, position=position,
              opening=opening, **more),
        event("offer.accepted", candidate=candidate, offer=offer, **LATER),
    ]  # fmt: skip


def world() -> list[dict[str, Any]]:
    """Two employers; each has an opening, and somebody who accepted. c3 is interviewed by both."""
    return [
        opened(),
        target("all", goal=10),
        target("ours", where={"employer": ["huayou"]}),
        target("masters", where={"education": ["master"]}),
        target("masters-won", "accepted", where={"education": ["master"], "employer": ["huayou"]}),
        target("won-by-two", "accepted", where={"employer": ["huayou", "rival"]}),
        target("signups", "signed_up"),
        event("employer.set", employer="huayou", name="华友钴业", name_en="Huayou"),
        event("employer.set", employer="rival", name="对手", name_en="Rival Works"),
        event("opening.set", opening="op1", employer="huayou", position="Chemist", seats=3),
        event("opening.set", opening="op-rival", employer="rival", position="Rival post", seats=4),
        signed_up("c1", name="李思雨", education="master"),
        signed_up("c3", name="王五"),
        signed_up("c-rival", name="张三"),
        *employed("c1", "huayou", "o1", "Chemist", opening="op1", start_on="2026-03-20"),
        *employed("c-rival", "rival", "o-rival", "Rival post", opening="op-rival"),
        event("candidate.interviewed", candidate="c3", employer="huayou", outcome="failed"),
        event("candidate.interviewed", candidate="c3", employer="rival", outcome="passed"),
        event("offer.extended", candidate="c3", offer="o3", employer="rival", position="Rival post"),
    ]


async def test_it_shows_what_is_the_employer_s(app: Any, office: Office):
    await office.tell(*world())
    async with office.pool.connection() as conn:
        http = await signed_in(app, conn)
    answer = await http.get(f"/campaigns/{CAMPAIGN}?lang=en")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{HERE}?lang=en")
    page = (await http.get(f"{HERE}?lang=en")).text
    for said in ("Huayou", "李思雨", "王五", "Chemist", "interview failed", "offer accepted", "overdue"):
        assert said in page, said
    figures = dict(re.findall(r"<dd>([^<]*)</dd><dt>(\w+)", page))
    assert re.findall(r"<dd>(\d+)</dd><dt>(?:Interviewed|Offered|Accepted|Hired)", page) == ["2", "1", "1", "0"], (
        figures
    )
    # A seat of three is taken.
    assert re.search(r'>3</td><td class="right">1</td><td class="right">0</td><td class="right strong">2<', page)
    assert sorted(re.findall(r"(\d+) of them yours", page)) == ["0", "1"]  # of targets that count it alone
    assert re.findall(r"<strong>(\d+)</strong> <span class=\"of\">yours", page) == ["0", "0"]  # that all share
    assert 'data-target="signups"' not in page
    assert 'data-target="won-by-two"' not in page  # of two, each would know the other's part


async def test_nothing_of_others_is_on_it(app: Any, office: Office):
    await office.tell(*world())
    async with office.pool.connection() as conn:
        http = await signed_in(app, conn)
    for path in (HERE, f"{HERE}?after=ImMxIg", f"/campaigns/{CAMPAIGN}"):
        page = (await http.get(path, follow_redirects=True)).text
        for hidden in OTHERS:
            assert hidden not in page, (path, hidden)


@pytest.mark.parametrize(
    "other", ["rival", "nobody", "huayou%00", "Huayou", "huayou/", "huayou%2F..%2Frival", "*", "%25"]
)
async def test_of_others_it_is_told_as_of_nobody(app: Any, office: Office, other: str):
    await office.tell(*world())
    async with office.pool.connection() as conn:
        http = await signed_in(app, conn)
    answer = await http.get(f"/campaigns/{CAMPAIGN}/employers/{other}")
    assert answer.status_code == 404
    assert "Rival" not in answer.text
    for dimension in ("employer", "school", "fair"):
        assert (await http.get(f"/campaigns/{CAMPAIGN}/by/{dimension}")).status_code == 403
    assert (await http.get(f"/campaigns/none/employers/{other}")).status_code == 404


async def test_a_viewer_sees_none_and_an_organizer_each(app: Any, office: Office):
    await office.tell(*world())
    async with office.pool.connection() as conn:
        viewer = await signed_in(app, conn, "viewer", None)
        organizer = await signed_in(app, conn, "organizer", None)
    assert (await viewer.get(HERE)).status_code == 403
    assert "张三" in (await organizer.get(f"/campaigns/{CAMPAIGN}/employers/rival")).text
    assert (await organizer.get(f"/campaigns/{CAMPAIGN}/employers/nobody")).status_code == 404


async def test_whom_it_may_not_see_any_more_is_gone(app: Any, office: Office):
    """What it posted itself opens nothing: consent to its fair did, and was withdrawn."""
    fair = {"starts_at": "2026-03-01T09:00:00+08:00", "ends_at": "2026-03-01T17:00:00+08:00", "mode": "onsite"}
    await office.tell(
        opened(),
        event("fair.scheduled", fair="f1", title="F", employers=["huayou"], **fair),
        signed_up("c1", name="李思雨", fair="f1", consent=True),
    )
    async with office.pool.connection() as conn:
        http = await signed_in(app, conn)
        key = await keys.create(conn, name="huayou", role="employer", employer="huayou")
    said = event("candidate.interviewed", candidate="c1", employer="huayou", outcome="passed", source="/huayou")
    posted = await http.post("/v1/events", json=said, headers={
        "authorization": f"Bearer {key}", "content-type": "application/cloudevents+json"})  # fmt: skip
    assert posted.status_code == 202, posted.text
    await office.apply_what_waits()
    assert "李思雨" in (await http.get(HERE)).text
    await office.tell(event("consent.withdrawn", candidate="c1", purpose="employers", **LATER))
    assert "李思雨" not in (await http.get(HERE)).text


async def test_who_started_is_reported_with_one_click(app: Any, office: Office):
    await office.tell(*world())
    async with office.pool.connection() as conn:
        http = await signed_in(app, conn)
    page = (await http.get(HERE)).text
    form = re.search(r'<form method="post" class="acts" action="(/forms/hire[^"]*)">(.*?)</form>', page, re.DOTALL)
    assert form
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form[2]))
    assert fields["started_on"] == "2026-03-20"  # as agreed
    sent = await http.post(form[1].replace("&amp;", "&"), data=fields)
    assert (sent.status_code, sent.headers["location"].partition("?")[0]) == (303, f"/campaigns/{CAMPAIGN}")
    again = await http.post(form[1].replace("&amp;", "&"), data=fields)  # a double click
    assert again.status_code == 303
    await office.apply_what_waits()
    assert await office.rows("SELECT count(*) FROM facts WHERE type = 'hire.started'") == [(1,)]
    done = await http.get(sent.headers["location"], follow_redirects=True)
    assert "started" in done.text
    assert "/forms/hire" not in done.text
    assert "Undo" in done.text or "undo" in done.text


async def test_who_left_again_is_not_to_be_reported_as_started(app: Any, office: Office):
    started = event("hire.started", candidate="c1", employer="huayou", started_on="2026-03-20", **LATER)
    left = event("hire.ended", candidate="c1", employer="huayou", ended_on="2026-03-25", time="2026-03-25T09:00:00Z")
    await office.tell(*world())
    async with office.pool.connection() as conn:
        http = await signed_in(app, conn)
        assert len(await of_employer.not_started(conn, CAMPAIGN, "huayou", limit=9)) == 1
    await office.tell(started, left)
    async with office.pool.connection() as conn:
        assert await of_employer.not_started(conn, CAMPAIGN, "huayou", limit=9) == []
    assert "overdue" not in (await http.get(f"{HERE}?lang=en")).text


async def test_fairs_of_one_title_are_told_apart(app: Any, office: Office):
    days = ("2026-04-04", "2026-04-11")
    fairs = [
        event("fair.scheduled", fair=f"f{day}", title="Saturday", mode="onsite", employers=["huayou"],
              starts_at=f"{day}T07:30:00+08:00", ends_at=f"{day}T16:00:00+08:00")
        for day in days
    ]  # fmt: skip
    await office.tell(*world(), *fairs)
    async with office.pool.connection() as conn:
        http = await signed_in(app, conn)
    page = (await http.get(f"{HERE}?lang=en")).text
    assert "Saturday · 4 Apr 2026" in page
    assert "Saturday · 11 Apr 2026" in page


async def test_it_reports_nobody_of_another_s(app: Any, office: Office):
    await office.tell(*world())
    async with office.pool.connection() as conn:
        http = await signed_in(app, conn)
    word = csrf((await http.get(HERE)).text)
    for candidate in ("c-rival", "nobody"):
        for employer in ("rival", "huayou"):
            data = {"csrf": word, "form": "0" * 32, "started_on": "2026-04-01", "employer": employer}
            sent = await http.post(f"/forms/hire?campaign={CAMPAIGN}&candidate={candidate}", data=data)
            assert sent.status_code in (403, 404), (candidate, employer, sent.status_code)
    assert await office.rows("SELECT count(*) FROM facts WHERE type = 'hire.started'") == [(0,)]


async def test_its_stream_brings_no_chart_of_others(app: Any, office: Office):
    """What is drawn for others than organizers has no morning; an employer's stream has no charts at all."""
    seen: list[dict[str, Any]] = []
    drawn = Drawn(lambda name, lang, context: seen.append(dict(context["row"])) or "", "en", "hub", morning=False)
    drawn(Told("charts", CAMPAIGN, {"targets": [], "morning": {"secret": 1}}, 0))
    assert seen == [{"targets": [], "morning": None}]


async def test_the_list_goes_on_from_page_to_page(app: Any, office: Office):
    people = [event("candidate.interviewed", candidate=f"p{n:03}", employer="huayou") for n in range(120)]
    await office.tell(opened(), *people)
    async with office.pool.connection() as conn:
        http = await signed_in(app, conn)
    at, found = HERE, []
    while at:
        page = (await http.get(at)).text
        found += re.findall(rf"/candidates/{CAMPAIGN}/(p\d+)", page)
        more = re.search(r'href="(\?after=[^"&]+)"', page)
        at = HERE + more[1] if more else ""
    assert found == [f"p{n:03}" for n in range(120)]


async def test_whoever_waits_to_be_reported_is_shown_however_many_accepted_elsewhere(office: Office):
    """Those whom it interviewed, and who accepted another's offer, are nobody to report."""
    await office.tell(
        *world(),
        *employed("c9", "huayou", "o9", "Chemist", opening="op1"),
        *[event("candidate.interviewed", candidate="c-rival", employer="huayou", id="also")],
    )
    async with office.pool.connection() as conn:
        for limit, found in ((1, ["c1"]), (2, ["c1", "c9"]), (9, ["c1", "c9"])):
            waiting = await of_employer.not_started(conn, CAMPAIGN, "huayou", limit=limit)
            assert [candidate for candidate, _ in waiting] == found
