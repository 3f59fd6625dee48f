"""A mail can't be bent: what its bytes are read as is what was meant, whatever names and words people have."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from notifications.channels.mime import as_mime
from notifications.channels.port import Mail
from schemas.fields import REPLY_TO

NOW = datetime(2026, 3, 8, 9, tzinfo=UTC)
MAIL = Mail(1, "offer", "li@example.com", "李思雨", "zh-CN", "录用通知", "<p>您好</p>", "您好")
NAMES = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "Auto-Submitted",
    "MIME-Version",
    "Content-Type",
    "Content-Language",
]


def word(text: str) -> str:
    return f"=?utf-8?B?{b64encode(text.encode()).decode()}?="


FORGED = word("x\r\nBcc: mallory@evil.example\r\nReply-To: mallory@evil.example\r\n\r\n<h1>owned</h1>")
QUOTED = "=?utf-8?Q?x=0D=0ABcc:_mallory@evil.example?="
LINES = "Li\r\nBcc: mallory@evil.example"
PIECES = [
    "=?",
    "?=",
    "utf-8",
    "?B?",
    "?q?",
    "=0D=0A",
    "\r\n",
    "\n",
    "Bcc: a@b.example",
    ":",
    " ",
    "\t",
    '"',
    ",",
    "<",
    "李",
]
TEXT = st.text(max_size=300) | st.lists(st.sampled_from(PIECES), max_size=30).map("".join)


def read(mail: Mail, sender_name: str = "园区") -> EmailMessage:
    written = as_mime(mail, sender="no-reply@park.example", sender_name=sender_name, date=NOW)
    found = message_from_bytes(written, policy=default)
    assert isinstance(found, EmailMessage)
    return found


@pytest.mark.parametrize(
    "hostile", [FORGED, QUOTED, f"Li {FORGED} Si", FORGED + FORGED, "Li\r\nBcc: mallory@evil.example"]
)
def test_encoded_words_and_line_ends_forge_no_header(hostile: str):
    for mail, sender in (
        (replace(MAIL, subject=f"Offer: {hostile}"), "园区"),
        (replace(MAIL, to_name=hostile), "园区"),
        (MAIL, hostile),
    ):
        try:
            found = read(mail, sender)
        except ValueError:  # refused, not bent
            continue
        assert found.keys() == NAMES
        assert [each.addr_spec for each in found["To"].addresses] == ["li@example.com"]
        assert [each.addr_spec for each in found["From"].addresses] == ["no-reply@park.example"]
        assert found.get_body(("plain",)).get_content().strip() == "您好"


@given(TEXT, TEXT, TEXT, TEXT)
@example(FORGED, FORGED, FORGED, FORGED)
def test_whatever_people_are_called_the_mail_is_read_as_meant(subject: str, name: str, sender: str, text: str):
    try:
        found = read(replace(MAIL, subject=subject, to_name=name, text=text), sender)
    except ValueError:
        return  # refused, not bent
    assert found.keys() == NAMES
    assert [each.addr_spec for each in found["To"].addresses] == ["li@example.com"]
    assert [each.addr_spec for each in found["From"].addresses] == ["no-reply@park.example"]
    assert found.get_content_type() == "multipart/alternative"


def test_answers_go_where_the_mail_says_and_nowhere_else():
    found = read(replace(MAIL, from_name="金湖产业园", reply_to="jobs@huayou.example"))
    assert [(each.display_name, each.addr_spec) for each in found["From"].addresses] == [
        ("金湖产业园", "no-reply@park.example")
    ]
    assert [each.addr_spec for each in found["Reply-To"].addresses] == ["jobs@huayou.example"]
    assert "Reply-To" not in read(MAIL)


@given(TEXT, st.from_regex(REPLY_TO, fullmatch=True))
@example(FORGED, "a@b.example")
def test_whatever_an_organizer_is_called_its_answers_come_back(name: str, address: str):
    try:
        found = read(replace(MAIL, from_name=name, reply_to=address))
    except ValueError:
        return  # refused, not bent
    assert sorted(found.keys()) == sorted([*NAMES, "Reply-To"])
    assert [each.addr_spec for each in found["From"].addresses] == ["no-reply@park.example"]
    assert [each.addr_spec for each in found["Reply-To"].addresses] == [address]


@given(st.text(st.characters(categories=["L", "N", "Zs", "P", "S"]), min_size=1, max_size=200))
def test_hardly_anything_is_refused(name: str):
    read(replace(MAIL, subject=name, to_name=name), name)
