"""A fact, and how a CloudEvent in JSON becomes one. Bytes in, Fact or InvalidFact out, nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, Literal, NoReturn

import msgspec
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from schemas.catalogue import CATALOGUE
from schemas.compiled import ATTRIBUTES, are_plain, sure_moment
from schemas.errors import FieldError, InvalidFact
from schemas.field_errors import REQUIRED, field_errors, safe, suggestion
from schemas.fields import Id, Text, Time, UriReference, Url, printable
from schemas.sealed import SEALED

MAX_EVENT_BYTES: Final = 1024 * 1024
MOST_AHEAD: Final = timedelta(days=1)  # of our clock: others' may be wrong, and zones mistaken
MAX_KEYS: Final = 200
_EXTENSION_NAME = re.compile("[a-z0-9]{1,40}")
_SURROGATE = re.compile("[\ud800-\udfff]")
_JSON_CONTENT = re.compile(r"application/([\w.+-]+\+)?json\s*(;.*)?", re.ASCII | re.IGNORECASE)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Fact(msgspec.Struct, frozen=True, gc=False):
    """What happened. `event` is the whole CloudEvent as it was posted (JSON values only).

    `time` is aware and in UTC; `campaign` and `candidate` are copies from its data.
    """

    source: str
    id: str
    type: str
    time: datetime
    campaign: str
    candidate: str | None
    event: dict[str, Any]

    @property
    def data(self) -> dict[str, Any]:
        data: dict[str, Any] = self.event["data"]
        return data

    @property
    def identity(self) -> tuple[str, str]:
        """CloudEvents' identity: source and id. The same again is a duplicate, whatever it says."""
        return (self.source, self.id)

    @property
    def key(self) -> str:
        """The Kafka key: all of one candidate's facts go to one partition, in order."""
        return fact_key(self.campaign, self.candidate)

    @property
    def stamp(self) -> tuple[int, str, str]:
        """What facts are sorted by: (microseconds since 1970, source, id)."""
        return ((self.time - _EPOCH) // _MICROSECOND, self.source, self.id)


def fact_key(campaign: str, candidate: str | None) -> str:
    """The Kafka key of a fact about this campaign or candidate."""
    return f"{campaign}/{candidate}" if candidate is not None else campaign


class Envelope(BaseModel):
    """A CloudEvent 1.0 in structured JSON form. Extension attributes are kept."""

    model_config = ConfigDict(extra="allow", strict=True)

    specversion: Literal["1.0"]
    id: Id
    source: UriReference
    type: Annotated[str, Field(json_schema_extra={"enum": list(CATALOGUE)})]
    time: Time
    subject: Text | None = None
    datacontenttype: Text | None = None
    dataschema: Url | UriReference | None = None
    data: dict[str, Any]


def parse_json(raw: bytes | str) -> Any:
    """Parse JSON from outside. Raises InvalidFact for anything that is not JSON (NaN and Infinity are not)."""
    # msgspec is quick, and stricter than the standard library, whose word is the last.
    try:
        return _decode(raw)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return _parse_slowly(raw)


def _parse_slowly(raw: bytes | str) -> Any:
    try:
        return json.loads(raw, parse_constant=_refuse_constant)
    except InvalidFact:
        raise
    except (ValueError, RecursionError) as error:
        raise InvalidFact([FieldError("", f"is not JSON: {_brief(error)}")]) from None


def validate_events(events: Sequence[Any]) -> list[Fact | InvalidFact]:
    """Check parsed CloudEvents against the catalogue, each by itself: facts, or what is wrong with them."""
    plain = are_plain(events)
    return [_validated(event, is_plain=plain) for event in events]


def _validated(event: Any, *, is_plain: bool) -> Fact | InvalidFact:
    try:
        return validate_event(event, is_plain=is_plain)
    except InvalidFact as error:
        return error.with_traceback(None)  # whose frames hold the events


def validate_event(event: Any, *, is_plain: bool = False) -> Fact:
    """Check a parsed CloudEvent against the catalogue. Raises InvalidFact with every error at once. `is_plain`: its
    texts were looked at together with others' already."""
    if not isinstance(event, dict):
        raise InvalidFact([FieldError("", "must be a JSON object, one CloudEvent")])
    moment = sure_moment(event, is_plain=is_plain)
    if moment is not None and (ATTRIBUTES.issuperset(event) or not _rest_errors(event)):
        return _fact(event, moment)
    return check_by_models(event)


def check_by_models(event: dict[str, Any]) -> Fact:
    """The same by the catalogue's models, whose word is the last."""
    event = {key: value for key, value in event.items() if value is not None or not _EXTENSION_NAME.fullmatch(key)}
    errors = _size_errors(event) or _envelope_errors(event) + _extension_errors(event) + _data_errors(event)
    if errors:
        given = event.get("id")
        raise InvalidFact(errors, id=given if isinstance(given, str) else None)
    return build_fact(event)


def ahead(fact: Fact, now: datetime) -> FieldError | None:
    """What is wrong with a fact that is said to have happened later than our clock allows: the latest word on a thing
    wins, so that a slip in a year would win for good."""
    if fact.time - now <= MOST_AHEAD:
        return None
    return FieldError("time", f"lies more than a day ahead of {now.isoformat(timespec='seconds')}, our clock's time")


def build_fact(event: dict[str, Any]) -> Fact:
    """A Fact of an event that is known to be valid, such as one from the ledger."""
    return _fact(event, datetime.fromisoformat(event["time"].upper()))


def _fact(event: dict[str, Any], moment: datetime) -> Fact:
    data, at = event["data"], moment.astimezone(UTC)
    return Fact(event["source"], event["id"], event["type"], at, data["campaign"], data.get("candidate"), event)


def _rest_errors(event: dict[str, Any]) -> list[FieldError]:
    """What may be wrong with the extensions of an event that is otherwise a fact."""
    return _size_errors(event) or _extension_errors(event)


def _size_errors(event: dict[str, Any]) -> list[FieldError]:
    """So many keys are no typo, and naming each would cost more than the event is worth."""
    return [
        FieldError(field, f"has {len(part)} keys; a fact has {MAX_KEYS} at most")
        for field, part in (("", event), ("data", event.get("data")))
        if isinstance(part, dict) and len(part) > MAX_KEYS
    ]


def _envelope_errors(event: dict[str, Any]) -> list[FieldError]:
    errors = []
    try:
        Envelope.__pydantic_validator__.validate_python(_readable(event))
    except ValidationError as error:
        errors = field_errors(error, "")
    content = event.get("datacontenttype")
    if isinstance(content, str) and not _JSON_CONTENT.fullmatch(content):
        errors.append(FieldError("datacontenttype", "must be application/json, since a fact's data is JSON"))
    return errors


def _extension_errors(event: dict[str, Any]) -> list[FieldError]:
    return [
        FieldError(safe(name), message)
        for name in event.keys() - _ATTRIBUTES
        if (message := _extension_fault(name, event[name]))
    ]


def _extension_fault(name: str, value: Any) -> str | None:
    if not _EXTENSION_NAME.fullmatch(name):
        meant = suggestion(name, Envelope.model_fields)
        return f"unknown attribute{meant}; extensions have lower-case letters and digits only"
    if not isinstance(value, str | bool | int):
        return "an extension attribute must be a string, a boolean or an integer"
    if isinstance(value, int) and not -(2**31) <= value < 2**31:
        return "an extension attribute's integer must fit 32 bits"
    if isinstance(value, str):
        try:
            printable(value)
        except PydanticCustomError as error:
            return error.message()
    return None


def _data_errors(event: dict[str, Any]) -> list[FieldError]:
    kind, data = event.get("type"), event.get("data")
    if not isinstance(kind, str) or not isinstance(data, dict):
        return []
    row = CATALOGUE.get(kind)
    if row is None:
        return [FieldError("type", f"unknown type {safe(kind)!r}{suggestion(kind, CATALOGUE)}")]
    sealed = _sealed_fields(event)
    # Null means left out, where the key is one that may be left out: an unknown one must not vanish.
    known = row.data.model_fields.keys()
    event["data"] = data = {key: value for key, value in data.items() if value is not None or key not in known}
    errors = [FieldError(f"data.{safe(key)}", "unknown key") for key in data.keys() - _readable(data).keys()]
    try:
        row.data.__pydantic_validator__.validate_python(_readable(data))
    except ValidationError as error:
        found = field_errors(error, "data", row.data.model_fields)
        errors += [each for each in found if not (sealed and each.message == REQUIRED and each.field in sealed)]
    except UnicodeError:
        errors.append(FieldError("data", "a key has a lone surrogate"))
    return errors


def _sealed_fields(event: dict[str, Any]) -> set[str]:
    """Which fields of the data an event has, though they can't be seen."""
    text = event.get(SEALED)
    parts = text.split(".") if isinstance(text, str) else []
    return {f"data.{each.partition('~')[0]}" for each in parts[2].split(",")} if len(parts) == 4 else set()


def _readable(given: dict[str, Any]) -> dict[str, Any]:
    """Without keys that have a lone surrogate, which Pydantic can't read."""
    return {key: value for key, value in given.items() if key.isascii() or not _SURROGATE.search(key)}


def _brief(error: Exception) -> str:
    return safe(str(error))


def _refuse_constant(name: str) -> NoReturn:
    raise InvalidFact([FieldError("", f"is not JSON: {name} is no JSON number")])


_ATTRIBUTES = Envelope.model_fields.keys()
_MICROSECOND = datetime.resolution
_decode = msgspec.json.Decoder().decode
