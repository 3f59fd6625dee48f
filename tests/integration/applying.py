"""Facts as they come over Kafka, applied in one batch, and what that leaves."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from schemas.topics import SEQ_HEADER
from storage.database import Conn
from streams.apply import Applied, apply_batch
from streams.intake import Incoming
from tests.opened import opened_rows

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def incoming(*events: Any, seq: int | None = None) -> list[Incoming]:
    headers = ((SEQ_HEADER, str(seq).encode()),) if seq else ()
    return [
        Incoming("yinfeng.facts", 0, n, None, e if isinstance(e, bytes) else json.dumps(e).encode(), headers)
        for n, e in enumerate(events)
    ]


async def apply(conn: Conn, *events: Any, now: datetime = NOW) -> Applied:
    return await apply_batch(conn, incoming(*events), now=now)


async def rows(conn: Conn, query: str) -> list[Any]:
    return await opened_rows(conn, query)


async def progress(conn: Conn) -> dict[str, float]:
    return {name: float(number) for name, number in await rows(conn, "SELECT target, progress FROM targets")}
