"""Streams of the web app, read as they come, and facts that make something come."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from dashboard.following import StreamEvent, make_client, parse
from storage.database import Conn
from streams.apply import apply_batch
from tests.integration.applying import incoming

NOW = datetime(2026, 6, 1, tzinfo=UTC)


async def apply(conn: Conn, *events: Any) -> None:
    await apply_batch(conn, incoming(*events), now=NOW)


@contextmanager
def watching(
    address: str, key: str, path: str = "/v1/targets/stream", **headers: str
) -> Iterator[Iterator[StreamEvent]]:
    """The events of a stream as they come."""
    with (
        make_client(address, key) as client,
        client.stream(
            "GET", path, headers={name.replace("_", "-"): text.encode() for name, text in headers.items()}
        ) as answer,
    ):
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield parse(answer.iter_lines())


async def following(events: Iterator[StreamEvent]) -> tuple[str, dict[str, Any], str | None]:
    """The next event: its name, its data and its id."""
    found = await asyncio.to_thread(next, events)
    return found.name, json.loads(found.data), found.id
