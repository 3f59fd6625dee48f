"""CloudEvents' bindings: how one or many events lie in an HTTP request or a Kafka message.

After the CloudEvents 1.0 JSON format, HTTP protocol binding and Kafka protocol binding. What comes out is a
JSON object per event, not yet checked against the catalogue (`schemas.facts.validate_event` does that).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import unquote

from schemas.errors import FieldError, InvalidFact
from schemas.facts import MAX_EVENT_BYTES, parse_json

STRUCTURED: Final = "application/cloudevents+json"
BATCH: Final = "application/cloudevents-batch+json"
NDJSON: Final = "application/x-ndjson"
JSON: Final = "application/json"

_NO_NEWS: Final = (("content-type", STRUCTURED.encode()),)  # the headers of nearly all records that are structured
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*)"')
_QUOTED_PAIR: Final = re.compile(r"\\(.)")


def media_type(content_type: str | None) -> str:
    """`Application/JSON; charset=utf-8` → `application/json`."""
    return (content_type or "").split(";", 1)[0].strip().lower()


def is_json(media: str) -> bool:
    """Whether data of this media type is JSON (no type means JSON)."""
    return media in ("", JSON) or media.endswith("+json")


def from_kafka(value: bytes | None, headers: Iterable[tuple[str, bytes | None]]) -> Any:
    """The event in a Kafka message, structured or binary. Headers that are not CloudEvents' may hold anything.
    Raises InvalidFact."""
    if value is None:
        raise InvalidFact([FieldError("", "is empty: a tombstone is no fact")])
    if len(value) > MAX_EVENT_BYTES:
        raise InvalidFact([FieldError("", f"is larger than {MAX_EVENT_BYTES} bytes")])
    if not headers or headers == _NO_NEWS:
        return structured_event(value)
    ours = [(name.lower(), raw) for name, raw in headers]
    known = {name: _header_text(name, raw) for name, raw in ours if name == "content-type" or name.startswith("ce_")}
    media = media_type(known.get("content-type"))
    if "ce_specversion" in known and not media.startswith("application/cloudevents"):
        attributes = {name[3:]: text for name, text in known.items() if name.startswith("ce_")}
        return binary_event(attributes, known.get("content-type"), value)
    return structured_event(value)


def from_http_headers(headers: Mapping[str, str]) -> dict[str, str] | None:
    """The attributes in `ce-` headers, decoded; None when there is no `ce-specversion`."""
    attributes = {name.lower()[3:]: _decoded(text) for name, text in headers.items() if name.lower().startswith("ce-")}
    return attributes if "specversion" in attributes else None


def binary_event(attributes: Mapping[str, str], content_type: str | None, body: bytes) -> dict[str, Any]:
    """An event whose attributes lie in headers and whose data is the body. Raises InvalidFact."""
    event: dict[str, Any] = dict(attributes)
    if content_type:
        event["datacontenttype"] = content_type
    if body:
        event["data"] = parse_json(body) if is_json(media_type(content_type)) else body
    return event


def structured_event(raw: bytes | str) -> Any:
    """One event in JSON; `data_base64` is taken as the data it encodes. Raises InvalidFact."""
    return unwrapped(parse_json(raw))


def unwrapped(event: Any) -> Any:
    """The same event with `data` in place of `data_base64`. Raises InvalidFact when it can't be decoded."""
    if not isinstance(event, dict) or "data_base64" not in event:
        return event
    if "data" in event:
        raise InvalidFact([FieldError("data_base64", "must not stand beside data")])
    try:
        data = base64.b64decode(event["data_base64"], validate=True)
    except (binascii.Error, TypeError, ValueError):
        raise InvalidFact([FieldError("data_base64", "must be base64")]) from None
    rest = {name: value for name, value in event.items() if name != "data_base64"}
    media = media_type(str(event.get("datacontenttype") or ""))
    return {**rest, "data": parse_json(data) if is_json(media) else data}


def _decoded(text: str) -> str:
    """A header's value as the HTTP binding reads it: a quoted string is unquoted, then percent signs are decoded."""
    quoted = _QUOTED.fullmatch(text)
    return unquote(_QUOTED_PAIR.sub(r"\1", quoted[1]) if quoted else text)


def _header_text(name: str, raw: bytes | None) -> str:
    try:
        return (raw or b"").decode()
    except UnicodeDecodeError:
        raise InvalidFact([FieldError(name[:100], "is no UTF-8")]) from None
