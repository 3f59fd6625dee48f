"""Targets read from the web app: once, or as a stream that is followed through every outage."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

import httpx

from schemas.errors import Refused, Unavailable

TargetEntry = dict[str, Any]

MAX_DELAY: Final = 10.0  # seconds before another try
# Heartbeats come every ten seconds; three missed mean that the connection is dead.
_TIMEOUT: Final = httpx.Timeout(5.0, read=30.0)


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """One server-sent event."""

    name: str
    data: str
    id: str | None


def make_client(url: str, key: str) -> httpx.Client:
    """A client of the web app."""
    return httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=_TIMEOUT)


def fetch(client: httpx.Client, campaign: str | None) -> Iterator[TargetEntry]:
    """Every target as it stands now, with its `campaign`. Raises Refused or Unavailable."""
    campaigns = [campaign] if campaign else [row["campaign"] for row in _pages(client, "/v1/campaigns")]
    for name in campaigns:
        for row in _pages(client, f"/v1/campaigns/{quote(name, safe='')}/targets"):
            yield {"campaign": name, **row}


def follow(
    client: httpx.Client,
    campaign: str | None,
    *,
    on_event: Callable[[StreamEvent], None],
    on_state: Callable[[str | None], None],
    sleep: Callable[[float], None],
) -> None:
    """Follow the stream for ever, going on after what was seen last whenever it breaks.

    `on_state` is told None when connected, else why not. Raises Refused when the web app says no.
    """
    last: str | None = None
    delay, params = 1.0, {"campaign": campaign} if campaign else {}
    while True:
        headers = {"Last-Event-ID": last} if last else {}
        try:
            with client.stream("GET", "/v1/targets/stream", params=params, headers=headers) as answer:
                _check(answer)
                on_state(None)
                for event in parse(answer.iter_lines()):
                    last, delay = event.id or last, 1.0
                    on_event(event)
            reason = "the stream ended"
        except httpx.HTTPError as error:
            reason = str(error) or type(error).__name__
        except Unavailable as error:
            reason = str(error)
        on_state(f"{reason}; trying again in {delay:g} s")
        sleep(delay)
        delay = min(delay * 2, MAX_DELAY)


def parse(lines: Iterable[str]) -> Iterator[StreamEvent]:
    """Server-sent events from their lines; comments and what is not known are passed over."""
    name, id, data = "message", None, list[str]()
    for line in lines:
        if not line:
            if data:
                yield StreamEvent(name, "\n".join(data), id)
            name, id, data = "message", None, []
            continue
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            name = value
        elif field == "id":
            id = value
        elif field == "data":
            data.append(value)


def _pages(client: httpx.Client, path: str) -> Iterator[TargetEntry]:
    address: str | None = f"{path}?limit=1000"
    while address:
        try:
            answer = client.get(address)
        except httpx.HTTPError as error:
            raise Unavailable(f"{client.base_url} does not answer: {error}; is `yinfeng up` running?") from error
        _check(answer)
        yield from answer.json()
        address = answer.links.get("next", {}).get("url")


def _check(answer: httpx.Response) -> None:
    """Raises Refused for what is no use to repeat, Unavailable for the rest."""
    if answer.is_success:
        return
    answer.read()
    try:
        detail = str(answer.json()["detail"])
    except (json.JSONDecodeError, KeyError, TypeError):
        detail = answer.reason_phrase
    if answer.status_code >= 500:
        raise Unavailable(detail)
    raise Refused(detail)
