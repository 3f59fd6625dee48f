"""What machines read about the facts agrees with what is accepted: JSON Schemas, OpenAPI, AsyncAPI."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from producers.requests import READERS
from schemas.catalogue import CATALOGUE
from schemas.openapi import asyncapi, event_schema, example_event
from schemas.settings import Settings
from schemas.topics import TOPICS
from tests.strategies import events
from yinfeng.web import create_app

CHECKER = Draft202012Validator.FORMAT_CHECKER


@pytest.fixture(scope="module")
def openapi() -> dict[str, Any]:
    document: dict[str, Any] = create_app(Settings(database_url="postgresql://nowhere", kafka="nowhere:1")).openapi()
    return document


@pytest.mark.parametrize("name", CATALOGUE)
@settings(max_examples=max(20, settings().max_examples // 20))
@given(data=st.data())
def test_what_we_accept_the_schema_accepts(name: str, data: st.DataObject):
    schema = Draft202012Validator(event_schema(CATALOGUE[name]), format_checker=CHECKER)
    schema.validate(data.draw(events([name])))


@pytest.mark.parametrize("row", CATALOGUE.values(), ids=lambda row: row.name)
def test_what_the_schema_can_say_it_refuses_too(row: Any):
    schema = Draft202012Validator(event_schema(row), format_checker=CHECKER)
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
