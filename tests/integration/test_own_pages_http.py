"""A candidate's own page, by the link in their mails; on a real Postgres, with a worker that applies what is said."""

from __future__ import annotations

import asyncio
import random
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from notifications.links.own import lost
from notifications.sending.scheduler import look
from storage.access import own_pages
from storage.journeys.addresses import Addresses
from storage.messages import reading
from storage.messages.link_secret import load_secret
from tests.access import csrf
from tests.facts import CAMPAIGN, event
from tests.integration.test_signup_http import encoded
from tests.integration.world import OFFER, World, applying, as_cookie, confirmed, fair, person
from tests.opening import told as said_by

PDF = b"%PDF-1.7\n1 0 obj <<>> endobj\ntrailer <<>>\n%%EOF\n"
STRANGE = ("", "\x00", "\ud800", "<script>", "9" * 400, "李" * 400, "a\u2028b", "true", "x@y.z")
pytestmark = pytest.mark.usefixtures("soon")


async def said(world: World) -> list[tuple[str, dict[str, Any]]]:
    return await said_by(world.office.pool, "/me")


async def test_the_page_shows_fairs_offers_interviews_and_data(world: World):
    named = event("employer.set", employer="华友钴业", name="华友钴业", name_en="Huayou Cobalt")
    terms = {
        **OFFER,
        "salary": "9,000 a month",
        "start_on": "2026-07-01",
        "place": "18 Nianxin Road",
        "contact": "Fang Wang",
        "papers": "Identity card, diploma",
    }
    await confirmed(
        world,
        named,
        fair(world.office),
        person(school="武汉理工大学", education="bachelor"),
        event("offer.extended", candidate="c1", **terms),
        event("candidate.interviewed", candidate="c1", employer="华友钴业", outcome="passed"),
    )
    page = await world.page(await world.link("me"))
    for told in (
        "Spring fair",
        "You have a seat",
        "Huayou Cobalt",
        "9,000 a month",
        "Passed",
        "武汉理工大学",
        "Bachelor",
    ):
        assert told in page, told
    offers = re.search(r'href="https://park\.example(/offers/[^"]+)"', page)
    assert offers
    answer = await world.page(offers[1])
    assert ("18 Nianxin Road" in answer, "1 July 2026" in answer) == (True, True)
    assert ("Identity card, diploma" in page, "Identity card, diploma" in answer) == (True, True)
    assert re.search(r'href="https://park\.example(/tickets/[^"]+)"', page)


async def test_every_mail_to_a_candidate_has_the_link(world: World):
    await confirmed(world, fair(world.office), person(), event("offer.extended", candidate="c1", **OFFER))
    for kind in ("signup_confirmation", "offer"):
        assert "You have a seat" in await world.page(await world.link("me", kind=kind))


async def test_signing_off_gives_the_seat_to_the_next_and_signing_up_again_gets_in_line(world: World):
    await confirmed(world, fair(world.office, hours=48, capacity=1), person(), person("c2"))
    mine, other = await world.link("me"), await world.link("me", "c2")
    assert "On the waiting list, number 1" in await world.page(other)
    async with applying(world):
        await world.post(f"{mine}/sign-off")
        await world.post(f"{mine}/sign-off")  # by a second window: said once
        assert "You are signed off" in await world.page(mine)
        async with world.office.pool.connection() as conn:
            await look(conn, world.office.clock())
        await world.office.sender().send_all()
        assert "You have a seat" in await world.page(other)
        await world.post(f"{mine}/sign-up", fair="f1")
        await world.post(f"{mine}/sign-up", 404, fair="f2")
    assert [type for type, _ in await said(world)] == ["candidate.withdrew", "candidate.signed_up"]


async def test_who_signed_off_gets_back_to_each_of_their_fairs(world: World):
    other = {**fair(world.office, hours=72), "id": "fair-2"}
    other["data"] = {**other["data"], "fair": "f2", "title": "Autumn fair"}
    await confirmed(world, fair(world.office, hours=48), other, person(), person(id="again", fair="f2"))
    mine = await world.link("me")
    async with applying(world):
        await world.post(f"{mine}/sign-off")
        await world.post(f"{mine}/sign-up", fair="f2")
        page = await world.page(mine)
        assert (page.count("You have a seat"), page.count('name="fair" value="f1"')) == (1, 1)
        await world.post(f"{mine}/correct", phone="123456")
        assert (await world.page(mine)).count("You have a seat") == 1
        await world.post(f"{mine}/sign-up", fair="f1")
        await world.post(f"{mine}/sign-up", fair="f1")  # by a second window: said once
        assert (await world.page(mine)).count("You have a seat") == 2
    assert [type for type, _ in await said(world)] == ["candidate.withdrew", *["candidate.signed_up"] * 3]


async def test_who_can_t_come_to_one_fair_keeps_the_seat_at_the_other(world: World):
    other = {**fair(world.office, hours=72), "id": "fair-2"}
    other["data"] = {**other["data"], "fair": "f2", "title": "Autumn fair"}
    first = fair(world.office, hours=48, capacity=1)
    await confirmed(world, first, other, person(), person(id="again", fair="f2"), person("c2"))
    mine = await world.link("me")
    async with applying(world):
        await world.post(f"{mine}/sign-off", 404, fair="f3")
        await world.post(f"{mine}/sign-off", fair="f1")
        await world.post(f"{mine}/sign-off", fair="f1")  # by a second window: said once
        page = await world.page(mine)
        assert (page.count("You have a seat"), page.count("You are signed off")) == (1, 1)
        async with world.office.pool.connection() as conn:
            await look(conn, world.office.clock())
        await world.office.sender().send_all()
        assert "You have a seat" in await world.page(await world.link("me", "c2"))
        await world.post(f"{mine}/sign-up", fair="f1")
        assert "On the waiting list, number 1" in await world.page(mine)
    told = await said(world)
    assert [(type, data.get("fair")) for type, data in told] == [
        ("candidate.withdrew", "f1"),
        ("candidate.signed_up", "f1"),
    ]


async def test_two_things_said_at_the_same_moment_both_count(world: World):
    await confirmed(world, fair(world.office), person(phone="123456"))
    mine = await world.link("me")
    async with applying(world):
        await asyncio.gather(
            *[world.post(f"{mine}/correct", name=f"Siyu {n}", phone=f"12345{n}") for n in range(3)],
            world.post(f"{mine}/consent", employers="true", marketing="true"),
        )
    told = [(type, data.get("purpose") or data.get("phone")) for type, data in await said(world)]
    assert {purpose for type, purpose in told if type == "consent.given"} == {"employers", "marketing"}
    assert {phone for type, phone in told if type == "candidate.signed_up"} == {"123450", "123451", "123452"}


async def test_what_is_wrong_is_corrected_and_asks_for_no_mail(world: World):
    await confirmed(world, fair(world.office), person(phone="123456"))
    mine = await world.link("me")
    async with applying(world):
        answer = await world.post(f"{mine}/correct", 422, name="Li", email="no address", phone="123456")
        assert "own-email-wrong" in answer
        await world.post(
            f"{mine}/correct", name="Siyu Li", email="c1@example.com", phone="123456", graduation_year="2027"
        )
    assert await said(world) == [
        (
            "candidate.signed_up",
            {"campaign": CAMPAIGN, "candidate": "c1", "name": "Siyu Li", "graduation_year": 2027, "fair": "f1"},
        )
    ]
    await world.office.sender().send_all()
    assert await world.office.rows("SELECT count(*) FROM messages WHERE candidate = 'c1'") == [(1,)]
    assert "Siyu Li" in await world.page(mine)


async def address_link(world: World) -> str:
    """By which another address is confirmed, by who may be hidden from all others."""
    (id,) = (await world.office.rows("SELECT id FROM messages WHERE kind = 'signup_check' ORDER BY id"))[-1]
    async with world.office.pool.connection() as conn:
        mail = await reading.mail(conn, id, hidden=True)
    assert mail
    assert (mail.subject or "").startswith("Is this your address?")
    link = re.search(r"https://park\.example(/address/\S+)", mail.text)
    assert link is not None, mail.text
    return link[1]


async def written(world: World, mine: str, address: str) -> str:
    """Write another address on one's page: the link that goes there."""
    await world.post(f"{mine}/correct", email=address)
    await world.office.sender().send_all()
    return await address_link(world)


@pytest.mark.parametrize("hidden", [False, True])
async def test_another_address_counts_once_a_link_was_used_that_went_there(world: World, hidden: bool):
    await confirmed(world, fair(world.office), person(phone="123456"))
    mine = await world.link("me")
    if hidden:
        await world.office.tell(event("candidate.restricted", candidate="c1", ground="request"))
    async with applying(world):
        answer = await world.http.post(f"{mine}/correct", data={"email": "new@example.com", "phone": "654321"})
        assert answer.headers["location"].endswith("said=check")
        assert "We wrote to the new address" in await world.page(f"{mine}?said=check")
        assert ("654321" in await world.page(mine), "new@example.com" in await world.page(mine)) == (True, False)
        await world.office.sender().send_all()
        link = await address_link(world)
        assert "new@example.com" in await world.page(link)
        assert "new@example.com" not in await world.page(mine), "to open it says nothing"
        assert "From now on" in await world.post(link, 200)
        assert "From now on" in await world.post(link, 200)
    assert "new@example.com" in await world.page(mine)
    assert await world.office.rows("SELECT count(*) FROM facts WHERE source = '/me'") == [(2,)]
    await world.page("/address/nothing", 404)


async def test_no_address_is_written_to_as_often_as_one_likes(world: World):
    await confirmed(world, fair(world.office), person())
    mine = await world.link("me")
    for n in range(5):
        await world.post(f"{mine}/correct", email=f"new{n}@example.com")
    await world.post(f"{mine}/correct", 429, email="new9@example.com")
    assert await world.office.rows("SELECT count(*) FROM messages WHERE kind = 'signup_check'") == [(5,)]


async def test_an_address_that_was_only_written_is_not_theirs_as_yet(world: World):
    """Else whoever writes another's address would be taken for them when they sign up."""
    await confirmed(world, fair(world.office), person())
    mine = await world.link("me")
    async with applying(world), world.office.pool.connection() as conn:
        known = Addresses(await load_secret(conn))
        await world.post(f"{mine}/correct", email="new@example.com")
        assert await known.claim(conn, CAMPAIGN, "New@example.com", "somebody") == "somebody"


async def test_a_question_about_an_address_lapses_once_another_was_written(world: World):
    """Else a stranger who was written to by a slip gets what is theirs by saying yes later."""
    await confirmed(world, fair(world.office), person())
    mine = await world.link("me")
    async with applying(world):
        slip = await written(world, mine, "slip@example.com")
        await world.post(f"{mine}/correct", email="right@example.com")
        await world.page(slip, 404)
        await world.post(slip, 404)
        await world.office.sender().send_all()
        right = await address_link(world)
        assert "From now on" in await world.post(right, 200)
        await world.post(slip, 404)
        assert "From now on" in await world.post(right, 200)
    assert "right@example.com" in await world.page(mine)


async def test_a_question_about_an_address_lapses_once_the_address_was_said_otherwise(world: World):
    await confirmed(world, fair(world.office), person())
    mine = await world.link("me")
    async with applying(world):
        link = await written(world, mine, "old@example.com")
        await world.post(link, 200)
        await world.office.tell(
            event(
                "candidate.signed_up",
                candidate="c1",
                name="Li",
                email="hr@example.com",
                time=datetime.now(UTC).isoformat(),
            )
        )
        await world.post(link, 404)
    assert "hr@example.com" in await world.page(mine)


async def test_a_question_about_an_address_lapses_with_the_links_to_the_page_on_which_it_was_written(world: World):
    """Who asks for another link may do so because somebody else has theirs."""
    await confirmed(world, fair(world.office), person())
    mine = await world.link("me")
    async with applying(world):
        link = await written(world, mine, "thief@example.com")
        async with world.office.pool.connection() as conn:
            await own_pages.renew(conn, CAMPAIGN, "c1")
        await world.page(link, 404)
        await world.post(link, 404)


async def test_consent_is_given_and_taken_back_in_the_words_that_were_read(world: World):
    await confirmed(world, fair(world.office), person())
    mine = await world.link("me")
    async with applying(world):
        await world.post(f"{mine}/consent", employers="true", marketing="true")
        await world.post(f"{mine}/consent", employers="true", marketing="true")
        await world.post(f"{mine}/consent", marketing="true")
    [(first, one), (_, other), (last, back)] = await said(world)
    assert (first, one["purpose"], other["purpose"]) == ("consent.given", "employers", "marketing")
    assert "I can take this back at any time" in one["text"]
    assert (last, back["purpose"]) == ("consent.withdrawn", "employers")


async def test_all_of_it_can_be_taken_away_in_two_forms(world: World):
    await confirmed(world, fair(world.office), person())
    mine = await world.link("me")
    data = (await world.http.get(f"{mine}/data.json")).json()
    assert data["person"]["email"] == "c1@example.com"
    assert [each["event"]["type"] for each in data["facts"]] == ["candidate.signed_up"]
    assert "c1@example.com" in await world.page(f"{mine}/data")


async def test_being_erased_is_asked_twice_and_then_for_good(world: World):
    await confirmed(world, fair(world.office), person())
    mine = await world.link("me")
    assert "nameless count" in await world.page(f"{mine}/erase")
    await world.post(f"{mine}/erase", 422)
    assert await said(world) == []
    async with applying(world):
        page = await world.post(f"{mine}/erase", 200, sure="true")
    assert "You are erased" in page
    assert f"(until {world.office.clock() + timedelta(days=8):%Y-%m-%d})" in page
    assert "Copies of the database that the organizer keeps" in page
    await world.page(mine, 404)
    assert [type for type, _ in await said(world)] == ["candidate.erased"]


async def test_a_lost_link_is_sent_anew_and_the_old_one_ends_and_nobody_learns_who_is_known(world: World):
    await confirmed(world, fair(world.office), person())
    old = await world.link("me")
    known = await world.http.post("/lost", data={"email": "C1@Example.com"})
    other = await world.http.post("/lost", data={"email": "nobody@example.com"})
    assert (known.status_code, known.text, known.headers) == (other.status_code, other.text, other.headers)
    await world.office.sender().send_all()
    new = await world.link("me", kind="own_page")
    await world.page(old, 404)
    assert "You have a seat" in await world.page(new)
    await world.http.post("/lost", data={"email": "c1@example.com"})  # at once again: nothing
    assert await world.office.rows("SELECT count(*) FROM messages WHERE kind = 'own_page'") == [(1,)]
    for _ in range(10):  # a day of patience
        await world.office.change("UPDATE throttles SET since = since - interval '1 hour'")
        await world.http.post("/lost", data={"email": "c1@example.com"})
    assert await world.office.rows("SELECT count(*) FROM messages WHERE kind = 'own_page'") == [(lost.A_DAY,)]


async def test_no_form_of_the_page_brings_it_down(world: World):
    await confirmed(world, fair(world.office), person())
    mine, chance = await world.link("me"), random.Random(1)
    names = [
        "name",
        "email",
        "phone",
        "education",
        "school",
        "graduation_year",
        "sure",
        "fair",
        "employers",
        "marketing",
    ]
    for n in range(60):
        deed = chance.choice(["correct", "consent", "sign-up", "erase", "nonsense"])
        form = {name: chance.choice(STRANGE) for name in chance.sample(names, 4)}
        body = encoded(form)
        at = mine if n % 2 else f"/me/{chance.choice(STRANGE[3:])}"
        answer = await world.http.post(
            f"{at}/{deed}", content=body, headers={"content-type": "application/x-www-form-urlencoded"}
        )
        assert answer.status_code < 500, (deed, form)
    assert not [
        data
        for type, data in await said(world)
        if type not in ("consent.given", "consent.withdrawn", "candidate.signed_up")
    ]


@pytest.mark.parametrize("token", ["x", "x.y", "%00", "a" * 3000])
async def test_what_is_no_link_of_ours_leads_nowhere(world: World, token: str):
    await world.page(f"/me/{token}", 404)
    await world.post(f"/me/{token}/sign-off", 404)


async def offered(world: World, file: bytes, status: int = 303) -> str:
    cookie = await as_cookie(world)
    at = f"/forms/offer?campaign={CAMPAIGN}&candidate=c1"
    page = await world.http.get(at, headers=cookie)
    found = re.search(r'name="form" value="(\w+)"', page.text)
    assert found
    form = {"csrf": csrf(page.text), "form": found[1], "employer": "华友钴业", "position": "Chemist", "salary": "9,000"}
    answer = await world.http.post(
        at,
        data=form,
        files={"document": ("offer.pdf", file, "application/pdf")},
        headers={**cookie, "accept": "text/html"},
    )
    assert answer.status_code == status, answer.text
    return answer.text


async def test_a_pdf_goes_with_an_offer_to_those_alone_who_get_it(world: World):
    await confirmed(world, person(), person("c2"))
    await offered(world, PDF)
    await world.apply()
    await world.office.change("UPDATE messages SET not_before = NULL WHERE status = 'requested'")
    await world.office.sender().send_all()
    offer = await world.link("offers")
    assert "Read the offer as a PDF" in await world.page(offer)
    answer = await world.http.get(f"{offer}/document")
    assert (answer.content, answer.headers["content-type"]) == (PDF, "application/pdf")
    [(document,)] = await world.office.rows("SELECT document FROM documents")
    await world.office.tell(event("offer.extended", candidate="c2", **OFFER, document=document))
    await world.office.sender().send_all()
    await world.page(f"{await world.link('offers', 'c2')}/document", 404)
    await world.office.tell(event("candidate.erased", candidate="c1", time="2099-01-01T00:00:00Z"))
    assert await world.office.rows("SELECT count(*) FROM documents") == [(0,)]


@pytest.mark.parametrize(
    ("file", "said"),
    [
        (b"MZ no pdf", "This is no PDF"),
        (PDF.replace(b"<<>> endobj", b"<< /S /JavaScript >> endobj"), "does something when it is opened"),
        (PDF[:-6] + b" " * (5 * 1024 * 1024) + b"%%EOF\n", "too large"),
    ],
)
async def test_what_is_no_plain_pdf_is_refused_beside_its_field(world: World, file: bytes, said: str):
    await confirmed(world, person())
    assert said in await offered(world, file, 422)
    assert await world.office.rows("SELECT count(*) FROM documents") == [(0,)]
