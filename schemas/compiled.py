"""The catalogue compiled: a validator in C for the facts that pass, drawn from the same models.

It is narrower than the models, never wider: what it is sure of, they accept; of the rest they decide, and they alone
say what is wrong. So its shapes leave out what is rare and hard to say in a pattern: the 29th of February, years before
1910, types whose parts must fit together.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache, lru_cache
from types import NoneType
from typing import Annotated, Any, Final, Literal, get_args, get_origin, get_type_hints

import msgspec
from msgspec import UNSET, Meta, UnsetType
from pydantic.fields import FieldInfo

from schemas import fields
from schemas.catalogue import CATALOGUE
from schemas.data import Data

# What an event may hold for this validator to be sure of it; extensions are looked at elsewhere.
ATTRIBUTES: Final = frozenset({"specversion", "id", "source", "type", "time", "subject", "datacontenttype", "data"})

_YEAR: Final = "(19[1-9]|[2-8][0-9]{2})[0-9]"
_MONTH_DAY: Final = "((0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])|(0[13-9]|1[0-2])-(29|30)|(0[13578]|1[02])-31)"
_DAY: Final = f"{_YEAR}-{_MONTH_DAY}"
_CLOCK: Final = "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]{1,6})?"
_OFFSET: Final = "(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"

# The pattern of each kind of value; none where its bounds and what holds for all texts say enough.
KINDS: Final[tuple[tuple[Any, str | None], ...]] = (
    (fields.Id, None),
    (fields.Text, None),
    (fields.Prose, None),
    (fields.Email, fields.EMAIL.pattern),
    (fields.ReplyTo, fields.REPLY_TO.pattern),
    (fields.Phone, fields.PHONE.pattern),
    (fields.Url, fields.URL.pattern),
    (fields.UriReference, fields.URI_REFERENCE.pattern),
    (fields.Day, _DAY),
    (fields.Time, f"{_DAY}T{_CLOCK}{_OFFSET}"),
    (fields.Amount, None),
    (fields.HeadCount, None),
    (fields.Year, None),
    (fields.Currency, "[A-Z]{3}"),
    (fields.Slug, "[a-z][a-z0-9_]{0,63}"),
    (bool, None),
)
_BOUNDS: Final = ("min_length", "max_length", "ge", "le")

_PRINTABLE: Final = bytes(range(0x7F))  # what is left of ASCII without its control characters
_YEARS: Final = (1910, 9000)
_LONGEST_UTC: Final = len("2026-03-08T09:30:00.123456Z")
_LONGEST: Final = len("2026-03-08T09:30:00.123456+08:00")
_SOURCES_KNOWN: Final = 4096

_encode = msgspec.json.Encoder().encode
_UNSURE: Final = (msgspec.MsgspecError, KeyError, TypeError, ValueError, OverflowError, RecursionError)


class _NotCompiled(Exception):
    """A model says what no shape of ours can."""


def are_plain(events: Sequence[Any]) -> bool:
    """Whether certainly all texts in these are printable, and none begins or ends with a space: looked at together,
    since nearly all are. No says nothing."""
    try:
        return _is_plain(_encode(events))
    except _UNSURE:
        return False


def sure_moment(event: dict[str, Any], *, is_plain: bool = False) -> datetime | None:
    """When this happened, aware, if it is certainly an event of the catalogue, its extensions aside. None says
    nothing. `is_plain`: as `are_plain` tells."""
    try:
        found: Any = msgspec.convert(event, shapes()[event["type"]])
        if "dataschema" in event or not _is_reference(found.source):
            return None
        if not (is_plain or _is_plain(_encode(event))):
            return None
        return found.time if _is_usual(event["time"], found.time) else None
    except _UNSURE:
        return None


@cache
def shapes() -> dict[str, type[msgspec.Struct]]:
    """The types of fact that can be told so, each with the shape of its events."""
    found: dict[str, type[msgspec.Struct]] = {}
    for name, row in CATALOGUE.items():
        try:
            found[name] = _event(row.data)
        except _NotCompiled:
            continue
    return found


def _event(data: type[Data]) -> type[msgspec.Struct]:
    """Raises _NotCompiled."""
    return msgspec.defstruct(
        "Event",
        [
            ("specversion", Literal["1.0"]),
            ("id", _value(fields.Id)),
            ("source", Annotated[str, Meta(min_length=1, max_length=fields.MAX_ID)]),
            ("time", Annotated[datetime, Meta(tz=True)]),
            ("data", _data(data)),
            ("subject", _optional(_value(fields.Text)), UNSET),
            ("datacontenttype", _optional(Literal["application/json"]), UNSET),
        ],
        gc=False,
    )


def _data(model: type[Data]) -> type[msgspec.Struct]:
    """Raises _NotCompiled."""
    if model.__pydantic_decorators__.model_validators:
        raise _NotCompiled(model.__name__)
    hints = get_type_hints(model, include_extras=True)
    parts: list[Any] = []
    for name, info in model.model_fields.items():
        value = _value(hints[name])
        parts.append((name, value) if info.is_required() else (name, _optional(value), UNSET))
    return msgspec.defstruct(model.__name__, parts, forbid_unknown_fields=True, kw_only=True, gc=False)


def _value(hint: Any) -> Any:
    """A kind of value as msgspec says it. Null means left out, and has to be taken out: of that we are not sure."""
    for kind, pattern in KINDS:
        if hint is kind:
            return _shape(kind, pattern)
    args = get_args(hint)
    if get_origin(hint) is Literal:
        return hint
    if len(args) == 2 and args[1] is NoneType:
        return _value(args[0])
    raise _NotCompiled(hint)


def _optional(value: Any) -> Any:
    return value | UnsetType


def _shape(kind: Any, pattern: str | None) -> Any:
    if get_origin(kind) is not Annotated:
        return kind
    base, *rest = get_args(kind)
    stated = [each for info in rest if isinstance(info, FieldInfo) for each in info.metadata]
    bounds = {name: getattr(each, name) for each in stated for name in _BOUNDS if hasattr(each, name)}
    return Annotated[base, Meta(pattern=rf"\A(?:{pattern})\Z" if pattern else None, **bounds)]


@lru_cache(_SOURCES_KNOWN)
def _is_reference(source: str) -> bool:
    """A few sources post all the facts."""
    return fields.URI_REFERENCE.fullmatch(source) is not None


def _is_usual(said: str, moment: datetime) -> bool:
    """Whether a text that msgspec reads as this moment is one that the models read as the same: no finer than
    microseconds, its offset with a colon."""
    if said[10] != "T" or not _YEARS[0] <= moment.year < _YEARS[1]:
        return False
    return len(said) <= _LONGEST_UTC if said[-1] == "Z" else said[-3] == ":" and len(said) <= _LONGEST


def _is_plain(event: bytes) -> bool:
    """Whether no text in this, written as JSON without spaces, begins or ends with a space, or holds what can't
    be printed. With a backslash it is not told: one may stand for anything, and for all of ASCII's control characters
    one does, but for the last."""
    if b"\\" in event or (b" " in event and (b'" ' in event or b' "' in event)):
        return False
    return event.translate(None, _PRINTABLE).decode().isprintable()
