"""What machines read about the facts, drawn from the catalogue: JSON Schemas and the OpenAPI part."""

from __future__ import annotations

import copy
from typing import Any, Final

from schemas.catalogue import CATALOGUE
from schemas.cloudevents import BATCH, NDJSON, STRUCTURED
from schemas.fact_type import FactType
from schemas.facts import Envelope


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
    counts = {"content": {"application/json": {"schema": _COUNTS}}}
    problem = {"content": {"application/problem+json": {"schema": PROBLEM}}}
    return {
        "requestBody": {"required": True, "content": _bodies()},
        "responses": {
            "202": {"description": "Committed.", **counts},
            "207": {"description": "Some events were rejected.", **counts},
            **{status: {"description": text, **problem} for status, text in _REFUSALS.items()},
        },
    }


def _bodies() -> dict[str, Any]:
    """The four forms in which facts are posted."""
    one = {"oneOf": [{"$ref": f"#/components/schemas/{name.replace('.', '_')}"} for name in CATALOGUE]}
    examples = {name: {"value": example_event(row)} for name, row in CATALOGUE.items()}
    return {
        STRUCTURED: {"schema": one, "examples": examples},
        BATCH: {"schema": {"type": "array", "items": one, "maxItems": 10_000}},
        NDJSON: {"schema": {"type": "string", "description": "One structured event a line."}},
        "application/json": {
            "schema": {"type": "object", "description": "Binary mode: the data here, the rest in ce- headers."}
        },
    }


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

_COUNTS: Final[dict[str, Any]] = {
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
_REFUSALS: Final = {
    "400": "Not readable.",
    "401": "No key, or a wrong one.",
    "403": "The key's role may not post this.",
    "413": "Too large.",
    "415": "None of the four forms.",
    "422": "One event, and it is no fact.",
    "503": "The database is away; try again.",
}
EVENTS_OPERATION: Final = events_operation()
