"""A fact's event as the ledger keeps it: without what stands in columns of its row.

What every event has alike is left out too: `specversion`, and `datacontenttype` where it is `application/json`. An
event that has another or none says so by an empty `specversion`; one that is whole, as of an earlier version, has its
own `type`. Of the time, what follows the seconds is kept, as `+`: no attribute has that name. Where there is neither,
it is `+08:00`, as of nearly all. `WHOLE` puts them together again, always in the same words: by these the outbox's
facts are known when they come back from Kafka.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from schemas.facts import Fact, build_fact
from storage.arrays import documents

FRAME: Final = 158  # bytes of a whole event that are in no column and not kept, about
_CONTENT: Final = "application/json"
OF_TIME: Final = "+"  # the key of what follows the seconds of an event's time
_USUAL: Final = "+08:00"
_SECONDS: Final = len("2026-03-08T09:30:00")
_KEPT_APART: Final = f"'{{specversion,data,{OF_TIME}}}'::text[]"
_LOCAL: Final = "CASE WHEN right({0}, 1) = 'Z' THEN interval '0' ELSE right({0}, 6)::interval END"


def _whole(event: str) -> str:
    """A whole event as text, in SQL: of the row `f`, of whose event `event` is what is kept beside the columns."""
    after = f"coalesce({event}->>'{OF_TIME}', '{_USUAL}')"
    return f"""CASE WHEN {event} ? 'type' THEN {event}::text ELSE
    '{{"specversion": "1.0", "id": ' || to_json(f.id)::text || ', "source": ' || to_json(f.source)::text
    || ', "type": "' || f.type || '"'
    || CASE WHEN {event} ? 'specversion' THEN '' ELSE ', "datacontenttype": "{_CONTENT}"' END
    || ', "data": {{"campaign": ' || to_json(f.campaign)::text
    || coalesce(', "candidate": ' || to_json(f.candidate)::text, '')
    || CASE WHEN {event} ? 'data' THEN ', ' || substr(({event}->'data')::text, 2) ELSE '}}' END
    || CASE WHEN {event} ? 'time' THEN '' ELSE ', "time": "' || to_char(
            f.time AT TIME ZONE 'UTC' + {_LOCAL.format(after)}, 'YYYY-MM-DD"T"HH24:MI:SS') || {after} || '"' END
    || CASE WHEN {event} - {_KEPT_APART} = '{{}}' THEN '}}'
       ELSE ', ' || substr(({event} - {_KEPT_APART})::text, 2) END END"""


# Whether a process of the version before may read what is written: it knows whole events alone, messages by nonces that
# stand in their rows, and journeys in plain JSON.
BESIDE: Final = """(SELECT EXISTS (SELECT FROM secrets WHERE name = 'events_whole_until'
    AND convert_from(value, 'UTF8')::timestamptz > now()))"""
WHOLE: Final = f"({_whole('f.event')})"


def stored(said: str) -> str:
    """What is written of an event `said` in the row `f`, in SQL."""
    return f"CASE WHEN {BESIDE} THEN ({_whole(said)})::jsonb ELSE {said} END"


_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder().decode


def lean(fact: Fact) -> dict[str, Any]:
    """What of an event is kept beside the columns."""
    kept = fact.event.copy()
    data = kept.pop("data").copy()
    del kept["id"], kept["source"], kept["type"], data["campaign"]
    data.pop("candidate", None)
    if data:
        kept["data"] = data
    if _is_plain(said := kept["time"]):
        del kept["time"]
        if (after := said[_SECONDS:]) != _USUAL:
            kept[OF_TIME] = after
    if kept.get("datacontenttype") == _CONTENT:
        del kept["datacontenttype"]
        kept.pop("specversion", None)
    else:
        kept["specversion"] = ""
    return kept


def _is_plain(time: str) -> bool:
    """Whether a time is told by its moment and what follows its seconds: whether its letters are large."""
    return time[10] == "T" and time[-1] != "z"


def lean_events(facts: Iterable[Fact]) -> bytes:
    """Of each, as a parameter that the statement takes by `split`."""
    return documents(_encode(lean(fact)) for fact in facts)


def whole_events(facts: Iterable[Fact]) -> bytes:
    """The same of whole events."""
    return documents(_encode(fact.event) for fact in facts)


def read_event(event: str) -> Fact:
    """A fact of an event in JSON that stands in the ledger."""
    return build_fact(_decode(event))


def read_if_event(text: str) -> Fact | None:
    """The same of a text that only says so. Whose it is, Postgres can hold."""
    try:
        fact = read_event(text)
    except _NO_EVENT:
        return None
    names = (fact.type, fact.campaign, fact.candidate or "")
    return fact if all(isinstance(each, str) and "\0" not in each for each in names) else None


def says(event: str, known: dict[str, Any]) -> bool:
    """Whether a text, of whatever it may be, is this event."""
    try:
        return bool(_decode(event) == known)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return False


_NO_EVENT: Final = (
    msgspec.MsgspecError,
    LookupError,
    TypeError,
    AttributeError,
    ValueError,
    OverflowError,
    RecursionError,
)
