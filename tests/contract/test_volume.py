"""Many mails in one request to SendGrid: nobody gets another's, and what becomes of each is known."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from notifications.channels.port import Mail
from notifications.channels.sendgrid import AT_ONCE, FIRST_PORTION, MOST_IN_DOUBT, SendGrid
from notifications.channels.sendgrid_requests import (
    HTML_TAG,
    MAX_SUBJECT,
    MAX_SUBSTITUTIONS,
    MOST,
    TEXT_TAG,
    body,
    grouped,
    may_share,
)
from notifications.channels.sendgrid_writing import Requests
from schemas.messages import Attachment
from tests.stand_ins.sendgrid import KEY, Answer, SendGridStandIn, read
from tests.stand_ins.sendgrid_rules import breaches

HEADERS = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
SENDER = {"email": "park@yinfeng.example", "name": "产业园"}
KINDS = ["fair_reminder", "fair_cancelled"]


@pytest.fixture
async def channel(sendgrid_server: SendGridStandIn) -> AsyncIterator[SendGrid]:
    made = SendGrid(
        KEY, host=sendgrid_server.url, timeout=5, sender=SENDER["email"], sender_name=SENDER["name"], most=MOST
    )
    yield made
    await made.close()


def mail(id: int, to: str | None = None, kind: str = "fair_reminder", *, text: str = "", subject: str = "") -> Mail:
    own = text or f"第 {id} 位，您好\n"
    return Mail(
        id,
        kind,
        to or f"c{id}@example.com",
        f"李 {id}",
        "zh-CN",
        subject or f"致 {id}",
        f"<p>{own}</p>",
        own,
        nonce=str(id),
    )


def as_read(mail: Mail) -> tuple[str, str, str, str]:
    return mail.to, mail.subject[:MAX_SUBJECT], mail.text, mail.html


PIECES = st.sampled_from(
    ["李思雨", "%", "yinfeng_", "text%", "html%", TEXT_TAG, HTML_TAG, "\n", "\\", '"', "<b>", "\u2028", "x" * 900]
)
WORDS = st.lists(PIECES, min_size=1, max_size=9).map("".join)
ADDRESSES = st.sampled_from(["a@x.cn", "A@x.cn", "b@x.cn", "c@x.cn", "c@X.cn", "d@x.cn"])
MAILS = st.lists(st.tuples(ADDRESSES, st.sampled_from(KINDS), WORDS, WORDS), max_size=12).map(
    lambda rows: [mail(n, to, kind, subject=subject, text=text) for n, (to, kind, subject, text) in enumerate(rows)]
)


@given(mails=MAILS, most=st.integers(1, 6))
def test_everybody_gets_what_is_theirs_and_nothing_else(mails: list[Mail], most: int):
    groups = grouped(mails, most)
    assert sorted(each.id for group in groups for each in group) == [each.id for each in mails]
    assert all(len(group) <= most for group in groups)
    for group in groups:
        request: dict[str, Any] = json.loads(json.dumps(body(group, SENDER)))
        assert breaches(KEY, HEADERS, json.dumps(request).encode()) == []
        parts = request.pop("personalizations")
        request["personalizations"] = []
        assert [read(part, request) for part in parts] == [as_read(each) for each in group]
        assert [part["custom_args"] for part in parts] == [{"yinfeng_message": str(each.id)} for each in group]


NAMES = st.sampled_from(["", "李", "\ue0000\ue001", "\ue0015", '"', "\u2028"])
LINKED = st.sampled_from([None, "https://park.example/unsubscribe/a", "\ue0001\ue001"])
SHARED = st.sampled_from(
    [("", None), ("产业园", "hr@park.example"), ("\ue0003\ue001", None), ('"\\', "\ue000parts\ue001")]
)


@given(mails=MAILS, shared=st.lists(SHARED, max_size=3), data=st.data())
def test_a_request_says_the_same_however_it_is_written(
    mails: list[Mail], shared: list[tuple[str, str | None]], data: st.DataObject
):
    """Also where words have the characters of marks in them."""
    requests = Requests(SENDER)
    for name, reply_to in [*shared, ("", None)]:
        told = [
            replace(each, from_name=name, reply_to=reply_to, to_name=data.draw(NAMES), unsubscribe=data.draw(LINKED))
            for each in mails
        ]
        for group in [*grouped(told, MOST), *([each] for each in told)]:
            assert json.loads(b"".join(requests.write(group))) == json.loads(json.dumps(body(group, SENDER)))


@pytest.mark.parametrize("lacking", [{"subject": ""}, {"text": ""}, {"html": ""}, {"to": ""}, {"nonce": ""}])
def test_what_one_mail_lacks_the_next_has(lacking: dict[str, str]):
    """HR's own template may make an empty subject of what one person lacks."""
    requests, first = Requests(SENDER), replace(mail(1, "a@x.cn"), **lacking)
    for group in ([first], [mail(2, "b@x.cn")], [first, mail(2, "b@x.cn")], [mail(3, "c@x.cn"), mail(4, "d@x.cn")]):
        assert json.loads(b"".join(requests.write(group))) == json.loads(json.dumps(body(group, SENDER)))


def test_a_mail_with_files_is_written_with_them():
    ticket = Attachment("票.png", "image/png", b"\x89PNG", "ticket@yinfeng")
    for group in ([replace(mail(1), attachments=(ticket,))], [replace(mail(n), attachments=(ticket,)) for n in (1, 2)]):
        assert json.loads(b"".join(Requests(SENDER).write(group))) == json.loads(json.dumps(body(group, SENDER)))


@given(mails=MAILS)
def test_what_mails_share_says_nothing_of_anybody(mails: list[Mail]):
    for group in grouped(mails, MOST):
        if len(group) > 1:
            shared = body(group, SENDER)
            del shared["personalizations"]
            others = body([mail(900, kind=group[0].kind), mail(901, kind=group[0].kind)], SENDER)
            del others["personalizations"]
            assert shared == others


@pytest.mark.parametrize(
    ("text", "shares"),
    [("您好", True), ("x" * 3000, True), ("x" * MAX_SUBSTITUTIONS, False), (f"a{TEXT_TAG}", False), (HTML_TAG, False)],
    ids=["short", "long", "too long", "the tag of the text", "the tag of the HTML"],
)
def test_which_mails_may_share_a_request(text: str, shares: bool):
    assert may_share(mail(1, text=text)) is shares
    assert len(grouped([mail(1, text=text), mail(2), mail(3)], MOST)) == (1 if shares else 2)


async def test_a_thousand_go_in_one_request(channel: SendGrid, sendgrid_server: SendGridStandIn):
    mails = [mail(n) for n in range(1, 1001)]
    outcomes = await channel.send(mails)
    assert [each.status for each in outcomes] == ["sent"] * 1000
    assert sendgrid_server.asked == 1
    assert sendgrid_server.letters() == {str(each.id): as_read(each) for each in mails}
    assert all(len(part["to"]) == 1 for part, _ in sendgrid_server.accepted)


async def test_kinds_and_repeated_addresses_go_apart(channel: SendGrid, sendgrid_server: SendGridStandIn):
    mails = [mail(1), mail(2, kind="fair_cancelled"), mail(3, "C1@example.com"), mail(4), mail(5, text="x" * 9000)]
    outcomes = await channel.send(mails)
    assert [each.status for each in outcomes] == ["sent"] * 5
    assert (sendgrid_server.asked, sendgrid_server.refused) == (4, [])
    assert sendgrid_server.letters() == {str(each.id): as_read(each) for each in mails}


async def test_one_mail_that_is_refused_fails_alone(channel: SendGrid, sendgrid_server: SendGridStandIn):
    outcomes = await channel.send([mail(n, "nobody" if n in (7, 8, 60) else None) for n in range(1, 101)])
    assert [n for n, each in enumerate(outcomes, start=1) if each.status == "failed"] == [7, 8, 60]
    assert sum(each.status == "sent" for each in outcomes) == 97
    assert set(sendgrid_server.ids().values()) == {1}
    assert len(sendgrid_server.ids()) == 97


@pytest.mark.parametrize(
    ("answer", "status", "accepted"),
    [
        (Answer(429), "requested", 0),
        (Answer(401), "requested", 0),
        (Answer(500), "unknown", 0),
        (Answer(drop="before"), "unknown", 0),
        (Answer(drop="after"), "unknown", 50),
    ],
    ids=str,
)
async def test_what_an_answer_means_for_all_of_a_request(
    channel: SendGrid, sendgrid_server: SendGridStandIn, answer: Answer, status: str, accepted: int
):
    sendgrid_server.script = [answer]
    outcomes = await channel.send([mail(n) for n in range(1, 51)])
    assert [each.status for each in outcomes] == [status] * 50
    assert (sendgrid_server.asked, len(sendgrid_server.accepted)) == (1, accepted)


async def test_portions_grow_while_all_goes_well(channel: SendGrid, sendgrid_server: SendGridStandIn):
    seen = []
    for _ in range(5):
        seen.append(channel.portion)
        await channel.send([mail(n) for n in range(1, channel.portion + 1)])
    assert seen == [FIRST_PORTION, 4 * FIRST_PORTION, 16 * FIRST_PORTION, MOST, MOST]
    sendgrid_server.script = [Answer(500)]
    await channel.send([mail(1)])
    assert channel.portion == FIRST_PORTION


async def test_a_provider_in_trouble_is_left_alone(channel: SendGrid, sendgrid_server: SendGridStandIn):
    sendgrid_server.script = [Answer(500)] * 200
    outcomes = await channel.send([mail(n, "one@example.com") for n in range(1, 201)])
    assert sendgrid_server.asked <= AT_ONCE + MOST_IN_DOUBT
    assert sum(each.status == "requested" for each in outcomes) == 200 - sendgrid_server.asked


def test_only_mails_from_the_same_share_a_request():
    ours = [replace(mail(n), from_name="产业园", reply_to="hr@park.example") for n in (1, 2)]
    others = replace(mail(3), from_name="另一园区", reply_to="hr@other.example")
    first, second = grouped([*ours, others], MOST)
    assert [len(first), len(second)] == [2, 1]
    request = body(first, SENDER)
    assert (request["from"], request["reply_to"]) == (
        {"email": SENDER["email"], "name": "产业园"},
        {"email": "hr@park.example"},
    )
    assert body(second, SENDER)["reply_to"] == {"email": "hr@other.example"}
    assert "reply_to" not in body([mail(4)], SENDER)
    requests = [json.dumps(body(each, SENDER)).encode() for each in (first, second)]
    assert not [breach for request in requests for breach in breaches(KEY, HEADERS, request)]
