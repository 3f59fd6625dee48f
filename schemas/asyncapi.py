"""The AsyncAPI 3.0 document of the Kafka topics, drawn from the catalogue of facts and from what the system emits."""

from __future__ import annotations

from typing import Any, Final

from schemas.catalogue import CATALOGUE
from schemas.cloudevents import STRUCTURED
from schemas.emitted import EMITTED, SOURCE, Emitted
from schemas.openapi import event_schema
from schemas.topics import DEAD_LETTERS, FACTS, MESSAGES, OUTCOMES, PROGRESS


def asyncapi(title: str, version: str) -> dict[str, Any]:
    """The whole document."""
    facts = {
        _component(name): {
            "name": name,
            "title": row.meaning,
            "contentType": STRUCTURED,
            "payload": event_schema(row),
        }
        for name, row in CATALOGUE.items()
    }
    emitted = {_told(row): _emitted(row) for row in EMITTED.values()}
    on = {topic: [_told(row) for row in EMITTED.values() if row.topic == topic] for topic in (PROGRESS, OUTCOMES)}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": title,
            "version": version,
            "description": "Recruitment campaigns as a stream of facts.",
        },
        "defaultContentType": STRUCTURED,
        "channels": {
            "facts": _channel(FACTS, "Facts; the key is campaign/candidate.", list(facts)),
            "progress": _channel(PROGRESS, "What comes of targets.", on[PROGRESS]),
            "messages": _channel(MESSAGES, "Messages that were asked for, by id.", ["messages"]),
            "outcomes": _channel(OUTCOMES, "What became of messages.", on[OUTCOMES]),
            "dead-letters": _channel(
                DEAD_LETTERS,
                "What could not be used, sealed; where it lay is in its headers. `yinfeng dead-letters list` opens it.",
                ["dead_letter"],
            ),
        },
        "operations": {
            "postFact": {"action": "send", "channel": {"$ref": "#/channels/facts"}},
            "receiveProgress": {"action": "receive", "channel": {"$ref": "#/channels/progress"}},
            "receiveOutcomes": {"action": "receive", "channel": {"$ref": "#/channels/outcomes"}},
        },
        "components": {"messages": {**facts, **emitted, **_OTHERS}},
    }


def emitted_schema(row: Emitted) -> dict[str, Any]:
    """The JSON Schema of an event that the system emits."""
    envelope = {
        "specversion": {"const": "1.0"},
        "id": {"type": "string"},
        "source": {"const": SOURCE},
        "type": {"const": row.name},
        "time": {"type": "string", "format": "date-time"},
        "datacontenttype": {"const": "application/json"},
        "data": {"type": "object", "properties": row.data, "required": list(row.data)},
    }
    return {"type": "object", "properties": envelope, "required": list(envelope)}


def _component(name: str) -> str:
    return name.replace(".", "_")


def _told(row: Emitted) -> str:
    """Not the name of a fact: one that withdraws a target has the same type as what we tell of it."""
    return f"emitted_{_component(row.name)}"


def _emitted(row: Emitted) -> dict[str, Any]:
    return {"name": row.name, "title": row.meaning, "contentType": STRUCTURED, "payload": emitted_schema(row)}


def _channel(address: str, description: str, names: list[str]) -> dict[str, Any]:
    refs = {name: {"$ref": f"#/components/messages/{name}"} for name in names}
    return {"address": address, "description": description, "messages": refs}


_OTHERS: Final[dict[str, Any]] = {
    "messages": {
        "name": "messages.requested",
        "contentType": "application/json",
        "payload": {"type": "object", "properties": {"ids": {"type": "array", "items": {"type": "integer"}}}},
    },
    "dead_letter": {"name": "dead_letter", "payload": {}},
}
