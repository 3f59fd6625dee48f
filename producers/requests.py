"""One HTTP request full of events: the four forms of CloudEvents over HTTP, each event on its own merits."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from itertools import islice
from typing import Any, Final

from schemas.cloudevents import (
    BATCH,
    NDJSON,
    STRUCTURED,
    binary_event,
    from_http_headers,
    media_type,
    structured_event,
    unwrapped,
)
from schemas.errors import FieldError, InvalidFact, Refused, TooLarge
from schemas.facts import MAX_EVENT_BYTES, Fact, parse_json, validate_event

MAX_REQUEST_BYTES: Final = 16 * 1024 * 1024
MAX_EVENTS: Final = 10_000


class UnsupportedMediaType(Refused):
    status = 415


@dataclass(frozen=True, slots=True)
class Rejected:
    """An event that is no fact: its place in the request, its id if it could be read, and all that is wrong."""

    index: int
    id: str | None
    errors: list[FieldError]


@dataclass(frozen=True, slots=True)
class Parsed:
    """A request's events: those that are facts with their places, those that are not. `alone`: it was no batch.
    `size`: its bytes."""

    facts: list[tuple[int, Fact]]
    rejected: list[Rejected]
    alone: bool
    size: int


def read_events(headers: Mapping[str, str], body: bytes) -> Iterator[Any]:
    """The events of a request one by one: what each is in JSON, or the InvalidFact that it is.

    Raises Refused when the request as a whole can't be read.
    """
    content_type = headers.get("content-type")
    media = media_type(content_type)
    if media in READERS:
        return READERS[media](body)
    attributes = from_http_headers(headers)
    if attributes is None:
        raise UnsupportedMediaType(
            f"send one event as {STRUCTURED}, many as {BATCH} or {NDJSON}, or give its attributes in ce- headers"
        )
    return iter([_attempt(lambda: binary_event(attributes, content_type, _bounded(body)))])


def is_alone(headers: Mapping[str, str]) -> bool:
    """Whether the request holds one event by its form, not a batch."""
    return media_type(headers.get("content-type")) not in (BATCH, NDJSON)


def check(event: Any) -> Fact | InvalidFact:
    """A fact, or what is wrong with it."""
    if isinstance(event, InvalidFact):
        return event
    try:
        return validate_event(event)
    except InvalidFact as error:
        return error


def _structured(body: bytes) -> Iterator[Any]:
    return iter([_attempt(lambda: structured_event(_bounded(body)))])


def _batch(body: bytes) -> Iterator[Any]:
    try:
        events = parse_json(body)
    except InvalidFact as error:
        raise Refused("the request's body " + error.errors[0].message, error.errors) from None
    if not isinstance(events, list):
        raise Refused("a batch must be a JSON array of events")
    _few_enough(len(events))
    large = len(body) > MAX_EVENT_BYTES
    return (_attempt(lambda event=event: unwrapped(_small(event) if large else event)) for event in events)


def _ndjson(body: bytes) -> Iterator[Any]:
    # No more lines than needed: sixteen million of one byte each would take hundreds of megabytes.
    lines = list(islice((line for line in BytesIO(body) if line.strip()), MAX_EVENTS + 1))
    _few_enough(len(lines))
    return (_attempt(lambda line=line: structured_event(_short(line))) for line in lines)


def _attempt(read: Any) -> Any:
    try:
        return read()
    except InvalidFact as error:
        return error


def _bounded(body: bytes) -> bytes:
    if len(body) > MAX_EVENT_BYTES:
        raise TooLarge(f"an event may have {MAX_EVENT_BYTES} bytes; this one has {len(body)}")
    return body


def _short(line: bytes) -> bytes:
    if len(line) > MAX_EVENT_BYTES:
        raise InvalidFact([FieldError("", f"is larger than {MAX_EVENT_BYTES} bytes")])
    return line


def _small(event: Any) -> Any:
    text = json.dumps(event, ensure_ascii=False, separators=(",", ":"))
    if len(text.encode("utf-8", "surrogatepass")) > MAX_EVENT_BYTES:
        raise InvalidFact([FieldError("", f"is larger than {MAX_EVENT_BYTES} bytes")])
    return event


def _few_enough(count: int) -> None:
    if count > MAX_EVENTS:
        raise TooLarge(f"a request may hold {MAX_EVENTS} events; this one holds more. Send them in portions")


READERS: Final = {STRUCTURED: _structured, BATCH: _batch, NDJSON: _ndjson}
