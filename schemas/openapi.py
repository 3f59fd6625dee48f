"""What machines read about the facts, drawn from the catalogue: JSON Schemas, the OpenAPI part, AsyncAPI."""

from __future__ import annotations

import copy
from typing import Any, Final

from schemas.catalogue import CATALOGUE, FactType
from schemas.cloudevents import BATCH, NDJSON, STRUCTURED
from schemas.facts import Envelope
from schemas.topics import DEAD_LETTERS, FACTS, MESSAGES, PROGRESS


def event_schema(row: FactType) -> dict[str, Any]:
    """The JSON Schema of a structured CloudEvent of this type."""
    envelope = copy.deepcopy(Envelope.model_json_schema())
    properties = envelope["properties"]
    properties["type"] = {"const": row.name}
    properties["data"] = _inlined(row.data.model_json_schema())
    properties["data_base64"] = {"type": "string", "contentEncoding": "base64", "description": "`data`, encoded."}
    return {
        "title": row.name,
        "description": row.meaning,
        "type": "object",
        "properties": properties,
        "required": [name for name in envelope["required"] if name != "data"],
        "oneOf": [{"required": ["data"]}, {"required": ["data_base64"]}],
        "examples": [example_event(row)],
    }


def example_event(row: FactType) -> dict[str, Any]:
    """A valid event of this type."""
    return {
        "specversion": "1.0",
        "id": f"example-{row.name}",
        "source": "/hr/huayou",
        "type": row.name,
        "time": "2026-03-08T09:30:00+08:00",
        "datacontenttype": "application/json",
        "data": row.example,
    }


def schemas_by_name() -> dict[str, dict[str, Any]]:
    """Every fact's JSON Schema by its component name: `candidate.signed_up` → `candidate_signed_up`."""
    return {name.replace(".", "_"): event_schema(row) for name, row in CATALOGUE.items()}


def events_operation() -> dict[str, Any]:
    """What OpenAPI can't see of `POST /v1/events`: its bodies and its answers."""
    one = {"oneOf": [{"$ref": f"#/components/schemas/{name.replace('.', '_')}"} for name in CATALOGUE]}
    examples = {name: {"value": example_event(row)} for name, row in CATALOGUE.items()}
    counts = {
        "type": "object",
        "required": ["accepted", "duplicates", "rejected"],
        "properties": {
            "accepted": {"type": "integer"},
            "duplicates": {"type": "integer"},
            "rejected": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "index": {"type": "integer"},
                        "id": {"type": ["string", "null"]},
                        "errors": {"type": "array", "items": _FIELD_ERROR},
                    },
                },
            },
        },
    }
    problem = {"content": {"application/problem+json": {"schema": PROBLEM}}}
    return {
        "requestBody": {
            "required": True,
            "content": {
                STRUCTURED: {"schema": one, "examples": examples},
                BATCH: {"schema": {"type": "array", "items": one, "maxItems": 10_000}},
                NDJSON: {"schema": {"type": "string", "description": "One structured event a line."}},
                "application/json": {
                    "schema": {
                        "type": "object",
                        "description": "Binary mode: the data here, the rest in ce- headers.",
                    }
                },
            },
        },
        "responses": {
            "202": {"description": "Committed.", "content": {"application/json": {"schema": counts}}},
            "207": {
                "description": "Some events were rejected.",
                "content": {"application/json": {"schema": counts}},
            },
            **{
                status: {"description": text, **problem}
                for status, text in {
                    "400": "Not readable.",
                    "401": "No key, or a wrong one.",
                    "403": "The key's role may not post this.",
                    "413": "Too large.",
                    "415": "None of the four forms.",
                    "422": "One event, and it is no fact.",
                    "503": "The database is away; try again.",
                }.items()
            },
        },
    }


def asyncapi(title: str, version: str) -> dict[str, Any]:
    """The AsyncAPI 3.0 document of the Kafka topics."""
    messages = {
        name.replace(".", "_"): {
            "name": name,
            "title": row.meaning,
            "contentType": STRUCTURED,
            "payload": event_schema(row),
        }
        for name, row in CATALOGUE.items()
    }
    channels = {
        "facts": _channel(FACTS, "Facts; the key is campaign/candidate.", list(messages)),
        "progress": _channel(PROGRESS, "target.progressed, target.milestone_reached, target.withdrawn.", ["progress"]),
        "messages": _channel(MESSAGES, "Messages that were asked for, by id.", ["messages"]),
        "dead-letters": _channel(
            DEAD_LETTERS, "What could not be used, with the reason in its headers.", ["dead_letter"]
        ),
    }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": title,
            "version": version,
            "description": "Recruitment campaigns as a stream of facts.",
        },
        "defaultContentType": STRUCTURED,
        "channels": channels,
        "operations": {
            "postFact": {"action": "send", "channel": {"$ref": "#/channels/facts"}},
            "receiveProgress": {"action": "receive", "channel": {"$ref": "#/channels/progress"}},
        },
        "components": {"messages": {**messages, **_EMITTED}},
    }


def _channel(address: str, description: str, names: list[str]) -> dict[str, Any]:
    refs = {name: {"$ref": f"#/components/messages/{name}"} for name in names}
    return {"address": address, "description": description, "messages": refs}


def _inlined(schema: dict[str, Any]) -> dict[str, Any]:
    """The same schema without $defs: OpenAPI would look for them in the wrong place."""
    definitions = schema.pop("$defs", {})

    def resolve(node: Any) -> Any:
        if isinstance(node, dict):
            if "$ref" in node:
                return resolve(definitions[node["$ref"].rsplit("/", 1)[1]])
            return {key: resolve(value) for key, value in node.items()}
        return [resolve(item) for item in node] if isinstance(node, list) else node

    inlined: dict[str, Any] = resolve(schema)
    return inlined


_FIELD_ERROR: Final = {
    "type": "object",
    "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
    "required": ["field", "message"],
}

PROBLEM: Final[dict[str, Any]] = {
    "type": "object",
    "description": "A problem document (RFC 9457).",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {"type": "array", "items": _FIELD_ERROR},
    },
    "required": ["type", "title", "status"],
}

_PROGRESS_PAYLOAD: Final = {
    "type": "object",
    "properties": {"type": {"enum": ["target.progressed", "target.milestone_reached", "target.withdrawn"]}},
}
_EMITTED: Final[dict[str, Any]] = {
    "progress": {"name": "target.progressed", "contentType": STRUCTURED, "payload": _PROGRESS_PAYLOAD},
    "messages": {
        "name": "messages.requested",
        "contentType": "application/json",
        "payload": {"type": "object", "properties": {"ids": {"type": "array", "items": {"type": "integer"}}}},
    },
    "dead_letter": {"name": "dead_letter", "payload": {}},
}

EVENTS_OPERATION: Final = events_operation()
