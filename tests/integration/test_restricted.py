"""Persons who are restricted: nobody reads them, nobody writes to them, and they count on; on a real Postgres."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from notifications.channels.mailbox import Mailbox
from notifications.channels.port import SENT, TAKEN, Begin, Mail, Outcome, all_begin
from storage.vault import notes
from storage.vault.export import export
from tests.facts import CAMPAIGN, event, hired, target
from tests.integration.world import FORM, OFFER, World, applying, as_cookie, confirmed, fair, person


class Slow(Mailbox):
    """Before it comes to a mail, something happens."""

    name = "slow"
    keeps = False

    def __init__(self, happens: Callable[[], Awaitable[Any]]) -> None:
        self._happens = happens
        self.began: set[int] = set()

    async def send(self, mails: Sequence[Mail], begin: Begin = all_begin) -> list[Outcome]:
        await self._happens()
        mine = await begin(mails)
        self.began |= set(mine)
        return [SENT if mail.id in mine else TAKEN for mail in mails]


MARKS = ("Name c1", "c1@example.com", "9,000 a month", "tall and quick")
CANDIDATE = f"/v1/campaigns/{CAMPAIGN}/candidates/c1"
pytestmark = pytest.mark.usefixtures("soon")


def restricted(ground: str = "law", **more: Any) -> dict[str, Any]:
    return event("candidate.restricted", candidate="c1", ground=ground, time="2026-03-20T09:00:00+08:00", **more)


LIFTED = event("candidate.restriction_lifted", candidate="c1", time="2026-03-21T09:00:00+08:00")


async def peopled(world: World) -> None:
    """Two persons, one of whom an employer knows, with whatever a page may say of them."""
    offer = event("offer.extended", candidate="c1", **OFFER, salary="9,000 a month")
    declined = event("offer.declined", candidate="c1", offer="o1", reason="tall and quick", source="/hr/x")
    hire = hired("c1", "华友钴业")
    await confirmed(world, target("all", "hired"), fair(world.office), person(), person("c2"), offer, declined, hire)


async def shown(world: World, path: str, headers: dict[str, str], status: int = 200) -> str:
    answer = await world.http.get(path, headers=headers)
    assert answer.status_code == status, (path, answer.text)
    return answer.text


async def everything(world: World) -> dict[str, str]:
    """All that an organizer and an employer may read, by where."""
    cookie = await as_cookie(world) | {"accept": "text/html"}
    ids = [id for (id,) in await world.office.rows("SELECT id FROM messages ORDER BY id")]
    found = {}
    pages = ["", "/candidates", "/targets/all"]
    paths = [*(f"/campaigns/{CAMPAIGN}{path}" for path in pages), f"/candidates/{CAMPAIGN}/c1", "/messages", "/"]
    paths += [f"/forms/{form}?campaign={CAMPAIGN}&candidate=c1" for form in ("offer", "candidate", "answer", "lift")]
    paths += [f"/messages/{id}{part}" for id in ids for part in ("", "/html", "/text")]
    for path in paths:
        found[path] = (await world.http.get(path, headers=cookie)).text
    for whose, headers in (("organizer", world.organizer), ("employer", world.employer)):
        for path in (
            CANDIDATE,
            f"/v1/campaigns/{CAMPAIGN}/targets/all/counted",
            "/v1/messages?limit=1000",
            *(f"/v1/messages/{id}" for id in ids),
        ):
            found[f"{whose} {path}"] = (await world.http.get(path, headers=headers)).text
    return found


async def test_nobody_reads_who_is_restricted_and_they_count_on(world: World):
    await peopled(world)
    before = await everything(world)
    for mark in MARKS:
        assert [where for where, text in before.items() if mark in text], mark
    await world.office.tell(restricted())
    after = await everything(world)
    assert {where: mark for where, text in after.items() for mark in MARKS if mark in text} == {}
    assert "Name c2" in after[f"/campaigns/{CAMPAIGN}/candidates"]
    assert "1 restricted" in after[f"/campaigns/{CAMPAIGN}/candidates"]
    assert "Restricted" in after[f"/candidates/{CAMPAIGN}/c1"]
    told = (await world.http.get(CANDIDATE, headers=world.organizer)).json()
    assert told["restricted"] == {"since": "2026-03-20T01:00:00Z", "until": None, "ground": "law"}
    assert (told["timeline"], told["attributes"], told["messages"]) == ([], {}, [])
    await shown(world, CANDIDATE, world.employer, 404)
    [counted] = await world.office.rows("SELECT progress FROM targets")
    assert counted == (1,)
    listed = (await world.http.get(f"/v1/campaigns/{CAMPAIGN}/targets/all/counted", headers=world.organizer)).json()
    assert [(each["candidate"], each["name"]) for each in listed] == [("c1", None)]
    await world.office.tell(LIFTED)
    assert (await everything(world))[CANDIDATE if CANDIDATE in before else f"organizer {CANDIDATE}"].count("Name c1")


async def test_what_is_noted_of_who_is_restricted_is_for_themselves_alone(world: World):
    await peopled(world)
    async with world.office.pool.connection() as conn:
        async with conn.transaction():
            await notes.add(conn, (CAMPAIGN, "c1"), "Prefers tea", author="account:a", name="A")
        await world.office.tell(restricted())
        assert await notes.of(conn, (CAMPAIGN, "c1")) == []
        assert [each["text"] for each in (await export(conn, CAMPAIGN, "c1"))["notes"]] == ["Prefers tea"]


async def test_an_employer_may_not_post_about_who_is_restricted(world: World):
    await peopled(world)
    interview = event("candidate.interviewed", candidate="c1", employer="华友钴业", outcome="passed")
    await world.office.tell(restricted())
    answer = await world.http.post(
        "/v1/events", json=interview, headers=world.employer | {"content-type": "application/cloudevents+json"}
    )
    assert answer.status_code == 403
    assert "there is no candidate c1" in answer.text


async def test_no_message_goes_while_it_stands_and_what_still_holds_goes_afterwards(world: World):
    await peopled(world)
    await world.office.tell(restricted(), event("offer.extended", candidate="c1", **{**OFFER, "offer": "o2"}))
    await world.office.sender().send_all()
    rows = "SELECT status, reason FROM messages WHERE kind = 'offer' ORDER BY id DESC LIMIT 1"
    assert await world.office.rows(rows) == [("cancelled", "candidate restricted")]
    await world.office.tell(LIFTED)
    await world.office.sender().send_all()
    assert (await world.office.rows(rows))[0][0] == "sent"


async def test_the_own_page_says_so_and_all_other_links_lead_nowhere(world: World):
    await peopled(world)
    await world.office.tell(event("offer.extended", candidate="c1", **{**OFFER, "offer": "o3"}))
    await world.office.sender().send_all()
    mine, ticket, offer = (await world.link("me"), await world.link("tickets"), await world.link("offers"))
    async with applying(world):
        await world.post(f"{mine}/hide")
        page = await world.page(mine)
        assert "You are hidden" in page
        assert "c1@example.com" in page
        assert "c1@example.com" in await world.page(f"{mine}/data")
        for gone in (ticket, offer):
            await world.page(gone, 404)
        await world.post(f"{mine}/show")
        assert "You are hidden" not in await world.page(mine)
    said = await world.office.rows("SELECT type, source FROM facts WHERE type LIKE 'candidate.restrict%%' ORDER BY seq")
    assert said == [("candidate.restricted", "/me"), ("candidate.restriction_lifted", "/me")]


async def test_who_is_hidden_by_others_does_not_lift_it_themselves(world: World):
    await peopled(world)
    mine = await world.link("me")
    await world.office.tell(restricted())
    assert "/show" not in await world.page(mine)
    await world.post(f"{mine}/show", 409)


async def test_a_new_link_goes_to_who_is_restricted_too(world: World):
    await peopled(world)
    await world.office.tell(restricted())
    await world.post("/lost", 200, email="c1@example.com")
    await world.office.sender().send_all()
    assert await world.office.status_of("c1", "own_page") == ("sent", None)


async def test_hr_restricts_and_lifts_by_forms(world: World):
    await peopled(world)
    cookie = await as_cookie(world)
    for name, form in (("restrict", {"ground": "dispute", "until": "2027-01-01"}), ("lift", {"reason": "settled"})):
        path = f"/forms/{name}?campaign={CAMPAIGN}&candidate=c1"
        page = await world.page(path, **cookie)
        hidden = dict(re.findall(r'name="(csrf|form)" value="([^"]+)"', page))
        answer = await world.http.post(path, data={**hidden, **form}, headers=cookie | FORM)
        assert answer.status_code == 303, answer.text
        await world.apply()
        query = "SELECT restricted_ground, restricted_until::text FROM vault.person WHERE candidate = 'c1'"
        expected = ("dispute", "2027-01-01") if name == "restrict" else (None, None)
        assert await world.office.rows(query) == [expected]


async def test_an_erasure_takes_the_restriction_too(world: World):
    await peopled(world)
    await world.office.tell(restricted())
    await world.office.tell(event("candidate.erased", candidate="c1", time="2026-03-22T09:00:00+08:00"))
    assert await world.office.rows("SELECT restricted_at, key FROM vault.person WHERE candidate = 'c1'") == [
        (None, None)
    ]


async def test_no_form_and_no_preview_of_a_template_has_anything_of_them(world: World):
    await peopled(world)
    school = {"school": "武汉理工大学", "major": "Metallurgy"}
    await world.office.tell(person(id="again", time="2026-03-09T09:00:00+08:00", **school))
    cookie = await as_cookie(world)
    await world.office.tell(restricted())
    await world.post("/lost", 200, email="c1@example.com")
    for name in ("candidate", "answer", "leaver"):
        page = await world.page(f"/forms/{name}?campaign={CAMPAIGN}&candidate=c1", **cookie)
        assert [each for each in (*MARKS, *school.values(), "Chemist") if each in page] == [], name
    csrf = re.search(r'name="csrf" value="([^"]+)"', page)
    assert csrf
    draft = {"campaign": CAMPAIGN, "locale": "en", "subject": "To {{ name }}", "content": "{{ name }}", "footer": ""}
    for kind in ("signup_confirmation", "own_page", "offer"):
        form = {**draft, "csrf": csrf[1], "kind": kind, "candidate": "c1"}
        frame = await world.post("/templates/preview", 200, cookie, **form)
        assert ("Name c1" in frame, "candidate restricted" in frame) == (False, True), kind


async def test_their_own_page_has_what_hr_noted_about_them(world: World):
    await peopled(world)
    mine = await world.link("me")
    async with world.office.pool.connection() as conn, conn.transaction():
        await notes.add(conn, (CAMPAIGN, "c1"), "was late twice", author="account:a", name="Wang")
    await world.office.tell(restricted())
    assert "was late twice" in (await world.http.get(f"{mine}/data.json")).text
    assert "was late twice" in await world.page(f"{mine}/data")
    assert "was late twice" not in await world.page(f"/candidates/{CAMPAIGN}/c1", **await as_cookie(world))


@pytest.mark.parametrize("word", ["candidate.restricted", "candidate.erased"])
async def test_what_was_written_before_and_waits_for_its_turn_does_not_go(world: World, word: str):
    await peopled(world)
    await world.office.tell(event("offer.extended", candidate="c1", **{**OFFER, "offer": "o2"}))
    more = {"ground": "law"} if word == "candidate.restricted" else {}
    said = event(word, candidate="c1", time="2026-03-20T09:00:00+08:00", **more)
    channel = Slow(lambda: world.office.tell(said))
    await world.office.sender(channel).send_all()
    assert channel.began == set()


async def test_an_erasure_that_is_learned_of_late_leaves_a_later_restriction(world: World):
    """What was said before it is gone; the life that began after it is restricted."""
    await peopled(world)
    again = event("candidate.signed_up", candidate="c1", name="Once more", time="2026-03-19T09:00:00+08:00")
    erased = event("candidate.erased", candidate="c1", time="2026-03-18T09:00:00+08:00")
    await world.office.tell(again, restricted())
    await world.office.tell(erased)
    assert "Once more" not in str(await everything(world))
    assert await world.office.rows("SELECT count(*) FROM vault.person WHERE restricted_at IS NOT NULL") == [(1,)]
    await world.office.tell(LIFTED)
    assert "Once more" in (await everything(world))[f"/candidates/{CAMPAIGN}/c1"]
