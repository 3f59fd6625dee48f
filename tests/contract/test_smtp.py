"""SMTP against a real server: what it is handed, and how each of its replies is understood."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import cast
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from notifications.channels.mime import as_mime, message_id
from notifications.channels.port import Mail, Outcome
from notifications.channels.smtp import FIRST_PAUSE, LONGEST_PAUSE, MOST_LOST, Smtp
from schemas.errors import ConfigurationError
from schemas.mail_server import MailServer, parse_mail_server
from schemas.settings import load_settings
from tests.stand_ins.smtp import HOST, PASSWORD, USER, Reply, SmtpStandIn, smtp_stand_in

TIMEOUT = 2.0
NOW = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
SENDER = "park@yinfeng.example"


def channel_to(server: SmtpStandIn, user: str | None = None, password: str | None = None, *, tls: bool = False) -> Smtp:
    return smtp(MailServer(HOST, server.port, tls, user, password), server)


def smtp(address: MailServer, server: SmtpStandIn | None = None, *, timeout: float = TIMEOUT) -> Smtp:
    return Smtp(
        address,
        timeout=timeout,
        sender=SENDER,
        sender_name="产业园, 招聘",
        clock=lambda: NOW,
        jitter=lambda: 1.0,
        tls=server.tls if server else None,
    )


@pytest.fixture
async def channel(smtp_server: SmtpStandIn) -> AsyncIterator[Smtp]:
    made = channel_to(smtp_server)
    yield made
    await made.close()


def mail(
    id: int = 1,
    to: str | None = None,
    *,
    subject: str = "报名成功",
    name: str = "李思雨",
    text: str = "您好\n",
    attempts: int = 1,
) -> Mail:
    to = to or f"c{id}@example.com"
    return Mail(id, "signup_confirmation", to, name, "zh-CN", subject, f"<p>{text}</p>", text, attempts, nonce=str(id))


async def test_what_the_reader_gets(channel: Smtp, smtp_server: SmtpStandIn):
    [outcome] = await channel.send([mail(7)])
    [(to, message)] = smtp_server.accepted
    assert (outcome.status, to) == ("sent", ["c7@example.com"])
    assert message["Subject"] == "报名成功"
    assert [(each.display_name, each.addr_spec) for each in message["To"].addresses] == [("李思雨", to[0])]
    assert [(each.display_name, each.addr_spec) for each in message["From"].addresses] == [("产业园, 招聘", SENDER)]
    assert message["Date"].datetime == NOW
    assert message["Message-ID"].startswith("<yinfeng.7@")
    assert message["Message-ID"].endswith("@yinfeng.example>")
    assert message.get_content_type() == "multipart/alternative"
    text, html = message.iter_parts()
    assert (text.get_content_type(), text.get_content()) == ("text/plain", "您好\r\n")
    assert (html.get_content_type(), html.get_content()) == ("text/html", "<p>您好\r\n</p>\r\n")
    assert {part.get_content_charset() for part in (text, html)} == {"utf-8"}


def test_the_id_of_a_mail_is_the_same_at_each_try_and_another_for_other_contents():
    assert message_id(mail(7), SENDER) == message_id(mail(7, attempts=2), SENDER)
    assert message_id(mail(7), SENDER) != message_id(mail(8), SENDER)
    assert message_id(mail(7), SENDER) != message_id(replace(mail(7), occurrence="a1"), SENDER)


async def test_a_batch_goes_over_one_connection_and_nobody_sees_another(channel: Smtp, smtp_server: SmtpStandIn):
    await channel.send([mail(n) for n in range(1, 31)])
    assert smtp_server.connections == 1
    assert [to for to, _ in smtp_server.accepted] == [[f"c{n}@example.com"] for n in range(1, 31)]
    assert all(str(message).count("@example.com") == 1 for _, message in smtp_server.accepted)


LINES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=120)
HEADERS = {
    *("From", "To", "Subject", "Date", "Message-ID", "Content-Language", "Auto-Submitted"),
    *("MIME-Version", "Content-Type"),
}


@given(subject=LINES, name=LINES, text=LINES)
def test_no_text_becomes_a_header_and_none_is_lost(subject: str, name: str, text: str):
    whole = as_mime(mail(subject=subject, name=name, text=text), sender=SENDER, sender_name=name, date=NOW)
    assert whole.isascii()
    message = message_from_bytes(whole, policy=default)
    assert set(message.keys()) == HEADERS
    assert [each.addr_spec for each in message["To"].addresses] == ["c1@example.com"]
    assert [each.addr_spec for each in message["From"].addresses] == [SENDER]
    plain = message.get_body(("plain",))
    assert plain is not None
    assert "".join(plain.get_content().split()) == "".join(text.split())


@pytest.mark.parametrize("name", ["\u202e李", "a" * 500, '"<x@y.z>"', "O'Neil, Jr.", "李\r\nBcc: all@example.com", ""])
async def test_odd_names_are_no_reason_to_refuse(channel: Smtp, smtp_server: SmtpStandIn, name: str):
    [outcome] = await channel.send([mail(name=name)])
    assert (outcome.status, outcome.reason) == ("sent", None)
    [(to, message)] = smtp_server.accepted
    assert (to, set(message.keys())) == (
        ["c1@example.com"],
        HEADERS,
    )


@pytest.mark.parametrize("address", ["li@例子.中国", "李@example.com"])
async def test_addresses_in_other_scripts(channel: Smtp, smtp_server: SmtpStandIn, address: str):
    [outcome] = await channel.send([mail(to=address)])
    assert outcome.status == "sent"
    assert len(smtp_server.accepted) == 1


@pytest.mark.parametrize(
    "address",
    [
        "c1@example.com\r\nRCPT TO:<x@y.zz>",
        "c1@example.com> SIZE=1",
        "@",
        "no address",
        "a@" + "例" * 80,
        "李>@x.cn",
        "李 x@x.cn",
    ],
)
async def test_an_address_that_is_none_is_refused_alone(channel: Smtp, smtp_server: SmtpStandIn, address: str):
    outcomes = await channel.send([mail(1), mail(2, address), mail(3)])
    assert [each.status for each in outcomes] == ["sent", "failed", "sent"]
    assert [to for to, _ in smtp_server.accepted] == [["c1@example.com"], ["c3@example.com"]]


async def test_a_failure_that_nobody_foresaw_is_one_mails_alone(channel: Smtp):
    outcomes = await channel.send([mail(1, subject=cast("str", b"bytes")), mail(2)])
    assert [each.status for each in outcomes] == ["unknown", "sent"]


MEANINGS = [
    (Reply("RCPT", "450 greylisted"), "requested", "450 greylisted"),
    (Reply("RCPT", "452 mailbox full"), "requested", "452"),
    (Reply("RCPT", "550 no such user"), "failed", "550 no such user"),
    (Reply("RCPT", "553 not a name"), "failed", "553"),
    (Reply("RCPT"), "requested", "before the mail went"),
    (Reply("DATA", "451 try later"), "requested", "451"),
    (Reply("DATA", "552 too large"), "failed", "552"),
    (Reply("DATA", "554 spam"), "failed", "554 spam"),
    (Reply("DATA"), "unknown", "may have gone"),
    (Reply("DATA", keeps=True), "unknown", "may have gone"),
    (Reply("DATA", "250 late", keeps=True, delay=1.5 * TIMEOUT), "unknown", "may have gone"),
]


@pytest.mark.parametrize(("reply", "status", "said"), MEANINGS, ids=str)
async def test_what_a_reply_means_for_its_mail_alone(
    channel: Smtp, smtp_server: SmtpStandIn, reply: Reply, status: str, said: str
):
    smtp_server.script_for["c2@example.com"] = [reply]
    outcomes = await channel.send([mail(1), mail(2), mail(3)])
    assert [each.status for each in outcomes] == ["sent", status, "sent"]
    assert said in (outcomes[1].reason or "")
    assert not outcomes[1].pauses_channel
    again = outcomes[1].retry_at
    assert again == (NOW + FIRST_PAUSE if status == "requested" else None)
    assert smtp_server.addresses() == {"c1@example.com": 1, "c3@example.com": 1} | (
        {"c2@example.com": 1} if reply.keeps else {}
    )


@pytest.mark.parametrize(
    ("reply", "nobody"),
    [
        ("550 5.1.1 user unknown", True),
        ("550 no such user", True),
        ("550 5.1.10 null MX", True),
        ("550 5.2.1 mailbox disabled", True),
        ("553 mailbox unavailable", True),
        ("550 5.7.1 your reputation, not this user unknown to us", False),
        ("550 5.7.26 unauthenticated", False),
        ("552 5.2.2 mailbox full", False),
        ("550 we take nothing from you", False),
        ("450 4.1.1 unknown user, for now", False),
    ],
)
async def test_an_address_where_nobody_is_gets_no_more_mail(
    channel: Smtp, smtp_server: SmtpStandIn, reply: str, nobody: bool
):
    smtp_server.script_for["c1@example.com"] = [Reply("RCPT", reply)]
    [outcome] = await channel.send([mail(1)])
    assert outcome.suppress == ("hard_bounce" if nobody else None)


async def test_a_server_that_closes_a_connection_after_some_mails_is_met_anew(channel: Smtp, smtp_server: SmtpStandIn):
    for n in (3, 5):
        smtp_server.script_for[f"c{n}@example.com"] = [Reply("RCPT", "421 enough for this connection")]
    outcomes = await channel.send([mail(n) for n in range(1, 7)])
    assert [each.status for each in outcomes] == ["sent"] * 6
    assert smtp_server.connections == 3


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply("MAIL", "451 try later"), "451"),
        (Reply("MAIL", "550 who are you"), "YINFENG_MAIL_FROM"),
        (Reply("MAIL", "530 log in first"), "YINFENG_SMTP_URL"),
        (Reply("RCPT", "530 log in first"), "YINFENG_SMTP_URL"),
        (Reply("RCPT", "421 closing"), "421"),
    ],
    ids=str,
)
async def test_what_is_about_us_leaves_the_server_alone(
    channel: Smtp, smtp_server: SmtpStandIn, reply: Reply, said: str
):
    smtp_server.script_for["MAIL" if reply.step == "MAIL" else "c1@example.com"] = [reply]
    outcomes = await channel.send([mail(1), mail(2)])
    assert [(each.status, each.pauses_channel) for each in outcomes] == [("requested", True)] * 2
    assert said in (outcomes[0].reason or "")
    assert smtp_server.accepted == []
    [after] = await channel.send([mail(1)])
    assert after.status == "sent"


@pytest.mark.parametrize(
    ("attempts", "pause"), [(1, FIRST_PAUSE), (2, 2 * FIRST_PAUSE), (3, 4 * FIRST_PAUSE), (50, LONGEST_PAUSE)]
)
async def test_a_mail_put_off_again_waits_longer(
    channel: Smtp, smtp_server: SmtpStandIn, attempts: int, pause: timedelta
):
    smtp_server.script_for["c1@example.com"] = [Reply("RCPT", "450 later")]
    [outcome] = await channel.send([mail(attempts=attempts)])
    assert outcome.retry_at == NOW + pause


async def test_a_server_that_keeps_hanging_up_is_left_alone(channel: Smtp, smtp_server: SmtpStandIn):
    for n in range(1, 21):
        smtp_server.script_for[f"c{n}@example.com"] = [Reply("DATA")]
    outcomes = await channel.send([mail(n) for n in range(1, 21)])
    assert [each.status for each in outcomes] == ["unknown"] * MOST_LOST + ["requested"] * (20 - MOST_LOST)
    assert outcomes[-1].pauses_channel


async def test_a_closed_channel_sends_nothing_more(channel: Smtp, smtp_server: SmtpStandIn):
    await channel.close()
    [outcome] = await channel.send([mail()])
    assert (outcome.status, smtp_server.connections) == ("requested", 0)


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")  # aiosmtpd takes smtps for none
@pytest.mark.parametrize("tls", ["start", "at once"])
async def test_logging_in(tmp_path: Path, tls: str, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    with smtp_stand_in(tmp_path, log_in=True, tls=tls) as server:
        outcomes = await channel_to(server, USER, PASSWORD, tls=tls == "at once").send([mail(1), mail(2)])
    assert [each.status for each in outcomes] == ["sent", "sent"]
    assert (len(server.log_ins), server.connections) == (1, 1)
    assert PASSWORD not in caplog.text


async def test_a_wrong_password_is_about_us(tmp_path: Path):
    with smtp_stand_in(tmp_path, log_in=True, tls="start") as server:
        outcomes = await channel_to(server, USER, "wrong-one").send([mail(1), mail(2)])
    assert [(each.status, each.pauses_channel) for each in outcomes] == [("requested", True)] * 2
    assert "535" in (outcomes[0].reason or "")
    assert "wrong-one" not in (outcomes[0].reason or "")
    assert server.accepted == []


async def test_a_log_in_put_off_is_tried_again(tmp_path: Path):
    with smtp_stand_in(tmp_path, log_in=True, tls="start") as server:
        server.refuses_log_in = "454 4.7.0 Temporary authentication failure"
        [outcome] = await channel_to(server, USER, PASSWORD).send([mail()])
    assert (outcome.status, outcome.pauses_channel) == ("requested", True)
    assert "YINFENG_SMTP_URL" not in (outcome.reason or "")


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
async def test_no_password_goes_in_the_clear(tmp_path: Path):
    with smtp_stand_in(tmp_path, log_in=True) as server:
        [outcome] = await channel_to(server, USER, PASSWORD).send([mail()])
    assert (outcome.status, outcome.pauses_channel, server.log_ins) == ("requested", True, [])
    assert "STARTTLS" in (outcome.reason or "")


async def test_tls_is_used_where_the_server_has_it(tmp_path: Path):
    with smtp_stand_in(tmp_path, tls="start") as server:
        await channel_to(server).send([mail()])
    assert server.secured == [True]


async def test_a_certificate_of_nobodys_is_not_trusted(tmp_path: Path):
    for tls in ("start", "at once"):
        with smtp_stand_in(tmp_path, tls=tls) as server:
            [outcome] = await smtp(MailServer(HOST, server.port, tls == "at once")).send([mail()])
        assert (outcome.status, outcome.pauses_channel, server.accepted) == ("requested", True, [])
        assert "certificate" in (outcome.reason or "")


async def greeted_with(line: bytes, timeout: float = TIMEOUT) -> Outcome:
    gone = asyncio.Event()

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(line)
        await reader.read()
        writer.close()
        await writer.wait_closed()
        gone.set()

    async with await asyncio.start_server(greet, HOST, 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        [outcome] = await smtp(MailServer(HOST, port, tls=False), timeout=timeout).send([mail()])
        await gone.wait()
        return outcome


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"554 not you\r\n", "YINFENG_SMTP_URL"),
        (b"421 too busy\r\n", "421"),
        (b"HTTP/1.1 400 Bad Request\r\n", "-1"),
        (b"\xff\x00\r\n", "-1"),
    ],
)
async def test_what_a_greeting_means(line: bytes, said: str):
    outcome = await greeted_with(line)
    assert (outcome.status, outcome.pauses_channel) == ("requested", True)
    assert said in (outcome.reason or "")
    assert (outcome.reason or "").isprintable()


async def test_a_server_that_says_nothing_is_given_up():
    outcome = await greeted_with(b"", timeout=0.2)
    assert (outcome.status, outcome.pauses_channel) == ("requested", True)


@pytest.mark.parametrize("address", [MailServer(HOST, 1, tls=False), MailServer("no-such-host.invalid", 25, tls=False)])
async def test_what_never_left_us_is_tried_again(address: MailServer):
    outcomes = await smtp(address).send([mail(1), mail(2)])
    assert [(each.status, each.pauses_channel) for each in outcomes] == [("requested", True)] * 2
    assert "can't be reached" in (outcomes[0].reason or "")


@pytest.mark.parametrize(
    ("url", "meant"),
    [
        ("smtp://mail.example", MailServer("mail.example", 587, tls=False)),
        ("smtp://mail.example:25", MailServer("mail.example", 25, tls=False)),
        ("smtps://mail.example", MailServer("mail.example", 465, tls=True)),
        ("smtp://[::1]:2525", MailServer("::1", 2525, tls=False)),
        (
            f"smtps://{USER}:{quote(PASSWORD, safe='')}@mail.example",
            MailServer("mail.example", 465, True, USER, PASSWORD),
        ),
    ],
)
def test_addresses_of_servers(url: str, meant: MailServer):
    assert parse_mail_server(url) == meant
    assert PASSWORD not in repr(meant)


@pytest.mark.parametrize(
    "url",
    [
        *("mail.example", "http://mail.example", "smtp://", "smtp://h:99999", "smtp://h:0", "smtp://h/x?y"),
        *("smtp://u:geheim@", "smtp://u:ge/heim@h", "smtp://u@h", "smtp://u:geheim@h:port"),
        "smtp://u:geheim@h\r\nx",
    ],
)
def test_a_wrong_address_is_named_without_its_password(url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("YINFENG_SMTP_URL", url)
    with pytest.raises(ConfigurationError, match="YINFENG_SMTP_URL") as error:
        load_settings()
    assert "heim" not in str(error.value)
