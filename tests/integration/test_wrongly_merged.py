"""Two people whom HR took for one: what each of them sees and may say meanwhile, and that it can be undone."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest

from notifications.sending.signed_links import load
from storage.messages import by_link, claiming
from tests.facts import CAMPAIGN, event, signed_up
from tests.integration.world import OFFER, World, applying, confirmed, fair, person

STRUCTURED = {"content-type": "application/cloudevents+json"}
LATER = {"time": "2026-03-09T09:00:00+08:00"}
STATUS = "SELECT status FROM messages WHERE kind = 'offer'"
MERGED = event("candidate.merged", candidate="c2", into="c1", time="2026-03-10T09:00:00+08:00")
UNMERGED = event("candidate.unmerged", candidate="c2", into="c1", time="2026-03-11T09:00:00+08:00")
pytestmark = pytest.mark.usefixtures("soon")


async def both(world: World, *more: dict[str, Any]) -> tuple[str, str]:
    """Two people, and the links to their own pages."""
    await confirmed(world, fair(world.office), person(), person("c2", **LATER), *more)
    return await world.link("me"), await world.link("me", "c2")


async def test_who_spoke_while_merged_may_speak_on_once_unmerged(world: World):
    mine, other = await both(world)
    async with applying(world):
        await world.post(f"{other}/consent", marketing="true")
        await world.office.tell(MERGED)
        await world.post(f"{mine}/consent", marketing="true", employers="true")
        await world.office.tell(UNMERGED)
    async with world.office.pool.connection() as conn:
        spoken = await by_link.said(conn, "/me", CAMPAIGN, "c1")
    assert (len(spoken.standing), spoken.count, spoken.standing[0].id[-2:]) == (1, 2, "-2")


async def test_an_employer_signs_nobody_up_who_is_one_person_with_others(world: World):
    """What it says of its own candidate would be what is said of the person, and where the mails to them go."""
    await confirmed(world, fair(world.office), person(), person("华友钴业:1"), person("华友钴业:2"))
    own = event("candidate.signed_up", candidate="华友钴业:1", name="李", email="hr@huayou.example", source="/huayou")

    async def posted(id: str) -> int:
        answer = await world.http.post("/v1/events", json=own | {"id": id}, headers=world.employer | STRUCTURED)
        return answer.status_code

    await world.office.tell(event("candidate.merged", candidate="华友钴业:2", into="华友钴业:1"))
    assert await posted("x") == 202
    await world.office.tell(event("candidate.merged", candidate="华友钴业:2", into="c1"))
    assert await posted("y") == 403


async def test_a_link_to_their_own_page_that_went_to_the_other_ends_once_unmerged(world: World):
    await both(world)
    await world.office.tell(MERGED, event("offer.extended", candidate="c1", **OFFER))
    await world.office.sender().send_all()
    assert await world.office.rows("SELECT recipient FROM messages WHERE kind = 'offer'") == [("c2@example.com",)]
    theirs = await world.link("me", kind="offer")
    await world.page(theirs)
    await world.office.tell(UNMERGED)
    await world.page(theirs, 404)


@pytest.mark.parametrize(("purpose", "kind"), [("offers", "offer"), ("tickets", "signup_confirmation")])
async def test_a_link_of_a_mail_that_went_to_the_other_ends_once_unmerged(world: World, purpose: str, kind: str):
    """The mail told of one of them, and went to the address that the other had said last."""
    await both(world)
    mine = await world.link("tickets")
    autumn = fair(world.office, hours=48, fair="f2", title="Autumn fair")
    again = signed_up("c1", fair="f2", id="again", time="2026-03-10T10:00:00+08:00")
    await world.office.tell(MERGED, autumn, again, event("offer.extended", candidate="c1", **OFFER))
    await world.office.sender().send_all()
    theirs = await world.link(purpose, kind=kind)
    assert theirs != mine
    await world.page(theirs)
    await world.office.tell(UNMERGED)
    await world.page(theirs, 404)
    await world.page(mine)


async def test_nor_does_it_open_by_a_number_as_mails_of_before_have_it(world: World):
    await both(world)
    await world.office.tell(MERGED, event("offer.extended", candidate="c1", **OFFER))
    await world.office.sender().send_all()
    [(number,)] = await world.office.rows("SELECT id FROM messages WHERE kind = 'offer'")
    await world.office.change(f"INSERT INTO secrets (name, value) VALUES ('numbered_until', '{number}')")
    await world.office.change("UPDATE messages SET nonce = gen_random_uuid()")
    async with world.office.pool.connection() as conn:
        theirs = f"/offers/{(await load(conn, 'https://park.example')).token('answer', str(number))}"
    await world.page(theirs)
    await world.office.tell(UNMERGED)
    await world.page(theirs, 404)


async def test_what_waits_is_not_written_while_they_are_unmerged(world: World):
    """It would go to where the mails of both went until then."""
    await both(world)
    await world.office.tell(MERGED, event("offer.extended", candidate="c1", **OFFER))
    async with world.office.pool.connection() as conn, conn.transaction():
        await by_link.end_astray(conn, {(CAMPAIGN, "c1"): ["c1@example.com"]})
        await world.office.sender().send_all()
        assert await world.office.rows(STATUS) == [("requested",)]
    await world.office.sender().send_all()
    assert await world.office.rows(STATUS) == [("sent",)]


async def test_what_is_claimed_just_then_has_another_name_after(world: World):
    await both(world)
    await world.office.tell(MERGED, event("offer.extended", candidate="c1", **OFFER))
    [before] = (await world.office.names("WHERE kind = 'offer'")).values()
    async with world.office.pool.connection() as theirs, world.office.pool.connection() as ours:
        async with theirs.transaction():
            claimed = await claiming.due(theirs, ["offer"], limit=1)
            await claiming.take(theirs, claimed, [], channel="mailbox", owner="a sender", lease=60)
            ending = asyncio.create_task(by_link.end_astray(ours, {(CAMPAIGN, "c1"): ["c1@example.com"]}))
            await asyncio.wait([ending], timeout=0.3)
        await ending
    [after] = (await world.office.names("WHERE kind = 'offer'")).values()
    assert after != before


async def test_the_offer_is_answered_from_the_own_page_once_unmerged(world: World):
    await both(world)
    await world.office.tell(MERGED, event("offer.extended", candidate="c1", **OFFER))
    await world.office.sender().send_all()
    theirs = await world.link("offers", kind="offer")
    await world.office.tell(UNMERGED)
    await world.http.post("/lost", data={"email": "c1@example.com"})
    await world.office.sender().send_all()
    page = await world.page(await world.link("me"))
    (answer,) = re.findall(r'href="[^"]*(/offers/[^"]+)"', page)
    assert answer != theirs
    await world.page(answer)


async def test_who_is_erased_says_which_records_are_theirs(world: World):
    mine, _ = await both(world)
    await world.office.tell(MERGED)
    asked = await world.page(f"{mine}/erase")
    assert asked.count('name="record"') == 2
    assert 'value="c2" checked' in asked
    async with applying(world):
        await world.post(f"{mine}/erase", 422, sure="true")
        await world.post(f"{mine}/erase", 200, sure="true", record="c1")
    erased = "SELECT candidate FROM vault.person WHERE erased_at IS NOT NULL"
    assert await world.office.rows(erased) == [("c1",)]
