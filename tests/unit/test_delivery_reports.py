"""Reports of mail that came back: what each shape tells, what is no report, and what nobody should have written."""

from __future__ import annotations

from datetime import UTC, datetime
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifications.channels.delivery_reports import is_report, read_report
from notifications.channels.replies import is_nobody
from notifications.channels.report_mailbox import MOST_BYTES
from tests.reports import ADDRESS, NONCE, SHAPES, postfix


@pytest.mark.parametrize("shape", SHAPES)
def test_each_shape_names_our_mail_its_address_and_that_nobody_is_there(shape: str):
    [told] = read_report(SHAPES[shape]())
    assert (told.message, told.address, told.word, told.name) == (NONCE, ADDRESS, "bounced", "bounce")
    assert told.suppress == "hard_bounce"
    assert told.noted
    assert "a report came back: failed 5." in told.reason


def test_a_report_is_of_the_moment_when_its_mail_was_written():
    [told] = read_report(postfix())
    assert told.at == datetime(2026, 3, 8, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "said", "action", "word", "suppress"),
    [
        ("5.1.1", "", "failed", "bounced", "hard_bounce"),
        ("5.7.1", "550 5.7.1 blocked for your reputation", "failed", "bounced", None),
        ("5.0.0", "554 rejected due to spam content", "failed", "bounced", None),
        ("5.2.2", "552 5.2.2 mailbox full", "failed", "bounced", None),
        ("4.4.7", "450 4.1.1 user unknown, gave up", "failed", "bounced", None),
        ("4.4.1", "connect to mx.example.com: timed out", "delayed", "taken", None),
        ("2.0.0", "250 ok", "delivered", "delivered", None),
    ],
)
def test_what_a_report_means(status: str, said: str, action: str, word: str, suppress: str | None):
    [told] = read_report(postfix(status=status, said=said, action=action))
    assert (told.word, told.suppress) == (word, suppress)


def test_the_same_report_has_the_same_name_and_another_try_another():
    one, again = read_report(postfix()), read_report(postfix().replace(b"id 4Rx;", b"id 5Ry;"))
    other = read_report(postfix().replace(b"Date: Sun, 08 Mar 2026 01", b"Date: Sun, 08 Mar 2026 03"))
    assert one[0].fingerprint == again[0].fingerprint != other[0].fingerprint


NONE_OF_OURS = {
    "another's mail": postfix().replace(b"yinfeng.", b"other."),
    "no report": b"Subject: hello\r\n\r\n<yinfeng." + NONCE.encode() + b"@park.example>",
    "no block": postfix().replace(b"message/delivery-status", b"text/plain"),
    "of reading": postfix().replace(b"Action: failed", b"Disposition: displayed"),
    "no address": postfix().replace(b"li@example.com", b"nobody"),
    "empty": b"",
}


@pytest.mark.parametrize("content", NONE_OF_OURS.values(), ids=NONE_OF_OURS)
def test_what_is_no_report_of_our_mail_tells_nothing(content: bytes):
    assert read_report(content) == []


@pytest.mark.parametrize(
    ("content_type", "may_be"), [(" multipart/report; x", True), ("text/plain", False), ("", False)]
)
def test_by_its_type_a_mail_may_be_a_report(content_type: str, may_be: bool):
    assert is_report(content_type) is may_be


@given(st.data())
def test_whatever_comes_is_read_or_passed_over(data: st.DataObject):
    whole = data.draw(st.sampled_from([shape() for shape in SHAPES.values()]))
    at = data.draw(st.integers(0, len(whole)))
    noise = data.draw(st.binary(max_size=40) | st.sampled_from([b"\r\n\r\n", b"=?utf-8?B?", b"\0", b"--4Rx.1/"]))
    for content in (whole[:at], whole[:at] + noise + whole[at:]):
        for told in read_report(content):
            assert told.message == NONCE or len(told.message or "") == 36
            assert told.reason.isprintable()


@pytest.mark.parametrize("deep", [5, 100])
def test_nobody_writes_a_report_that_takes_long_to_read(deep: int):
    heads = [f'Content-Type: multipart/report; boundary="{n}"\n\n--{n}\n' for n in range(deep)]
    content = "".join(heads).encode()
    began = process_time()
    assert read_report(content + b"\n" * (MOST_BYTES - len(content))) == []
    assert process_time() - began < 1


@pytest.mark.parametrize(
    ("said", "nobody"),
    [
        ("550 User not found: li@163.com", True),
        ("550 Mailbox not found. http://service.mail.qq.com/x", True),
        ("550 Mailbox unavailable or access denied", False),
        ("550 5.4.1 Recipient address rejected: Access denied. AS(201806281)", True),
        ("554 delivery error: dd This user doesn't have a yahoo.com account", True),
        ("550 5.1.0 Sender denied", False),
        ("550 blocked: 5.1.1.20 is listed", False),
        ("550 5.0.0 no such user here", True),
        ("550 DY-001 mail rejected for user unknown: spam policy", False),
    ],
)
def test_what_servers_say_of_an_address(said: str, nobody: bool):
    assert is_nobody(said) is nobody


def test_of_a_whole_mail_only_a_code_says_that_nobody_is_there():
    assert is_nobody("550 5.1.1 nobody", of_recipient=False)
    assert not is_nobody("554 no such user", of_recipient=False)
