"""Of whom a dead letter seems to speak, and when what it says was said. Pure: it may be anything."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from schemas.fields import MAX_ID
from schemas.ids import looks_like
from storage.ledger.ledger import JourneyKey
from storage.vault.keeping import PLATFORM
from storage.vault.keys import LONG_AGO

_TIME: Final = "ce_time"  # the header of an event in binary form


class _Data(msgspec.Struct):
    campaign: Any = None
    candidate: Any = None


class _Event(msgspec.Struct):
    data: _Data
    time: Any = None


def whose_is(key: bytes | None, value: bytes) -> JourneyKey:
    """Of whom a letter seems to speak: by what it says, as an event or as the data alone of one in headers; else by its
    key. Nobody's is the platform's."""
    said = _told(value)
    if said is None:
        campaign, _, candidate = (key or b"").decode("utf-8", "replace").partition("/")
        said = (campaign, candidate)
    campaign, candidate = (each if _is_id(each) else "" for each in said)
    return (campaign, candidate) if campaign else PLATFORM


def said_at(value: bytes, headers: dict[str, str]) -> datetime:
    """When what a letter says was said, as far as it says that; else long ago."""
    try:
        text = headers.get(_TIME) or msgspec.json.decode(value, type=_Event).time
        at = datetime.fromisoformat(text.upper())
        return LONG_AGO if at.tzinfo is None else at.astimezone(UTC)
    except (msgspec.DecodeError, UnicodeError, ValueError, OverflowError, AttributeError, TypeError):
        return LONG_AGO


def _told(value: bytes) -> tuple[Any, Any] | None:
    try:
        data = msgspec.json.decode(value, type=_Event).data
    except (msgspec.DecodeError, UnicodeDecodeError):
        try:
            data = msgspec.json.decode(value, type=_Data)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None
        if data.campaign is None:
            return None
    return (data.campaign, data.candidate)


def _is_id(given: Any) -> bool:
    """Whether it may stand in the clear as one."""
    return isinstance(given, str) and 0 < len(given) <= MAX_ID and given.isprintable() and not looks_like(given)
