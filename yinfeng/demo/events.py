"""Facts as CloudEvents in JSON, with the moment at which each is posted."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

Event = dict[str, Any]


class Posting(NamedTuple):
    """An event and when it reaches the platform, which may be later than it happened."""

    posted_at: datetime
    event: Event


def stamp(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


def make_event(type: str, source: str, id: str, at: datetime, data: Event) -> Event:
    """A structured CloudEvent. Keys of `data` that are None are left out; a candidate becomes the subject."""
    event: Event = {"specversion": "1.0", "id": id, "source": source, "type": type, "time": stamp(at)}
    if "candidate" in data:
        event["subject"] = data["candidate"]
    event["datacontenttype"] = "application/json"
    event["data"] = {key: value for key, value in data.items() if value is not None}
    return event


def post_at_once(type: str, source: str, id: str, at: datetime, data: Event) -> Posting:
    return Posting(at, make_event(type, source, id, at, data))
