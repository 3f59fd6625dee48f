"""The twelve things that candidates and HR expect of messages, one test each, from facts to mails and back.

Real Postgres, the real web app, and a stand-in for SendGrid that refuses what SendGrid refuses.
"""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from icalendar import Calendar

from notifications.channels.sendgrid import SendGrid
from notifications.rules.quiet_hours import is_quiet
from notifications.sending import doubts
from notifications.sending.channel_routes import make_routes
from notifications.sending.route import Chance
from notifications.sending.scheduler import look
from notifications.sending.sender import Sender
from schemas.settings import Settings
from storage.access import keys
from storage.database import make_pool
from tests.facts import CAMPAIGN, event, hired, opened, signed_up, target
from tests.integration.office import Office, Writer
from tests.renderer import RENDERER
from tests.sendgrid_webhook import HARD, happened, public_text, tell
from tests.stand_ins.sendgrid import KEY, Answer, SendGridStandIn, sendgrid_stand_in
from tests.stand_ins.webhook import webhook
from yinfeng.web.app import create_app

SHANGHAI = ZoneInfo("Asia/Shanghai")
WEBHOOK_KEY = ec.generate_private_key(ec.SECP256R1())
OFFER = {"offer": "o1", "employer": "华友钴业", "position": "Chemist"}


@dataclass
class World:
    """Facts go in, the provider gets mails and tells what became of them, HR looks at the web app."""

    office: Office
    provider: SendGridStandIn
    channel: SendGrid
    http: httpx.AsyncClient

    async def happen(self, *facts: dict[str, Any]) -> None:
        await self.office.tell(*facts)
        await self.send()

    async def send(self, owner: str = "one") -> None:
        await self.office.sender(self.channel, owner=owner).send_all()

    async def look(self, at: datetime) -> None:
        """What the worker does every few seconds, at that time; what is due goes."""
        self.office.clock.ahead += at - self.office.clock()
        async with self.office.pool.connection() as conn:
            await look(conn, self.office.clock())
        await self.send()

    def got(self, kind: str = "") -> list[tuple[str, str, str]]:
        """What the provider took: address, subject, text."""
        found = []
        for part, request in self.provider.accepted:
            if not kind or request["categories"] == [kind]:
                tags = part.get("substitutions", {})
                text = tags.get("%yinfeng_text%", request["content"][0]["value"])
                found.append((part["to"][0]["email"], part.get("subject", request["subject"]), text))
        return found

    async def statuses(self, kind: str) -> list[str]:
        rows = await self.office.rows("SELECT status FROM messages WHERE kind = %s ORDER BY id", [kind])
        return [status for (status,) in rows]

    async def page(self, path: str, **form: str) -> str:
        answer = await (self.http.post(path, data=form) if form else self.http.get(path))
        assert answer.status_code in (200, 303), answer.text
        return answer.text


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with make_pool(database_url, name="test") as pool:
        async with pool.connection() as conn:
            token = await keys.create(conn, name="Wang of HR", role="organizer")
        settings = Settings(
            database_url=database_url,
            kafka="127.0.0.1:1",
            public_url="https://park.example",
            sendgrid_webhook_key=public_text(WEBHOOK_KEY),
        )
        app = create_app(settings)
        headers = {"authorization": f"Bearer {token}", "accept-language": "en", "accept": "text/html"}
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test", headers=headers)
        with sendgrid_stand_in() as provider:
            channel = SendGrid(
                KEY, host=provider.url, timeout=5, sender="p@yinfeng.example", sender_name="园区", most=1000
            )
            office = Office(pool)
            await office.tell(opened(locale="en"))
            async with app.router.lifespan_context(app), client as http:
                yield World(office, provider, channel, http)
            await channel.close()


def person(candidate: str, **more: Any) -> dict[str, Any]:
    return signed_up(candidate, **{"email": f"{candidate}@example.com", **more})


def fair(start: datetime, *, said: int = 1, **more: Any) -> dict[str, Any]:
    """`said`: the later word is the greater."""
    span = {"starts_at": start.isoformat(), "ends_at": (start + timedelta(hours=7)).isoformat()}
    time = f"2026-03-{said:02d}T09:00:00+08:00"
    return event("fair.scheduled", time=time, fair="f1", title="Fair", mode="onsite", city="武汉", **span, **more)


def morning(world: World, days: int) -> datetime:
    """09:00 in Shanghai, so many days from now."""
    day = world.office.clock().astimezone(SHANGHAI).date() + timedelta(days=days)
    return datetime(day.year, day.month, day.day, 9, tzinfo=SHANGHAI)


async def test_1_one_event_one_email_whatever_is_replayed_or_restarted(world: World):
    fact = person("c1")
    for owner in ("one", "two", "three"):
        await world.happen(fact, fact)
        await world.send(owner)
    again = fact | {"id": "the same signup, posted once more by another program"}
    await world.happen(again)
    assert [to for to, _, _ in world.got()] == ["c1@example.com"]


async def test_2_an_outage_of_the_provider_blocks_no_signup_and_loses_no_confirmation(world: World):
    world.provider.script = [Answer(429)] * 20
    await world.happen(*[person(f"c{n}") for n in range(5)])
    assert await world.office.rows("SELECT count(*) FROM journeys") == [(5,)]
    assert set(await world.statuses("signup_confirmation")) <= {"requested", "held"}
    world.provider.script = []
    await world.office.change("DELETE FROM channel_rests")
    await world.office.change("UPDATE messages SET not_before = NULL, status = 'requested' WHERE status <> 'sent'")
    await world.send()
    assert sorted(to for to, _, _ in world.got()) == [f"c{n}@example.com" for n in range(5)]


async def test_3_reminders_come_in_waking_hours_before_the_start_and_follow_the_fair(world: World):
    start = morning(world, 10)
    await world.happen(fair(start), person("c1", fair="f1"))
    heard: list[datetime] = []
    for hour in range(-48, 3):
        before = len(world.got("fair_reminder"))
        await world.look(start + timedelta(hours=hour))
        heard += [world.office.clock()] * (len(world.got("fair_reminder")) - before)
    assert len(heard) == 2
    assert all(at < start and not is_quiet(at, SHANGHAI) for at in heard)
    moved = start + timedelta(days=20)
    await world.happen(fair(moved, said=2))
    await world.look(moved - timedelta(hours=20))
    assert len(world.got("fair_reminder")) == 3
    await world.happen(event("fair.cancelled", fair="f1", time="2026-03-05T09:00:00+08:00"))
    await world.look(moved - timedelta(hours=1))
    assert len(world.got("fair_reminder")) == 3
    assert [subject for _, subject, _ in world.got("fair_cancelled")] == ["Cancelled: Fair"]


async def test_4_an_offer_in_doubt_is_sent_to_nobody_twice_and_hr_is_asked(world: World):
    await world.happen(person("c1"))
    world.provider.script = [Answer(drop="after")]
    await world.happen(event("offer.extended", candidate="c1", **OFFER))
    assert await world.statuses("offer") == ["unknown"]
    await world.office.change("UPDATE message_attempts SET at = at - interval '1 day'")
    async with world.office.pool.connection() as conn:
        await doubts.settle(conn)
    await world.send()
    [(text,)] = await world.office.rows(
        "SELECT text FROM mails JOIN messages m ON m.id = message WHERE kind = 'offer_bounced'"
    )
    assert "Nobody knows whether it was sent" in text
    assert {to for to, _, _ in world.got("offer")} <= {"c1@example.com"}
    assert set(world.provider.ids().values()) == {1}


async def test_5_recipients_never_see_one_another(world: World):
    start = morning(world, 10)
    names = {f"c{n}@example.com": f"Candidate Number {n}" for n in range(20)}
    people = [person(to.partition("@")[0], name=name, fair="f1") for to, name in names.items()]
    await world.happen(fair(start), *people)
    await world.look(start - timedelta(hours=20))
    requests = {id(request): request for _, request in world.provider.accepted}
    assert len(requests) < 40
    assert all(len(part["to"]) == 1 for part, _ in world.provider.accepted)
    for to, _, text in world.got():
        assert [name for name in names.values() if re.search(rf"\b{name}\b", text)] == [names[to]]


async def test_6_the_right_name_and_language_and_a_missing_variable_blocks_the_mail(world: World):
    await world.happen(person("c1", name="欧阳思雨", locale="zh-CN"), person("c2", name="Alex"))
    by_address = {to: text for to, _, text in world.got()}
    assert by_address["c1@example.com"].startswith("报名成功\n\n欧阳思雨，您好！")
    assert "Dear Alex," in by_address["c2@example.com"]
    await world.office.change(
        "INSERT INTO template_versions (campaign, kind, locale, subject, content, footer, by)"
        f" VALUES ('{CAMPAIGN}', 'signup_confirmation', 'en', 'Hello', 'Dear {{{{ nickname }}}}', '', 'somebody')"
    )
    await world.happen(person("c3"))
    assert len(world.got()) == 2
    assert "'nickname' is undefined" in ((await world.office.status_of("c3"))[1] or "")


async def test_7_marketing_ends_with_one_click_and_an_offer_goes_all_the_same(world: World):
    start = morning(world, 10)
    await world.happen(fair(start), person("c1", fair="f1"))
    await world.look(start - timedelta(hours=20))
    [part] = [part for part, request in world.provider.accepted if request["categories"] == ["fair_reminder"]]
    assert part["headers"]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    path = part["headers"]["List-Unsubscribe"].strip("<>").removeprefix("https://park.example")
    program = {"authorization": "", "sec-fetch-site": "cross-site"}
    answer = await world.http.post(path, data={"List-Unsubscribe": "One-Click"}, headers=program)
    assert answer.status_code == 200
    await world.office.tell(event("offer.extended", candidate="c1", **OFFER))
    await world.look(start - timedelta(hours=1))
    assert (len(world.got("fair_reminder")), len(world.got("offer"))) == (1, 1)
    assert await world.statuses("fair_reminder") == ["sent", "suppressed"]
    page = await world.page("/messages?kind=offer")
    [path] = re.findall(r'href="(/messages/\d+)"', page)
    page = await world.page(path)
    assert ("Its reader has unsubscribed" in page, "No mail goes to this address" in page) == (True, False)


async def test_8_a_hard_bounce_stops_mail_and_hr_lifts_it_with_a_reason(world: World):
    await world.happen(person("c1"), event("offer.extended", candidate="c1", **OFFER))
    [(offer, nonce)] = (await world.office.names("WHERE kind = 'offer'")).items()
    assert (await tell(world.http, WEBHOOK_KEY, happened("bounce", nonce, **HARD))).status_code == 204
    await world.happen(hired("c1", "华友钴业"))
    assert (await world.statuses("offer"), await world.statuses("welcome")) == (["bounced"], ["suppressed"])
    assert await world.statuses("offer_bounced") == ["sent"]
    page = await world.page(f"/messages/{offer}")
    assert ("Mail to it came back" in page, "550 5.1.1 no such user" in page) == (True, True)
    assert (await world.http.post(f"/messages/{offer}/lift", data={"reason": " "})).status_code == 400
    await world.page(f"/messages/{offer}/lift", reason="the mailbox was full")
    assert "No mail goes to this address" not in await world.page(f"/messages/{offer}")
    await world.send()
    assert await world.statuses("welcome") == ["sent"]
    [(by, why)] = await world.office.rows("SELECT lifted_by, lifted_reason FROM suppressions")
    assert (by, why) == ("Wang of HR", "the mailbox was full")
    await world.page(f"/messages/{offer}/resend", reason="the mailbox was full", force="true")
    await world.send()
    assert await world.statuses("offer") == ["sent"]


async def test_9_mails_are_readable_without_images_and_html(world: World):
    await world.happen(fair(morning(world, 10), venue="Hall 2"), person("c1", name="Alex", fair="f1"))
    [(_, subject, text)] = world.got()
    assert subject == "You are signed up: Fair"
    for said in ("Dear Alex,", "Hall 2, 武汉", "09:00–16:00", "https://park.example/tickets/"):
        assert said in text
    [(_, request)] = world.provider.accepted
    html = request["content"][1]["value"]
    for image in re.findall("<img[^>]*>", html):
        assert re.search('alt="[^"]{20,}"', image)
        assert 'src="cid:' in image
    assert 'name="viewport"' in html


async def test_10_the_calendar_file_opens_and_its_update_replaces_it(world: World):
    start = morning(world, 10)
    await world.happen(fair(start), person("c1", fair="f1"))
    await world.look(world.office.clock())
    await world.office.tell(fair(start + timedelta(days=1), said=2))
    await world.look(world.office.clock())
    attachments = [each for _, request in world.provider.accepted for each in request.get("attachments", [])]
    contents = [base64.b64decode(each["content"]) for each in attachments if each["filename"] == "fair.ics"]
    first, second = (Calendar.from_ical(each).events[0] for each in contents)
    assert first["uid"] == second["uid"]
    assert second["sequence"] > first["sequence"]
    assert second.start - first.start == timedelta(days=1)


async def test_11_hr_previews_tests_and_traces_a_message_from_its_fact_to_its_end(world: World):
    await world.happen(person("c1", id="the-fact", name="Alex"))
    [nonce] = (await world.office.names("WHERE id = 1")).values()
    await tell(world.http, WEBHOOK_KEY, happened("delivered", nonce))
    page = await world.page("/messages/1")
    for said in ("the-fact", "c1@example.com", "being sent", "delivered"):
        assert said in page
    of = {"campaign": CAMPAIGN, "kind": "signup_confirmation", "locale": "en"}
    parts = {"subject": "Welcome {{ name }}", "content": "# Hello {{ name }}", "footer": ""}
    assert "Hello Alex" in await world.page("/templates/preview", **of, **parts, candidate="c1")
    await world.page("/templates/test", **of, **parts, to="hr@park.example")
    await world.office.sender(world.channel, hr_email="hr@park.example").send_all()
    assert ("hr@park.example", "[Test] Welcome Siyu Li") in [(to, subject) for to, subject, _ in world.got()]


async def test_12_alerts_are_grouped_and_capped_and_a_failing_channel_falls_back_where_one_sees_it(world: World):
    people = [person(f"c{n}") for n in range(300)]
    offers = [event("offer.extended", candidate=f"c{n}", **{**OFFER, "offer": f"o{n}"}) for n in range(300)]
    answers = [
        event("offer.accepted", candidate=f"c{n}", offer=f"o{n}", time="2026-04-01T09:00:00+08:00") for n in range(300)
    ]
    await world.office.tell(*people, *offers, *answers, target("t", goal=1), hired("c1"))
    with webhook() as service:
        service.statuses = [503] * 50
        settings = Settings(hr_alerts=service.url, sendgrid_api_key=KEY, sendgrid_host=world.provider.url)
        chance = Chance(world.office.clock, lambda: 1.0)
        routes = [route for route in make_routes(settings, chance) if "milestone" in route.kinds]
        writer = Writer("引凤", "https://park.example", None)
        await Sender(world.office.pool, routes, writer, RENDERER, owner="one", chance=chance).send_all()
        assert await world.statuses("offer_answered") == ["sent"] * 300
        [(count,)] = await world.office.rows(
            "SELECT count(*) FROM mails JOIN messages m ON m.id = message WHERE kind = 'offer_answered'"
        )
        assert count == 1
    page = await world.page("/messages?kind=milestone")
    [first, *_] = re.findall(r'href="(/messages/\d+)"', page)
    assert "fell back to mailbox" in await world.page(first)
