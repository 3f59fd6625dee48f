"""HR's alerts through Apprise to a real local service, and by another channel when it fails."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from notifications.channels.apprise import MOST_FAILURES, Alerts
from notifications.channels.mailbox import Mailbox
from notifications.channels.port import Mail
from notifications.channels.sendgrid import SendGrid
from notifications.sending.channel_routes import make_routes
from notifications.sending.route import Chance
from schemas.errors import ConfigurationError
from schemas.kinds import AUDIENCES, IN_BULK
from schemas.messages import CHANNEL_REFUSED, TEMPLATE_TEST
from schemas.settings import load_settings
from tests.integration.office import Clock
from tests.stand_ins.sendgrid import Answer, SendGridStandIn
from tests.stand_ins.smtp import Reply, smtp_stand_in
from tests.stand_ins.webhook import SECRET, Webhook, webhook

CHANCE = Chance(Clock(), lambda: 1.0)


@pytest.fixture
def other() -> Iterator[Webhook]:
    with webhook() as made:
        yield made


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """What a process's log has. (`caplog` listens at loggers that keep their lines to themselves, too.)"""
    root, lines = logging.getLogger(), io.StringIO()
    handler, level = logging.StreamHandler(lines), root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield lines
    root.removeHandler(handler)
    root.setLevel(level)


def alert(id: int = 1, text: str = "当前进度：500 / 2,000\n") -> Mail:
    subject, html = "“毕业生”已完成 25%", f"<p>{text}</p>"
    return Mail(id, "milestone", "hr@example.com", "产业园", "zh-CN", subject, html, text, nonce=str(id))


async def test_what_hr_is_told(webhook_server: Webhook):
    alerts = Alerts(webhook_server.url, Mailbox())
    [outcome] = await alerts.send([alert()])
    await alerts.close()
    [(path, told)] = webhook_server.told
    assert (outcome.status, outcome.reason) == ("sent", None)
    assert path.strip("/") == SECRET
    assert (told["title"], told["message"].strip()) == ("“毕业生”已完成 25%", "当前进度：500 / 2,000")


@pytest.mark.parametrize("between", [" ", ",", ", ", "\n"])
async def test_every_service_is_told(webhook_server: Webhook, other: Webhook, between: str):
    alerts = Alerts(f"{webhook_server.url}{between}{other.url}", Mailbox())
    await alerts.send([alert(1), alert(2)])
    await alerts.close()
    assert [len(webhook_server.told), len(other.told)] == [2, 2]


async def test_one_service_of_two_that_fails_is_named_and_the_other_suffices(webhook_server: Webhook, other: Webhook):
    other.statuses = [500]
    alerts = Alerts(f"{webhook_server.url} {other.url}", Mailbox())
    [outcome] = await alerts.send([alert()])
    await alerts.close()
    assert (outcome.status, outcome.reason) == ("sent", "JSON answered 500")


@pytest.mark.parametrize("status", [302, 400, 401, 404, 429, 500, 503])
async def test_a_service_that_fails_is_made_up_for_by_mail(
    webhook_server: Webhook, sendgrid_server: SendGridStandIn, status: int
):
    webhook_server.statuses = [status]
    mail = SendGrid(
        sendgrid_server.key, host=sendgrid_server.url, timeout=30, sender="park@yinfeng.example", sender_name="产业园"
    )
    alerts = Alerts(webhook_server.url, mail)
    [fell, went] = await alerts.send([alert(1), alert(2)])
    await alerts.close()
    assert (fell.status, fell.reason) == ("sent", f"fell back to sendgrid: JSON answered {status}")
    assert (went.status, went.reason) == ("sent", None)
    assert sendgrid_server.ids() == {"1": 1}


async def test_a_service_that_is_not_there_is_made_up_for_by_the_mailbox():
    alerts = Alerts(f"json://127.0.0.1:1/{SECRET}", Mailbox())
    [outcome] = await alerts.send([alert()])
    await alerts.close()
    assert (outcome.status, outcome.reason) == (
        "sent",
        "fell back to mailbox: JSON could not be reached, or refused",
    )


async def test_what_becomes_of_the_mail_instead_is_what_became_of_the_alert(
    webhook_server: Webhook, sendgrid_server: SendGridStandIn
):
    webhook_server.statuses, sendgrid_server.script = [500, 500], [Answer(400), Answer(500)]
    mail = SendGrid(
        sendgrid_server.key, host=sendgrid_server.url, timeout=30, sender="park@yinfeng.example", sender_name="产业园"
    )
    alerts = Alerts(webhook_server.url, mail)
    outcomes = await alerts.send([alert(1), alert(2)])
    await alerts.close()
    assert sorted(each.status for each in outcomes) == ["failed", "unknown"]
    assert all((each.reason or "").startswith("fell back to sendgrid: JSON answered 500; ") for each in outcomes)


async def test_a_service_in_trouble_is_left_alone(webhook_server: Webhook):
    webhook_server.statuses = [500] * 100
    alerts = Alerts(webhook_server.url, Mailbox())
    outcomes = await alerts.send([alert(n) for n in range(1, 21)])
    await alerts.close()
    assert [each.status for each in outcomes] == ["sent"] * 20
    assert all("fell back to mailbox" in (each.reason or "") for each in outcomes)
    assert len(webhook_server.told) == MOST_FAILURES


async def test_a_closed_channel_sends_nothing_more(webhook_server: Webhook):
    alerts = Alerts(webhook_server.url, Mailbox())
    await alerts.close()
    [outcome] = await alerts.send([alert()])
    assert (outcome.status, webhook_server.told) == ("requested", [])


async def test_no_secret_is_logged_or_kept(webhook_server: Webhook, logged: io.StringIO):
    webhook_server.statuses = [500]
    alerts = Alerts(f"{webhook_server.url} json://127.0.0.1:1/{SECRET}", Mailbox())
    outcomes = await alerts.send([alert(1), alert(2)])
    await alerts.close()
    assert all(each.reason for each in outcomes)
    assert "they go by mailbox" in logged.getvalue()
    assert SECRET not in logged.getvalue() + str(outcomes)


@pytest.mark.parametrize(
    ("urls", "place"),
    [("geheim", 1), ("json://127.0.0.1 no-such-service://geheim", 2), ("wecombot://", 1), ("slack://geheim", 1)],
)
async def test_an_address_that_apprise_cant_use_is_named_by_its_place(urls: str, place: int, logged: io.StringIO):
    with pytest.raises(ConfigurationError, match=f"YINFENG_HR_ALERTS: .* address {place};") as error:
        Alerts(urls, Mailbox())
    assert "geheim" not in str(error.value) + logged.getvalue()


KEY = {"YINFENG_SENDGRID_API_KEY": "SG.x"}
SMTP = {"YINFENG_SMTP_URL": "smtp://mail.example"}
HR = {"YINFENG_HR_EMAIL": "hr@example.com"}
SERVICE = {"YINFENG_HR_ALERTS": "json://127.0.0.1:1/x"}
MAILBOX = {"YINFENG_SMTP_URL": "", "YINFENG_HR_ALERTS": " "}


@pytest.mark.parametrize(
    ("set_to", "candidate", "hr"),
    [
        ({}, "mailbox", "mailbox"),
        (MAILBOX, "mailbox", "mailbox"),
        (KEY, "sendgrid", "mailbox"),
        (KEY | HR, "sendgrid", "sendgrid"),
        (SMTP, "smtp", "mailbox"),
        (SMTP | HR, "smtp", "smtp"),
        (SERVICE, "mailbox", "alerts"),
        (SMTP | HR | SERVICE, "smtp", "alerts"),
    ],
    ids=str,
)
async def test_which_way_messages_go(set_to: dict[str, str], candidate: str, hr: str, monkeypatch: pytest.MonkeyPatch):
    for name, value in set_to.items():
        monkeypatch.setenv(name, value)
    routes = make_routes(load_settings(), CHANCE)
    routes, local = [each for each in routes if each.usual], [each for each in routes if not each.usual]
    assert {route.channel.name for route in local} <= {"mailbox"}
    ways = {kind: route.channel.name for route in routes for kind in route.kinds}
    outside = {kind for kind, reader in AUDIENCES.items() if reader != "hr"} | {TEMPLATE_TEST}
    past_mail = "alerts" if hr == "alerts" else "mailbox"
    assert ways.pop(CHANNEL_REFUSED) == past_mail
    assert ways == {kind: candidate if kind in outside else hr for kind in AUDIENCES if kind != CHANNEL_REFUSED}
    assert sum(len(route.kinds) for route in routes) == len(AUDIENCES)
    for route in (*routes, *local):
        await route.channel.close()


def test_what_goes_in_bulk_is_no_matter_between_two():
    assert set(AUDIENCES) > IN_BULK
    assert all(AUDIENCES[kind] == "candidate" for kind in IN_BULK)
    assert not [kind for kind in IN_BULK if kind.startswith(("offer", "interview", "benefit"))]


async def test_alerts_fall_back_to_the_mail_of_hr(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with smtp_stand_in(tmp_path) as server:
        server.script_for["hr@example.com"] = [Reply("RCPT", "550 gone")]
        for name, value in {**HR, **SERVICE, "YINFENG_SMTP_URL": f"smtp://127.0.0.1:{server.port}"}.items():
            monkeypatch.setenv(name, value)
        [channel] = [route.channel for route in make_routes(load_settings(), CHANCE) if "milestone" in route.kinds]
        outcomes = await channel.send([alert(1), alert(2)])
        await channel.close()
    assert [each.status for each in outcomes] == ["failed", "sent"]
    assert "fell back to smtp" in (outcomes[0].reason or "")
    assert server.addresses() == {"hr@example.com": 1}


def test_of_two_ways_out_one_must_be_said_to_be_the_usual(monkeypatch: pytest.MonkeyPatch):
    for name, value in {**KEY, **SMTP}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=r"YINFENG_SENDGRID_API_KEY and YINFENG_SMTP_URL .* YINFENG_MAIL_BY"):
        load_settings()
    for way in ("sendgrid", "smtp", "local"):
        monkeypatch.setenv("YINFENG_MAIL_BY", way)
        channels = load_settings().channels
        assert (channels.usual, channels.there, channels.abroad) == (way, ("sendgrid", "smtp", "local"), {"sendgrid"})
    monkeypatch.delenv("YINFENG_SMTP_URL")
    monkeypatch.setenv("YINFENG_MAIL_BY", "smtp")
    with pytest.raises(ConfigurationError, match="YINFENG_MAIL_BY is smtp, which is not set up"):
        load_settings()
