"""What every channel owes the sender, and how each of SendGrid's answers is understood."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import socket
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest

from notifications.channels.apprise import Alerts
from notifications.channels.mailbox import Mailbox
from notifications.channels.port import Channel, Mail, Outcome
from notifications.channels.sendgrid import AT_ONCE, SendGrid
from notifications.channels.smtp import Smtp
from schemas.mail_server import MailServer
from tests.stand_ins.sendgrid import KEY, Answer, SendGridStandIn
from tests.stand_ins.sendgrid_rules import MAX_BODY, SCHEMA, breaches
from tests.stand_ins.smtp import HOST, smtp_stand_in
from tests.stand_ins.webhook import webhook

TIMEOUT = 2.0
FAR = 1893456000  # 2030


def sendgrid(host: str, key: str = KEY, *, most: int = 1) -> SendGrid:
    return SendGrid(key, host=host, timeout=TIMEOUT, sender="park@yinfeng.example", sender_name="产业园", most=most)


def smtp(port: int) -> Smtp:
    return Smtp(
        MailServer(HOST, port, tls=False),
        timeout=5,
        sender="park@yinfeng.example",
        sender_name="产业园",
        clock=lambda: datetime.now(UTC),
        jitter=lambda: 1.0,
    )


@pytest.fixture
async def channel(sendgrid_server: SendGridStandIn) -> AsyncIterator[SendGrid]:
    made = sendgrid(sendgrid_server.url)
    yield made
    await made.close()


@pytest.fixture(params=["sendgrid", "sendgrid in bulk", "smtp", "alerts", "mailbox"])
async def any_channel(
    request: pytest.FixtureRequest, sendgrid_server: SendGridStandIn, tmp_path: Path
) -> AsyncIterator[Channel]:
    with smtp_stand_in(tmp_path) as mail_server, webhook() as service:
        makers: dict[str, Callable[[], Channel]] = {
            "sendgrid": lambda: sendgrid(sendgrid_server.url),
            "sendgrid in bulk": lambda: sendgrid(sendgrid_server.url, most=1000),
            "smtp": lambda: smtp(mail_server.port),
            "alerts": lambda: Alerts(service.url, Mailbox()),
            "mailbox": Mailbox,
        }
        made = makers[request.param]()
        yield made
        await made.close()


def mail(id: int = 1, to: str | None = None, *, subject: str = "报名成功", name: str = "李思雨") -> Mail:
    return Mail(
        id,
        "signup_confirmation",
        to or f"c{id}@example.com",
        name,
        "zh-CN",
        subject,
        "<p>您好</p>",
        "您好\n",
        nonce=str(id),
    )


async def test_every_mail_gets_its_own_outcome_in_order(any_channel: Channel):
    outcomes = await any_channel.send([mail(n) for n in range(1, 31)])
    assert [(each.status, each.pauses_channel) for each in outcomes] == [("sent", False)] * 30


async def test_no_mails_are_no_work(any_channel: Channel):
    assert await any_channel.send([]) == []


async def test_the_same_address_in_two_mails_of_a_batch(any_channel: Channel):
    outcomes = await any_channel.send([mail(1, "one@example.com"), mail(2, "ONE@example.com")])
    assert [each.status for each in outcomes] == ["sent", "sent"]


async def test_what_it_says_of_itself(any_channel: Channel):
    assert any_channel.name
    assert any_channel.keeps is isinstance(any_channel, Mailbox)
    assert any_channel.portion > 0
    assert 0 < any_channel.lease <= 300


async def test_batches_one_after_the_other(any_channel: Channel):
    for batch in ([mail(1), mail(2)], [mail(3)], [mail(4), mail(5)]):
        assert [each.status for each in await any_channel.send(batch)] == ["sent"] * len(batch)


async def test_what_is_left_when_it_closes_is_asked_for_again(any_channel: Channel):
    if any_channel.keeps:
        pytest.skip("what it keeps is sent when it is recorded")
    await any_channel.close()
    outcomes = await any_channel.send([mail(1), mail(2)])
    assert [(each.status, each.pauses_channel) for each in outcomes] == [("requested", False)] * 2


async def test_a_closed_channel_can_be_closed_again(any_channel: Channel):
    await any_channel.close()
    await any_channel.close()


async def test_what_sendgrid_is_told(channel: SendGrid, sendgrid_server: SendGridStandIn):
    await channel.send([mail(7)])
    [(part, request)] = sendgrid_server.accepted
    assert part["to"] == [{"email": "c7@example.com", "name": "李思雨"}]
    assert part["custom_args"] == {"yinfeng_message": "7"}
    assert request["from"] == {"email": "park@yinfeng.example", "name": "产业园"}
    assert [each["type"] for each in request["content"]] == ["text/plain", "text/html"]
    assert request["categories"] == ["signup_confirmation"]
    assert "李思雨" not in json.dumps([part["custom_args"], request["categories"]], ensure_ascii=False)


async def test_nobody_sees_another(channel: SendGrid, sendgrid_server: SendGridStandIn):
    await channel.send([mail(n) for n in range(1, 6)])
    assert [len(part["to"]) for part, _ in sendgrid_server.accepted] == [1] * 5


@pytest.mark.parametrize("name", ["\u202e李", "a" * 500, '"<x@y.z>"', "O'Neil, Jr."])
async def test_odd_names_are_no_reason_to_refuse(channel: SendGrid, sendgrid_server: SendGridStandIn, name: str):
    [outcome] = await channel.send([mail(name=name)])
    assert (outcome.status, sendgrid_server.refused) == ("sent", [])


MEANINGS = [
    (Answer(400), "failed", "400"),
    (Answer(404), "failed", "404"),
    (Answer(413), "failed", "413"),
    (Answer(401), "requested", "YINFENG_SENDGRID_API_KEY"),
    (Answer(403), "requested", "YINFENG_MAIL_FROM"),
    (Answer(429, reset=FAR), "requested", "429"),
    (Answer(500), "unknown", "500"),
    (Answer(502), "unknown", "502"),
    (Answer(503), "unknown", "503"),
    (Answer(302), "unknown", "302"),
    (Answer(200), "unknown", "200"),
    (Answer(drop="before"), "unknown", "may have gone"),
    (Answer(drop="after"), "unknown", "may have gone"),
    (Answer(delay=3 * TIMEOUT), "unknown", "may have gone"),
]


@pytest.mark.parametrize(("answer", "status", "said"), MEANINGS, ids=str)
async def test_what_an_answer_means(
    channel: SendGrid, sendgrid_server: SendGridStandIn, answer: Answer, status: str, said: str
):
    sendgrid_server.script_for["c1@example.com"] = [answer]
    [one] = await channel.send([mail(1)])
    [other] = await channel.send([mail(2)])
    assert (one.status, other.status) == (status, "sent")
    assert one.pauses_channel is (answer.status in (401, 403, 429))
    assert said in (one.reason or "")


async def test_too_many_requests_wait_until_the_provider_says(channel: SendGrid, sendgrid_server: SendGridStandIn):
    sendgrid_server.script = [Answer(429, reset=FAR)]
    [outcome] = await channel.send([mail()])
    assert outcome.retry_at == datetime.fromtimestamp(FAR, UTC)


@pytest.mark.parametrize(
    ("answer", "most"), [(Answer(429, reset=FAR), AT_ONCE), (Answer(401), AT_ONCE), (Answer(500), 2 * AT_ONCE)], ids=str
)
async def test_a_provider_in_trouble_is_left_alone(
    channel: SendGrid, sendgrid_server: SendGridStandIn, answer: Answer, most: int
):
    sendgrid_server.script = [answer] * 200
    outcomes = await channel.send([mail(n) for n in range(1, 201)])
    assert sendgrid_server.asked <= most
    assert sum(outcome.status == "requested" for outcome in outcomes) >= 200 - most
    assert any(outcome.pauses_channel for outcome in outcomes)


async def test_a_closed_channel_sends_nothing_more(channel: SendGrid, sendgrid_server: SendGridStandIn):
    await channel.close()
    [outcome] = await channel.send([mail()])
    assert (outcome.status, sendgrid_server.asked) == ("requested", 0)


async def test_too_many_requests_without_a_time(channel: SendGrid, sendgrid_server: SendGridStandIn):
    sendgrid_server.script = [Answer(429)]
    [outcome] = await channel.send([mail()])
    assert (outcome.status, outcome.retry_at) == ("requested", None)


def nobody_listens() -> str:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}"


async def outcome_at(host: str) -> Outcome:
    channel = sendgrid(host)
    [outcome] = await channel.send([mail()])
    await channel.close()
    return outcome


@pytest.mark.parametrize("host", [nobody_listens(), "http://no-such-host.invalid"], ids=["refused", "unknown host"])
async def test_what_never_left_us_is_tried_again(host: str):
    outcome = await outcome_at(host)
    assert (outcome.status, outcome.pauses_channel) == ("requested", True)


async def test_a_server_that_takes_no_connection_was_sent_nothing():
    with socket.socket() as full, contextlib.ExitStack() as waiting:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(4):
            one = waiting.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        outcome = await outcome_at(f"http://127.0.0.1:{full.getsockname()[1]}")
    assert (outcome.status, outcome.pauses_channel) == ("requested", True)
    assert "timed out" in (outcome.reason or "")


async def test_a_server_that_is_not_who_it_should_be_is_sent_nothing(sendgrid_server: SendGridStandIn):
    outcome = await outcome_at(sendgrid_server.url.replace("http:", "https:"))
    assert (outcome.status, outcome.pauses_channel, sendgrid_server.asked) == ("requested", True, 0)


async def test_no_redirect_is_followed_since_the_key_would_go_along(
    channel: SendGrid, sendgrid_server: SendGridStandIn
):
    sendgrid_server.script = [Answer(302)]
    await channel.send([mail()])
    assert sendgrid_server.strayed == 0


async def test_a_failure_that_nobody_foresaw_is_one_mails_alone(channel: SendGrid, sendgrid_server: SendGridStandIn):
    unfit = mail(1, subject=cast("str", 7))
    outcomes = await channel.send([unfit, mail(2)])
    assert [each.status for each in outcomes] == ["unknown", "sent"]


async def test_a_wrong_key_is_about_us_not_about_the_message(sendgrid_server: SendGridStandIn):
    channel = sendgrid(sendgrid_server.url, key="SG.wrong")
    [outcome] = await channel.send([mail()])
    await channel.close()
    assert (outcome.status, outcome.pauses_channel, sendgrid_server.refused[0][0][0]) == ("requested", True, 401)
    assert "SG.wrong" not in (outcome.reason or "")


async def test_neither_key_nor_contents_are_logged(
    channel: SendGrid, sendgrid_server: SendGridStandIn, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    sendgrid_server.script = [Answer(500), Answer(400)]
    await channel.send([mail(1), mail(2), mail(3)])
    assert KEY not in caplog.text
    assert "example.com" not in caplog.text


async def test_sending_holds_up_nobody_else(channel: SendGrid, sendgrid_server: SendGridStandIn):
    sendgrid_server.script = [Answer(delay=TIMEOUT / 2)] * 3
    sending = asyncio.create_task(channel.send([mail(n) for n in (1, 2, 3)]))
    turns = 0
    while not sending.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns > 10


def request_with(**changes: object) -> bytes:
    whole = {
        "personalizations": [{"to": [{"email": "a@example.com"}], "custom_args": {"yinfeng_message": "1"}}],
        "from": {"email": "park@yinfeng.example"},
        "subject": "s",
        "content": [{"type": "text/plain", "value": "t"}],
    }
    return json.dumps({**whole, **changes}).encode()


HEADERS = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}


def many(count: int) -> list[object]:
    return [{"to": [{"email": f"a{n}@example.com"}]} for n in range(count)]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"personalizations": []}, "at least one"),
        ({"personalizations": many(1001)}, "at most 1000"),
        ({"personalizations": [{"to": []}]}, "at least one address"),
        ({"personalizations": [{"to": [{"email": "a@x.cn"}, {"email": "A@x.cn"}]}]}, "unique"),
        ({"personalizations": [{"to": [{"email": "nobody"}]}]}, "valid address"),
        ({"personalizations": [{"to": [{"email": "a@x.cn"}]}, {"to": [{"email": "A@x.cn"}]}]}, "unique in a request"),
        ({"personalizations": [{"to": [{"email": "a@x.cn"}], "substitutions": {"%t%": 1}}]}, "strings"),
        ({"personalizations": [{"to": [{"email": "a@x.cn"}], "substitutions": {"%t%": "x" * 10_000}}]}, "10000 bytes"),
        ({"from": {}}, "from"),
        ({"subject": ""}, "subject"),
        ({"content": []}, "content"),
        ({"content": [{"type": "text/plain", "value": ""}]}, "content"),
        ({"content": [{"type": "text/html", "value": "h"}, {"type": "text/plain", "value": "t"}]}, "comes first"),
        ({"custom_args": {"a": 1}}, "strings"),
        ({"custom_args": {"a": "x" * 10_000}}, "bytes"),
        ({"categories": ["a", "a"]}, "categories"),
        ({"categories": ["x" * 256]}, "categories"),
        ({"headers": {"Reply-To": "x@y.zz"}}, "Reply-To"),
        ({"send_at": FAR * 2}, "72 hours"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_stand_in_refuses(changes: dict[str, object], said: str):
    found = breaches(KEY, HEADERS, request_with(**changes))
    assert found[0][0] == 400
    assert said in " ".join(message for _, message in found)


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        (HEADERS | {"authorization": "Bearer x"}, request_with(), 401),
        (HEADERS | {"content-type": "text/plain"}, request_with(), 415),
        (HEADERS, b"{", 400),
        (HEADERS, b"[]", 400),
        (HEADERS, request_with(subject="s" * MAX_BODY), 413),
    ],
    ids=["key", "type", "cut", "list", "size"],
)
def test_the_stand_in_refuses_the_request_itself(headers: dict[str, str], body: bytes, status: int):
    assert [each for each, _ in breaches(KEY, headers, body)] == [status]


def test_the_stand_in_accepts_what_is_right():
    assert breaches(KEY, HEADERS, request_with(personalizations=many(1000))) == []


@pytest.mark.skipif(not Path(SCHEMA).exists(), reason="the provider's schema is not on this machine")
def test_the_stand_in_holds_requests_to_the_providers_schema():
    [(status, message)] = breaches(KEY, HEADERS, request_with(reply_to={"name": "n"}))
    assert (status, message.split(":")[0]) == (400, "schema")
