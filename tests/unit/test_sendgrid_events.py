"""SendGrid's events in our words, and its signature over raw bytes."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from notifications.channels.afterwards import ProviderEvent
from notifications.channels.sendgrid_events import MOST_EVENTS, read_events
from notifications.channels.sendgrid_signature import OLDEST, require_signature, verifies
from schemas.errors import Forbidden, Refused
from schemas.webhook_key import parse_webhook_key
from tests.sendgrid_webhook import public_text, sign

KEY = ec.generate_private_key(ec.SECP256R1())
OTHER = ec.generate_private_key(ec.SECP256R1())
NOW = 1_772_366_400
BODY = '[{"event":"delivered","email":"李@example.com"}]\r\n'.encode()

# The example in the tests of SendGrid's own Python library.
PUBLISHED_KEY = (
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+2fNNRaINXvVpiglSI8eNEc6w"
    "EA3F+g=="
)
PUBLISHED_SIGNATURE = "MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0JuG+luQAbPIqHh89M15TluLtEZtM="
PUBLISHED_TIMESTAMP = "1600112502"
PUBLISHED_BODY = (
    b'[{"email":"hello@world.com","event":"dropped","reason":"Bounced Address",'
    b'"sg_event_id":"ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA",'
    b'"sg_message_id":"LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0",'
    b'"smtp-id":"<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>","timestamp":1600112492}]\r\n'
)


def told(**event: Any) -> ProviderEvent:
    [found] = read_events(json.dumps([{"email": "c1@example.com", "timestamp": NOW, **event}]).encode())
    return found


def test_the_published_example():
    key = parse_webhook_key(PUBLISHED_KEY)
    assert verifies(key, PUBLISHED_BODY, signature=PUBLISHED_SIGNATURE, timestamp=PUBLISHED_TIMESTAMP)
    for body in (PUBLISHED_BODY.strip(), json.dumps(json.loads(PUBLISHED_BODY)).encode()):
        assert not verifies(key, body, signature=PUBLISHED_SIGNATURE, timestamp=PUBLISHED_TIMESTAMP)
    [event] = read_events(PUBLISHED_BODY)
    assert (event.word, event.suppress, event.address) == ("dropped", "hard_bounce", "hello@world.com")


@given(st.binary(max_size=300), st.integers(NOW - OLDEST, NOW + OLDEST))
def test_what_was_signed_passes_and_nothing_else(body: bytes, at: int):
    signature = sign(KEY, body, str(at))
    require_signature(KEY.public_key(), body, signature=signature, timestamp=str(at), now=NOW)
    wrong = [
        (OTHER.public_key(), body, signature, str(at)),
        (KEY.public_key(), body + b" ", signature, str(at)),
        (KEY.public_key(), body, signature, str(at + 1)),
        (KEY.public_key(), body, sign(OTHER, body, str(at)), str(at)),
    ]
    for key, signed, mark, when in wrong:
        with pytest.raises(Forbidden):
            require_signature(key, signed, signature=mark, timestamp=when, now=NOW)


@given(st.text(), st.text())
def test_headers_full_of_nonsense_are_refused_and_raise_nothing_else(signature: str, timestamp: str):
    with pytest.raises(Forbidden):
        require_signature(KEY.public_key(), BODY, signature=signature, timestamp=timestamp, now=NOW)


NONCE = "9b2d3b0c-6f3e-4c5e-9a9a-0d2f1c3b4a5e"


@pytest.mark.parametrize("at", [str(NOW - OLDEST - 1), str(NOW + OLDEST + 1), "", "now", "١٢٣", "-5", "9" * 150])
def test_a_signature_out_of_its_time_is_refused(at: str):
    signature = base64.b64encode(KEY.sign(at.encode() + BODY, ec.ECDSA(hashes.SHA256()))).decode()
    with pytest.raises(Forbidden):
        require_signature(KEY.public_key(), BODY, signature=signature, timestamp=at, now=NOW)


@pytest.mark.parametrize(
    "text",
    [
        "nonsense",
        "-----BEGIN PUBLIC KEY-----",
        "密钥",
        PUBLISHED_KEY[:-8],
        public_text(ec.generate_private_key(ec.SECP384R1())),
        base64.b64encode(b"\x30\x00").decode(),
    ],
)
def test_what_is_no_key_is_refused(text: str):
    with pytest.raises(ValueError, match="SendGrid"):
        parse_webhook_key(text)


@pytest.mark.parametrize(
    ("event", "word", "suppress"),
    [
        ({"event": "processed"}, "taken", None),
        ({"event": "deferred", "response": "451 try later"}, "taken", None),
        ({"event": "delivered", "response": "250 OK"}, "delivered", None),
        ({"event": "open"}, "delivered", None),
        ({"event": "click", "url": "https://x.example"}, "delivered", None),
        ({"event": "bounce", "type": "bounce", "status": "5.1.1", "reason": "550"}, "bounced", "hard_bounce"),
        ({"event": "bounce", "type": "bounce", "bounce_classification": "Invalid Address"}, "bounced", "hard_bounce"),
        ({"event": "bounce", "type": "bounce", "bounce_classification": "Reputation"}, "bounced", None),
        ({"event": "bounce", "type": "bounce", "bounce_classification": "Content"}, "bounced", None),
        ({"event": "bounce", "type": "bounce", "bounce_classification": "Frequency/Volume"}, "bounced", None),
        ({"event": "bounce", "type": "blocked"}, "bounced", None),
        ({"event": "bounce"}, "bounced", None),
        ({"event": "dropped", "reason": "Bounced Address"}, "dropped", "hard_bounce"),
        ({"event": "dropped", "reason": "Spam Reporting Address"}, "dropped", "complaint"),
        ({"event": "dropped", "reason": "Unsubscribed Address"}, "dropped", "unsubscribe"),
        ({"event": "dropped", "reason": "Invalid SMTPAPI header"}, "dropped", None),
        ({"event": "dropped", "reason": "Spam Content (if spam checker app enabled)"}, "dropped", None),
        ({"event": "dropped", "reason": "Recipient List over Package Quota"}, "dropped", None),
        ({"event": "dropped", "reason": None}, "dropped", None),
        ({"event": "spamreport"}, "complained", "complaint"),
        ({"event": "unsubscribe"}, "delivered", "unsubscribe"),
        ({"event": "group_unsubscribe"}, "delivered", "unsubscribe"),
        ({"event": "group_resubscribe"}, None, None),
        ({"event": "something new"}, None, None),
    ],
    ids=str,
)
def test_what_events_mean(event: dict[str, Any], word: str | None, suppress: str | None):
    found = told(**event)
    assert (found.word, found.suppress) == (word, suppress)


@pytest.mark.parametrize(
    ("id", "message"),
    [
        ("7", "7"), (7, "7"), (NONCE, NONCE), ("0", None), (str(2**63), None), (NONCE.upper(), None), ("-7", None),
        ("7.0", None), ("٧", None), ("x", None), (None, None), (True, None), (7.5, None), ([7], None),
        ("9" * 5000, None),
    ],
)  # fmt: skip
def test_our_name_comes_back(id: Any, message: str | None):
    assert told(event="delivered", yinfeng_message=id).message == message


@pytest.mark.parametrize(
    ("email", "address"),
    [
        ("LI@Example.COM", "li@example.com"), ("nobody", None), (None, None), (7, None), ("a@b\x00.cn", None),
        ("a@" + "b" * 300, None),
    ],
)  # fmt: skip
def test_addresses_are_in_lower_case_or_none(email: Any, address: str | None):
    assert told(event="delivered", email=email).address == address


@pytest.mark.parametrize("at", [0, -1, True, "now", None, 2**70, 1.5])
def test_a_time_that_is_none_is_left_out(at: Any):
    assert told(event="delivered", timestamp=at).at is None


def test_an_event_is_known_again_by_its_id_or_by_what_it_says():
    one = {"event": "delivered", "sg_message_id": "m", "sg_event_id": "e1"}
    assert told(**one).event == told(**one, response="250").event
    again = told(**{**one, "sg_event_id": "e2"})
    assert (again.event != told(**one).event, again.fingerprint) == (True, told(**one).fingerprint)
    for other in ({"event": "open"}, {"email": "c2@example.com"}, {"timestamp": NOW + 1}, {"sg_message_id": "n"}):
        assert told(**{**one, **other}).fingerprint != told(**one).fingerprint
    assert told(event="delivered").event == told(event="delivered").fingerprint


def test_what_is_kept_of_an_event_fits_on_a_line():
    found = told(event="bounce", type="bounce", reason="550\x00 no\r\n such user " + "x" * 5000)
    assert found.reason.startswith("the provider says: bounce bounce 550 no such user xxx")
    assert len(found.reason) <= 300


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"\xff", b'{"event":"open"}', b"7", b"null", b"[" * 100_000, b"[{}" + b",{}" * MOST_EVENTS + b"]"],
    ids=lambda body: repr(body[:16]),
)
def test_garbage_is_refused(body: bytes):
    with pytest.raises(Refused):
        read_events(body)


def test_what_is_no_event_is_passed_over():
    body = json.dumps([7, None, [], {}, {"event": 7}, {"event": "delivered", "yinfeng_message": "1"}]).encode()
    assert [each.message for each in read_events(body)] == ["1"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
FIELDS = ["event", "email", "timestamp", "sg_event_id", "sg_message_id", "yinfeng_message", "type", "reason", "status"]


@given(st.lists(st.dictionaries(st.sampled_from(FIELDS), json_values | st.sampled_from(["bounce", "dropped"]))))
def test_no_event_however_odd_is_more_than_passed_over(events: list[dict[str, Any]]):
    for each in read_events(json.dumps(events).encode("utf-8", "surrogatepass")):
        assert len(each.event) == len(each.fingerprint) == 64
        assert each.reason.isprintable()
