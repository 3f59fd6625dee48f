"""Links from mails, opened as candidates open them: tickets, calendars, offers, unsubscribing; on a real Postgres."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from icalendar import Calendar

from notifications.sending import suppressing
from notifications.sending.scheduler import look
from schemas.kinds import MARKETING
from storage.journeys.states import stands
from storage.ledger.events import WHOLE
from storage.messages import suppressions
from tests.facts import event, hired, retraction, signed_up
from tests.integration.world import OFFER, World, as_cookie, confirmed, fair, person
from tests.opening import as_said

SHANGHAI = ZoneInfo("Asia/Shanghai")


async def test_a_ticket_is_shown_to_whoever_holds_it_in_its_own_language(world: World):
    await confirmed(world, fair(world.office), person(locale="zh-CN"))
    path = await world.link("tickets")
    shown = await world.page(path)
    assert ("有效" in shown, "Name c1" in shown, "Spring fair" in shown) == (True, True, True)
    assert "data:image/png;base64," in shown
    assert "Valid" in await world.page(f"{path}?lang=en")
    for action in ("check-in", "undo"):
        assert f"/{action}" not in shown
        await world.post(f"{path}/{action}", 401)
        await world.post(f"{path}/{action}", 403, world.employer)
        await world.post(f"{path}/{action}", 403, await as_cookie(world) | {"sec-fetch-site": "cross-site"})


async def test_the_organizer_checks_a_ticket_in_and_takes_it_back(world: World):
    await confirmed(world, fair(world.office), person())
    path = await world.link("tickets")
    assert "Check in" in await world.page(path, **world.organizer)
    await asyncio.gather(*[world.post(f"{path}/check-in", headers=world.organizer) for _ in range(3)])
    assert [type for type, _, _ in await world.said()] == ["candidate.checked_in"]
    for _ in range(2):  # at once, and when it has been applied
        shown = await world.page(path, **world.organizer)
        assert ("Checked in on" in shown, "Undo" in shown) == (True, True)
        await world.apply()
    await world.post(f"{path}/undo", headers=world.organizer)
    for _ in range(2):
        assert "Check in" in await world.page(path, **world.organizer)
        await world.apply()
    await world.post(f"{path}/check-in", headers=world.organizer)
    await world.apply()
    assert "Checked in on" in await world.page(path)
    types = [type for type, _, _ in await world.said()]
    assert types == ["candidate.checked_in", "fact.retracted", "candidate.checked_in"]
    standing = await world.office.rows(f"SELECT {stands('attended', '')} FROM journeys")
    assert standing == [(True,)]


@pytest.mark.parametrize(
    ("changes", "said", "admits"),
    [
        ({"hours": 30}, "Your seat is kept", False),
        ({"hours": -30}, "over", False),
        ({"capacity": 1}, "waiting list", True),
    ],
)
async def test_what_a_ticket_says_of_its_fair(world: World, changes: dict[str, Any], said: str, admits: bool):
    first = signed_up("c0", fair="f1", email="c0@example.com", time="2026-03-01T09:00:00+08:00")
    await confirmed(world, fair(world.office), first, person())
    path = await world.link("tickets")
    await world.office.tell(fair(world.office, **changes, time="2026-03-20T09:00:00+08:00"))
    if "capacity" in changes:
        await world.office.change("UPDATE seats SET waiting = true WHERE candidate = 'c1'")
    shown = await world.page(path, **world.organizer)
    assert (said in shown, "/check-in" in shown) == (True, admits)
    await world.post(f"{path}/check-in", 303 if admits else 409, world.organizer)


@pytest.mark.parametrize(
    ("fact", "said"),
    [
        (event("fair.cancelled", fair="f1", time="2026-04-01T09:00:00+08:00"), "has been cancelled"),
        (event("candidate.withdrew", candidate="c1", time="2026-04-01T09:00:00+08:00"), "takes no part"),
        (retraction("s-c1", candidate="c1"), "takes no part"),
    ],
)
async def test_a_ticket_that_admits_nobody_has_no_code(world: World, fact: dict[str, Any], said: str):
    await confirmed(world, fair(world.office), person())
    path = await world.link("tickets")
    await world.office.tell(fact)
    shown = await world.page(f"{path}?lang=en", **world.organizer)
    assert (said in shown, "data:image/png" in shown) == (True, False)
    await world.post(f"{path}/check-in", 409, world.organizer)


async def test_the_calendar_has_the_fair_as_it_stands_now(world: World):
    await confirmed(world, fair(world.office), person())
    path = await world.link("calendar")
    before = _event(await world.page(path))
    moved = fair(world.office, hours=50, venue="Hall 2", time="2026-03-20T09:00:00+08:00")
    await world.office.tell(moved)
    after = _event(await world.page(path))
    assert before["uid"] == after["uid"]
    assert after["sequence"] > before["sequence"]
    assert after.start == datetime.fromisoformat(moved["data"]["starts_at"])
    assert "Hall 2" in after["location"]
    await world.office.tell(event("fair.cancelled", fair="f1", time="2026-04-01T09:00:00+08:00"))
    assert (_event(await world.page(path))["status"], _event(await world.page(path))["uid"]) == (
        "CANCELLED",
        before["uid"],
    )


def _event(text: str) -> Any:
    [found] = Calendar.from_ical(text).events
    return found


async def offered(world: World, **more: Any) -> str:
    await confirmed(world, person(fair=None), event("offer.extended", candidate="c1", id="x1", **OFFER, **more))
    return await world.link("offers")


def version(page: str) -> str:
    found = re.search(r'name="version" value="(\w+)"', page)
    assert found
    return found[1]


@pytest.mark.parametrize(("answer", "shown"), [("accepted", "you have accepted"), ("declined", "you have declined")])
async def test_an_offer_is_answered_by_its_link(world: World, answer: str, shown: str):
    path = await offered(world)
    page = await world.page(path)
    assert ("Accept the offer" in page, "Decline the offer" in page, "Chemist" in page) == (True, True, True)
    assert await world.said() == []  # looking answers nothing
    form = {"answer": answer, "version": version(page), "reason": "far\taway\x07 from home"}
    await asyncio.gather(*[world.post(path, **form) for _ in range(3)])
    [(type, source, by)] = await world.said()
    assert (type, source, by.partition(":")[0]) == (f"offer.{answer}", "/offers", "link")
    for _ in range(2):
        assert shown in await world.page(path)
        await world.apply()
    await world.post(path, **form)
    assert len(await world.said()) == 1
    rows = await world.office.rows(f"SELECT {WHOLE}::jsonb FROM facts f WHERE source = '/offers'")
    async with world.office.pool.connection() as conn:
        said = await as_said(conn, [event for (event,) in rows])
    assert [each["data"].get("reason") for each in said] == ["far away from home" if answer == "declined" else None]
    await world.office.sender().send_all()
    told = await world.office.rows(
        "SELECT m.status, text FROM messages m JOIN mails ON message = m.id WHERE kind = 'offer_answered'"
    )
    assert [(status, "Name c1" in text) for status, text in told] == [("sent", True)]


async def test_an_answer_may_be_changed_while_the_offer_stands(world: World):
    path = await offered(world)
    seen = version(await world.page(path))
    for answer, other in (("accepted", "Decline after all"), ("declined", "Accept after all"), ("accepted", "Decline")):
        await world.post(path, answer=answer, version=seen)
        assert other in await world.page(path)
        await world.apply()
    assert [type for type, _, _ in await world.said()] == ["offer.accepted", "offer.declined", "offer.accepted"]
    await world.office.tell(hired("c1", "华友钴业"))
    assert "You have started" in await world.page(path)
    await world.post(path, 409, answer="declined", version=seen)


async def test_an_answer_counts_though_the_offer_s_clock_was_ahead(world: World):
    path = await offered(world, time=(world.office.clock() + timedelta(minutes=10)).isoformat())
    await world.post(path, answer="accepted", version=version(await world.page(path)))
    await world.apply()
    assert "you have accepted" in await world.page(path)


async def test_who_answers_has_read_the_terms_as_they_are(world: World):
    path = await offered(world)
    seen = version(await world.page(path))
    await world.office.tell(
        event("offer.extended", candidate="c1", **{**OFFER, "position": "Driver"}, time="2026-03-20T09:00:00+08:00")
    )
    shown = await world.post(path, 409, answer="accepted", version=seen)
    assert ("has changed" in shown, "Driver" in shown) == (True, True)
    assert await world.said() == []
    await world.post(path, answer="accepted", version=version(shown))


@pytest.mark.parametrize(
    ("fact", "said"),
    [
        (
            event("offer.rescinded", candidate="c1", offer="o1", time="2026-04-01T09:00:00+08:00"),
            "has withdrawn this offer",
        ),
        (event("candidate.withdrew", candidate="c1", time="2026-04-01T09:00:00+08:00"), "withdrawn"),
        (
            event(
                "offer.extended",
                candidate="c1",
                **OFFER,
                expires_at="2026-04-02T00:00:00Z",
                time="2026-04-01T09:00:00+08:00",
            ),
            "time to answer this offer is over",
        ),
    ],
)
async def test_an_offer_that_does_not_stand_is_not_answered(world: World, fact: dict[str, Any], said: str):
    path = await offered(world)
    seen = version(await world.page(path))
    await world.office.tell(fact)
    shown = await world.page(path)
    assert (said in shown, "<button" in shown.split("<main")[1]) == (True, False)
    assert said in await world.post(path, 409, answer="accepted", version=seen)
    assert await world.said() == []


async def test_links_that_lead_nowhere(world: World):
    await confirmed(world, fair(world.office), person())
    path = await offered(world)
    ticket = await world.link("tickets")
    others = [ticket.replace("/tickets/", base) for base in ("/offers/", "/unsubscribe/")]
    wrong = [path[:-1], path + "x", "/offers/MQ.x", "/tickets/" + "a" * 3000, "/calendar/%00", *others]
    for each in wrong:
        assert "leads nowhere" in await world.page(each, 404)
    await world.post("/offers/MQ.x", 404, answer="accepted", version="x")
    await world.post("/unsubscribe/MQ.x", 404)
    await world.office.tell(retraction("x1", candidate="c1"))
    assert "leads nowhere" in await world.page(path, 404)
    await world.office.tell(event("candidate.erased", candidate="c1", time="2026-04-01T09:00:00+08:00"))
    assert "leads nowhere" in await world.page(ticket, 404)


async def reminded(world: World) -> str:
    """A reminder went out: the path to unsubscribe that it has."""
    noon = world.office.clock().astimezone(SHANGHAI).replace(hour=12, minute=0)
    world.office.clock.ahead += noon - world.office.clock()
    await confirmed(world, fair(world.office, hours=6), person())
    async with world.office.pool.connection() as conn:
        await look(conn, world.office.clock())
    await world.office.sender().send_all()
    return await world.link("unsubscribe", kind="fair_reminder")


async def refused(world: World) -> set[str]:
    async with world.office.pool.connection() as conn:
        found = await suppressions.of(conn, ["c1@example.com"])
    return {each.about for each in found.get("c1@example.com", [])}


async def test_one_click_unsubscribes_and_looking_does_not(world: World):
    path = await reminded(world)
    shown = await world.page(path)
    assert ("c…@example.com" in shown, "c1@example.com" in shown, shown.count(" checked")) == (
        True,
        False,
        len(MARKETING),
    )
    assert await refused(world) == set()
    for _ in range(2):
        assert await world.post(path, 200, **{"List-Unsubscribe": "One-Click"}) == "Unsubscribed."
    assert await refused(world) == {""}
    assert " checked" not in await world.page(path)


async def test_kinds_are_chosen_one_by_one_and_taken_back(world: World):
    path = await reminded(world)
    await world.post(f"{path}/preferences", wanted=["fair_reminder", "nonsense"])
    assert await refused(world) == MARKETING - {"fair_reminder"}
    shown = await world.page(f"{path}?saved=true")
    assert ("Saved" in shown, shown.count(" checked")) == (True, 1)
    await world.post(f"{path}/preferences")
    assert await refused(world) == {""}
    await world.post(f"{path}/preferences", wanted=sorted(MARKETING))
    assert await refused(world) == set()
    assert suppressing.blocks("unsubscribe", "thanks", "thanks")
    assert not suppressing.blocks("unsubscribe", "fair_reminder", "thanks")


async def test_what_a_reader_wants_again_goes_and_a_bounce_stays_hr_s_to_lift(world: World):
    path = await reminded(world)
    await world.post(path)
    async with world.office.pool.connection() as conn:
        await suppressions.add(conn, [suppressions.Wish("c1@example.com", "hard_bounce", None, "550")])
    await world.post(f"{path}/preferences", wanted=sorted(MARKETING))
    async with world.office.pool.connection() as conn:
        found = await suppressions.of(conn, ["c1@example.com"])
    assert [each.kind for each in found["c1@example.com"]] == ["hard_bounce"]


async def test_a_mail_held_back_goes_when_its_reader_wants_it_again(world: World):
    path = await reminded(world)
    await world.post(path)
    await world.office.change("UPDATE messages SET status = 'requested' WHERE kind = 'fair_reminder'")
    await world.office.sender().send_all()
    assert (await world.office.status_of("c1", "fair_reminder"))[0] == "suppressed"
    await world.post(f"{path}/preferences", wanted=["fair_reminder"])
    await world.office.sender().send_all()
    assert (await world.office.status_of("c1", "fair_reminder"))[0] == "sent"


async def test_no_mail_about_one_s_own_affairs_can_be_unsubscribed_from(world: World):
    path = await offered(world)
    texts = await world.office.rows("SELECT text FROM mails")
    assert not [text for (text,) in texts if "/unsubscribe/" in text]
    assert json.dumps(path)


async def test_what_is_sent_is_bounded_whatever_it_says_of_its_length(world: World):
    path = await offered(world)
    form = {"answer": "declined", "version": version(await world.page(path)), "reason": "x" * 501}
    await world.post(path, 422, **form)

    async def endless() -> AsyncIterator[bytes]:
        yield b"answer=accepted&reason="
        for _ in range(200):
            yield b"x" * 10_000

    for to in (path, "/login", "/unsubscribe/x"):
        answer = await world.http.post(
            to, content=endless(), headers={"content-type": "application/x-www-form-urlencoded"}
        )
        assert answer.status_code == 413
    assert await world.said() == []
