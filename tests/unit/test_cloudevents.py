"""CloudEvents over HTTP and Kafka: the scenarios of the public conformance suite (cloudevents/conformance), and
the CloudEvents SDK as a peer: what it writes we read, what we write it reads."""

from __future__ import annotations

import base64
import json
from datetime import datetime
from typing import Any

import pytest
from cloudevents.core.bindings import http as sdk_http
from cloudevents.core.bindings import kafka as sdk_kafka
from cloudevents.core.v1.event import CloudEvent
from hypothesis import given, settings
from starlette.datastructures import Headers

from producers.requests import is_alone, read_events
from schemas.cloudevents import BATCH, NDJSON, STRUCTURED, from_kafka
from schemas.errors import InvalidFact, Refused
from schemas.facts import Fact, validate_event
from tests.facts import signed_up
from tests.strategies import Event, events

ATTRIBUTES = {
    "specversion": "1.0",
    "type": "com.example.someevent",
    "time": "2018-04-05T03:56:24Z",
    "id": "1234-1234-1234",
    "source": "/mycontext/subcontext",
}
DATA = {"message": "Hello World!"}
JSON_TYPES = ["application/json", "application/json; charset=utf-8"]
STRUCTURED_TYPES = [STRUCTURED, "application/cloudevents+json; charset=utf-8", "Application/CloudEvents+JSON"]
BODY = json.dumps({**ATTRIBUTES, "datacontenttype": "application/json", "data": DATA}, indent=4).encode()


def over_http(headers: dict[str, str], body: bytes) -> list[Any]:
    return list(read_events(Headers(headers), body))


@pytest.mark.parametrize("content_type", JSON_TYPES)
def test_http_binary_content_mode(content_type: str):
    headers = {f"ce-{name}": text for name, text in ATTRIBUTES.items()}
    (found,) = over_http({**headers, "Content-Type": content_type}, b'{\n    "message": "Hello World!"\n}')
    assert found == {**ATTRIBUTES, "datacontenttype": content_type, "data": DATA}


@pytest.mark.parametrize("content_type", STRUCTURED_TYPES)
def test_http_structured_content_mode(content_type: str):
    (found,) = over_http({"Content-Type": content_type}, BODY)
    assert found == {**ATTRIBUTES, "datacontenttype": "application/json", "data": DATA}


@pytest.mark.parametrize("content_type", JSON_TYPES)
def test_kafka_binary_content_mode(content_type: str):
    headers = [(f"ce_{name}", text.encode()) for name, text in ATTRIBUTES.items()]
    found = from_kafka(json.dumps(DATA).encode(), [*headers, ("content-type", content_type.encode())])
    assert found == {**ATTRIBUTES, "datacontenttype": content_type, "data": DATA}


@pytest.mark.parametrize("content_type", STRUCTURED_TYPES)
def test_kafka_structured_content_mode(content_type: str):
    found = from_kafka(BODY, [("content-type", content_type.encode())])
    assert found == {**ATTRIBUTES, "datacontenttype": "application/json", "data": DATA}


@pytest.mark.parametrize("media", [BATCH, NDJSON])
def test_many_events_each_on_its_own_merits(media: str):
    good, in_base64 = signed_up("c1"), signed_up("c2")
    in_base64["data_base64"] = base64.b64encode(json.dumps(in_base64.pop("data")).encode()).decode()
    broken = {**signed_up("c3"), "data_base64": "!"}
    said = [good, in_base64, broken, 7]
    body = json.dumps(said) if media == BATCH else "\n".join(map(json.dumps, said)) + "\n\r\n"
    first, second, third, fourth = over_http({"content-type": media}, body.encode())
    assert (first, second["data"]["candidate"], fourth) == (good, "c2", 7)
    assert isinstance(third, InvalidFact)
    assert not is_alone(Headers({"content-type": media}))


@pytest.mark.parametrize("given", ["!", "e30=\n", "e30", 7, "7w==", "bm90IGpzb24="])
def test_base64_that_is_none_or_holds_no_json_is_no_fact(given: Any):
    body = json.dumps({**ATTRIBUTES, "data_base64": given}).encode()
    with pytest.raises(InvalidFact, match=r"base64|is not JSON"):
        from_kafka(body, [])


def test_data_in_two_forms_is_no_fact():
    with pytest.raises(InvalidFact, match="must not stand beside data"):
        from_kafka(json.dumps({**ATTRIBUTES, "data": {}, "data_base64": "e30="}).encode(), [])


def test_a_line_that_is_no_json_is_one_bad_event():
    first, second = over_http({"content-type": NDJSON}, b"{nonsense\n" + json.dumps(signed_up("c1")).encode())
    assert isinstance(first, InvalidFact)
    assert second["data"]["candidate"] == "c1"


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"content-type": BATCH}, b"{nonsense", 400),
        ({"content-type": BATCH}, b"{}", 400),
        ({"content-type": "text/plain"}, b"hello", 415),
        ({"content-type": "application/json"}, b"{}", 415),
        ({}, b"{}", 415),
        ({"content-type": BATCH}, b"[" + b"1," * 10_000 + b"1]", 413),
        ({"content-type": NDJSON}, b"1\n" * 10_001, 413),
    ],
)
def test_a_request_that_is_none_is_refused(headers: dict[str, str], body: bytes, status: int):
    with pytest.raises(Refused) as caught:
        over_http(headers, body)
    assert caught.value.status == status


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ("plain", "plain"),
        ("Euro%20%E2%82%AC%20%F0%9F%98%80", "Euro € 😀"),
        ('"quoted value"', "quoted value"),
        (r'"a \"quoted\" \\ value"', r'a "quoted" \ value'),
        ('"%22"', '"'),
        ("%2541", "%41"),
        ('half"quoted', 'half"quoted'),
    ],
)
def test_http_header_values_are_unquoted_then_decoded_once(sent: str, meant: str):
    headers = {f"ce-{name}": text for name, text in ATTRIBUTES.items()} | {"ce-subject": sent}
    (found,) = over_http({**headers, "content-type": "application/json"}, b"{}")
    assert found["subject"] == meant


@pytest.mark.parametrize(
    ("value", "headers"),
    [
        (None, []),
        (b"", []),
        (b"\xff", [("content-type", STRUCTURED.encode())]),
        (b"{}", [("ce_specversion", b"\xff")]),
        (
            b"<a/>",
            [*((f"ce_{name}", text.encode()) for name, text in ATTRIBUTES.items()), ("content-type", b"text/xml")],
        ),
        (b"x" * (1024 * 1024 + 1), []),
    ],
)
def test_kafka_messages_that_are_no_facts(value: bytes | None, headers: list[tuple[str, bytes]]):
    with pytest.raises(InvalidFact):
        validate_event(from_kafka(value, headers))


def sdk_event(given: Event) -> CloudEvent:
    """The same event as the SDK's own."""
    attributes = {name: value for name, value in given.items() if name != "data"}
    return CloudEvent({**attributes, "time": datetime.fromisoformat(given["time"])}, given["data"])


def same(read: Fact, given: Event) -> bool:
    expected = validate_event(given)
    return (read.identity, read.time, read.data) == (expected.identity, expected.time, expected.data)


@settings(max_examples=max(30, settings().max_examples // 2))
@given(given=events())
def test_what_the_sdk_writes_we_read(given: Event):
    theirs = sdk_event(given)
    written = [sdk_http.to_structured_event(theirs), sdk_http.to_binary_event(theirs)]
    for message in written:
        (read,) = over_http(message.headers, message.body)
        assert same(validate_event(read), given)
    for record in (sdk_kafka.to_structured_event(theirs), sdk_kafka.to_binary_event(theirs)):
        assert same(validate_event(from_kafka(record.value, list(record.headers.items()))), given)


@settings(max_examples=max(30, settings().max_examples // 2))
@given(given=events())
def test_what_we_store_and_publish_the_sdk_reads(given: Event):
    fact = validate_event(given)
    value = json.dumps(fact.event, ensure_ascii=False).encode()
    theirs = sdk_kafka.from_kafka_event(sdk_kafka.KafkaMessage({"content-type": STRUCTURED.encode()}, fact.key, value))
    assert (theirs.get_source(), theirs.get_id(), theirs.get_type()) == (fact.source, fact.id, fact.type)
    assert theirs.get_time() == fact.time
    assert theirs.get_data() == fact.data
