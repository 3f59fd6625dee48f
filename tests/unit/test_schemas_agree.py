"""What machines read about the facts agrees with what is accepted: JSON Schemas, OpenAPI, AsyncAPI."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from producers.requests import READERS
from schemas.asyncapi import asyncapi, emitted_schema
from schemas.catalogue import CATALOGUE
from schemas.cloudevents import structured_event
from schemas.emitted import EMITTED
from schemas.errors import InvalidFact
from schemas.facts import Fact, validate_event
from schemas.openapi import event_schema, example_event
from schemas.settings import Settings
from schemas.topics import TOPICS
from tests.strategies import Event, events, json_values
from yinfeng.web.app import create_app

# Values that are nearly right: other notations of times, numbers and texts.
VALUES = json_values() | st.sampled_from(
    ["2026-03-08t09:30:00z", "2026-03-08T09:30:60Z", "2026-03-08T24:00:00Z", "2026-03-08T09:30:00.123456789012Z",
     "2026-03-08T09:30:00-00:00", "2026-03-08 09:30:00Z", "2026-W10-7", "20260308", "2026-02-30", "", " ", "é" * 200,
     "\U0001f426" * 200, "a/../b?c#d", "//x", "%zz", "[", "1.0", 1.0, 0, -0.0, 1e15, 2**31, [], [1], ["a", 1], {}]
)  # fmt: skip
EVENTS = events()
LEFT_OUT = object()
CHECKER = Draft202012Validator.FORMAT_CHECKER


@cache
def schema_of(name: str) -> Draft202012Validator:
    return Draft202012Validator(event_schema(CATALOGUE[name]), format_checker=CHECKER)


@pytest.fixture(scope="module")
def openapi() -> dict[str, Any]:
    document: dict[str, Any] = create_app(Settings(database_url="postgresql://nowhere", kafka="nowhere:1")).openapi()
    return document


@pytest.mark.parametrize("name", CATALOGUE)
@settings(max_examples=max(20, settings().max_examples // 20))
@given(data=st.data())
def test_what_we_accept_the_schema_accepts(name: str, data: st.DataObject):
    schema_of(name).validate(data.draw(events([name])))


@given(EVENTS, EVENTS, st.data())
def test_of_changed_events_too_the_schema_accepts_what_we_accept(given: Event, other: Event, data: st.DataObject):
    event = changed(changed(given, other, data), other, data)
    found = check_raw(json.dumps(event).encode())
    if isinstance(found, Fact):
        schema_of(found.type).validate(event)


def changed(event: Event, other: Event, data: st.DataObject) -> Event:
    """One thing in it left out, or given any value, one that is nearly right or one of another event."""
    inner = data.draw(st.booleans()) and isinstance(event.get("data"), dict)
    part, source = (event["data"], other["data"]) if inner else (event, other)
    name = data.draw(st.sampled_from([*part, *source, "extra"]))
    value = data.draw(st.sampled_from([LEFT_OUT, *source.values()]) | VALUES)
    rest = {key: known for key, known in part.items() if key != name}
    part = rest if value is LEFT_OUT else rest | {name: value}
    return {**event, "data": part} if inner else part


def check_raw(raw: bytes) -> Fact | InvalidFact:
    try:
        return validate_event(structured_event(raw))
    except InvalidFact as error:
        return error


@pytest.mark.parametrize("row", CATALOGUE.values(), ids=lambda row: row.name)
def test_data_in_base64_is_in_the_schema(row: Any):
    schema = schema_of(row.name)
    event = example_event(row)
    encoded = {**event, "data_base64": base64.b64encode(json.dumps(event["data"]).encode()).decode()}
    assert isinstance(check_raw(json.dumps(encoded).encode()), InvalidFact)
    assert not schema.is_valid(encoded)
    del encoded["data"]
    assert isinstance(check_raw(json.dumps(encoded).encode()), Fact)
    assert schema.is_valid(encoded)


@pytest.mark.parametrize("row", CATALOGUE.values(), ids=lambda row: row.name)
def test_what_the_schema_can_say_it_refuses_too(row: Any):
    schema = schema_of(row.name)
    good = example_event(row)
    data = good["data"]
    required = [name for name, info in row.data.model_fields.items() if info.is_required()]
    worse = [
        *({**good, "data": {key: value for key, value in data.items() if key != name}} for name in required),
        *({key: value for key, value in good.items() if key != name} for name in ("id", "source", "time", "data")),
        {**good, "data": {**data, "emial": "x"}},
        {**good, "data": {**data, "campaign": "x" * 201}},
        {**good, "time": "yesterday"},
        {**good, "type": "candidate.sighed"},
        {**good, "specversion": "0.3"},
    ]
    assert schema.is_valid(good)
    assert [event for event in worse if schema.is_valid(event)] == []


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for item in node:
            yield from references(item)


def find(document: Any, reference: str) -> Any:
    assert reference.startswith("#/")
    for part in reference[2:].split("/"):
        document = document[part.replace("~1", "/").replace("~0", "~")]
    return document


def test_every_reference_leads_somewhere(openapi: dict[str, Any]):
    for document in (openapi, asyncapi("t", "1")):
        assert all(find(document, reference) is not None for reference in references(document))
        json.dumps(document, allow_nan=False)


def test_openapi_has_every_fact_and_every_form(openapi: dict[str, Any]):
    assert openapi["openapi"].startswith("3.1")
    for schema in openapi["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    operation = openapi["paths"]["/v1/events"]["post"]
    content = operation["requestBody"]["content"]
    assert READERS.keys() <= content.keys()
    one = content["application/cloudevents+json"]
    schema = Draft202012Validator({**one["schema"], "components": openapi["components"]})
    assert {each["value"]["type"] for each in one["examples"].values()} == set(CATALOGUE)
    for each in one["examples"].values():
        schema.validate(each["value"])
    assert {"202", "207", "400", "401", "403", "413", "415", "422", "503"} <= operation["responses"].keys()


def test_asyncapi_has_every_topic_and_every_fact():
    document = asyncapi("Yinfeng", "1")
    assert document["asyncapi"] == "3.0.0"
    assert {channel["address"] for channel in document["channels"].values()} == set(TOPICS)
    messages = [find(document, ref) for ref in references(document["channels"]["facts"]["messages"])]
    assert {message["name"] for message in messages} == set(CATALOGUE)
    for message in messages:
        Draft202012Validator.check_schema(message["payload"])
        Draft202012Validator(message["payload"]).validate(message["payload"]["examples"][0])
    for operation in document["operations"].values():
        assert operation["action"] in ("send", "receive")
        find(document, operation["channel"]["$ref"])


def test_asyncapi_has_all_that_the_system_emits():
    channels = asyncapi("Yinfeng", "1")["channels"].values()
    there = {channel["address"]: set(channel["messages"]) for channel in channels}
    for row in EMITTED.values():
        assert f"emitted_{row.name}".replace(".", "_") in there[row.topic]
        Draft202012Validator.check_schema(emitted_schema(row))
