"""The sender on a real Postgres with the channels that the settings name: SMTP, alerts that fail, mails in bulk."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from notifications.channels.mailbox import Mailbox
from notifications.sending.channel_routes import make_routes
from notifications.sending.claiming import GATHER_FOR
from notifications.sending.drain import DrainSeen
from notifications.sending.route import Chance, Route
from notifications.sending.sender import Sender
from notifications.sending.situation import Writer
from schemas.channels import MailChannels, MailWay
from schemas.kinds import AUDIENCES
from schemas.settings import load_settings
from storage.campaigns import terms
from tests.facts import event, hired, opened, signed_up, target
from tests.integration.office import Office
from tests.integration.test_sending import facts_pour_in
from tests.renderer import RENDERER
from tests.stand_ins.sendgrid import KEY, SendGridStandIn
from tests.stand_ins.smtp import Reply, smtp_stand_in
from tests.stand_ins.webhook import Webhook

LOG = """SELECT a.status, a.detail FROM message_attempts a JOIN messages m ON m.id = a.message
         WHERE m.kind = 'milestone' AND a.status <> 'claimed' AND a.detail IS NOT NULL"""


async def send_all(office: Office, **settings: Any) -> None:
    """Send what is due, as a worker with these settings would."""
    chosen = load_settings(**settings)
    chance = Chance(office.clock, lambda: 1.0)
    writer = Writer("引凤", "https://park.example", chosen.hr_email, chosen.channels)
    sender = Sender(office.pool, make_routes(chosen, chance), writer, RENDERER, owner="one", chance=chance)
    await sender.sweep()
    await sender.send_all()
    await sender.close()


def person(candidate: str) -> dict[str, Any]:
    return signed_up(candidate, email=f"{candidate}@example.com")


async def test_mail_by_smtp_is_recorded_like_any_other(office: Office, tmp_path: Path):
    await office.tell(opened(), *[person(f"c{n}") for n in range(45)])
    with smtp_stand_in(tmp_path) as server:
        server.script_for["c7@example.com"] = [Reply("RCPT", "550 no such user")]
        server.script_for["c8@example.com"] = [Reply("RCPT", "450 later")]
        server.script_for["c9@example.com"] = [Reply("DATA")]
        await send_all(office, smtp_url=f"smtp://127.0.0.1:{server.port}", smtp_timeout=5)
        assert await office.statuses() == {"sent": 42, "failed": 1, "requested": 1, "unknown": 1}
        assert set(server.addresses().values()) == {1}
    assert await office.rows("SELECT count(*) FROM messages WHERE not_before > now() + interval '4 minutes'") == [(1,)]
    assert await office.rows("SELECT DISTINCT channel FROM messages") == [("smtp",)]


async def test_the_log_of_an_alert_says_that_it_fell_back_and_why(office: Office, webhook_server: Webhook):
    webhook_server.statuses = [503] * 10
    await office.tell(opened(), target("t", goal=1), hired("c1", position="Engineer"))
    await send_all(office, hr_alerts=webhook_server.url)
    said = await office.rows(LOG)
    assert len(said) == 4  # 25, 50, 75 and 90 %
    assert {status for status, _ in said} == {"sent"}
    assert all(detail.startswith("fell back to mailbox: ") and "JSON answered 503" in detail for _, detail in said)
    kept = (
        "SELECT count(*) FROM mails JOIN messages m ON m.id = message WHERE kind = 'milestone' AND channel = 'alerts'"
    )
    assert await office.rows(kept) == [(4,)]


async def test_what_hr_was_told_by_an_alert_is_kept(office: Office, webhook_server: Webhook):
    await office.tell(opened(), target("t", goal=1), hired("c1", position="Engineer"))
    await send_all(office, hr_alerts=webhook_server.url)
    assert webhook_server.told
    assert await office.rows(LOG) == []
    assert set(await office.rows("SELECT status FROM messages WHERE channel = 'alerts'")) == {("sent",)}


async def test_a_whole_fair_is_told_in_few_requests(office: Office, sendgrid_server: SendGridStandIn):
    start = office.clock() + timedelta(days=30)
    when = {"starts_at": start.isoformat(), "ends_at": (start + timedelta(hours=7)).isoformat()}
    people = [signed_up(f"c{n}", name=f"李{n}", fair="f1", email=f"c{n}@example.com") for n in range(300)]
    await office.tell(opened(), event("fair.scheduled", fair="f1", title="双选会", mode="onsite", **when), *people)
    await office.change("UPDATE messages SET kind = 'fair_rescheduled'")
    await send_all(office, sendgrid_api_key=KEY, sendgrid_host=sendgrid_server.url)
    assert await office.statuses() == {"sent": 300}
    assert sendgrid_server.refused == []
    assert sendgrid_server.asked <= 5  # of 16 to begin with, from three lanes; then of 256
    names = await office.names()
    kept = await office.rows("SELECT m.id, recipient, subject, text, html FROM messages m JOIN mails ON message = m.id")
    assert sendgrid_server.letters() == {names[id]: (to, subject, text, html) for id, to, subject, text, html in kept}
    assert all(f"李{to.split('@')[0][1:]}，" in text for _, to, _, text, _ in kept)


def others(campaign: str, *events: dict[str, Any]) -> list[dict[str, Any]]:
    """The same in another campaign."""
    return [
        {**each, "id": f"{campaign}-{each['id']}", "data": {**each["data"], "campaign": campaign}} for each in events
    ]


async def choose(office: Office, campaign: str, way: MailWay | None, *, waits: bool = False) -> None:
    async with office.pool.connection() as conn:
        await terms.choose_channel(conn, campaign, way, by="Li")
        await terms.wait_for_consent(conn, campaign, waits=waits, by="Li")


async def test_a_campaign_is_written_to_by_the_channel_that_it_chose(
    office: Office, sendgrid_server: SendGridStandIn, tmp_path: Path
):
    for campaign in ("usual", "home", "here", "away"):
        await office.tell(*others(campaign, opened(), person(campaign)))
    await choose(office, "home", "smtp", waits=True)
    await choose(office, "here", "local", waits=True)
    await choose(office, "away", "sendgrid", waits=True)
    with smtp_stand_in(tmp_path) as server:
        to = {
            "smtp_url": f"smtp://127.0.0.1:{server.port}",
            "sendgrid_api_key": KEY,
            "sendgrid_host": sendgrid_server.url,
        }
        to["mail_by"] = "sendgrid"
        await send_all(office, **to)
        assert set(sendgrid_server.addresses()) == {"usual@example.com"}
        assert set(server.addresses()) == {"home@example.com"}
        by = "SELECT candidate, channel, status FROM messages ORDER BY candidate"
        assert await office.rows(by) == [
            ("away", "sendgrid", "held"),
            ("here", "mailbox", "sent"),
            ("home", "smtp", "sent"),
            ("usual", "sendgrid", "sent"),
        ]
        await choose(office, "away", "smtp", waits=True)  # and no consent is needed any more
        await send_all(office, **to)
        assert set(server.addresses()) == {"home@example.com", "away@example.com"}


async def test_mail_waits_where_its_channel_is_not_set_up(office: Office, sendgrid_server: SendGridStandIn):
    await office.tell(*others("home", opened(), person("c1")), *others("usual", opened(), person("c2")))
    await choose(office, "home", "smtp")
    await send_all(office, sendgrid_api_key=KEY, sendgrid_host=sendgrid_server.url)
    assert (await office.status_of("c1"), await office.status_of("c2")) == (("requested", None), ("sent", None))
    await choose(office, "home", None)
    await send_all(office, sendgrid_api_key=KEY, sendgrid_host=sendgrid_server.url)
    assert await office.status_of("c1") == ("sent", None)


async def test_hr_is_written_to_by_its_campaign_s_channel_too(
    office: Office, sendgrid_server: SendGridStandIn, tmp_path: Path
):
    """Such a mail names candidates."""
    reached = [opened(), target("t", goal=1), hired("c1", position="Engineer")]
    await office.tell(*others("home", *reached), *others("usual", *reached))
    await choose(office, "home", "smtp")
    with smtp_stand_in(tmp_path) as server:
        to = {
            "smtp_url": f"smtp://127.0.0.1:{server.port}",
            "sendgrid_api_key": KEY,
            "sendgrid_host": sendgrid_server.url,
        }
        to["mail_by"] = "sendgrid"
        await send_all(office, hr_email="hr@park.example", **to)
        assert set(server.addresses()) == set(sendgrid_server.addresses()) == {"hr@park.example"}
    channels = await office.rows("SELECT DISTINCT campaign, channel FROM messages WHERE candidate IS NULL ORDER BY 1")
    assert channels == [("home", "smtp"), ("usual", "sendgrid")]


async def test_what_goes_together_gathers_for_each_channel_by_itself(office: Office):
    """One that goes by one channel does not begin the time of another's anew."""
    said = event("offer.extended", candidate="c1", offer="o1", employer="huayou", position="Engineer")
    answered = [opened(), person("c1"), said, event("offer.accepted", candidate="c1", offer="o1")]
    await office.tell(*others("here", *answered), *others("usual", *answered))
    await choose(office, "here", "local")
    to_hr = tuple(kind for kind, reader in AUDIENCES.items() if reader == "hr")
    routes = [Route(to_hr, Mailbox(), way="smtp"), Route(to_hr, Mailbox(), way="local", usual=False)]
    channels = MailChannels("smtp", ("smtp", "local"))
    writer = Writer("引凤", "https://park.example", "hr@park.example", channels=channels)
    await facts_pour_in(office)
    chance = Chance(office.clock, lambda: 1.0, DrainSeen())
    sender = Sender(office.pool, routes, writer, RENDERER, owner="one", chance=chance)
    await sender.send_all()
    office.clock.ahead += GATHER_FOR
    await sender.send_all()
    answers = "SELECT campaign, status FROM messages WHERE kind = 'offer_answered' ORDER BY campaign"
    assert await office.rows(answers) == [("here", "sent"), ("usual", "sent")]
