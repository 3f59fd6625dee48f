"""Forms filled in and sent as a browser does, and the facts that they become."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import httpx

from schemas.access import CONSOLE
from storage.access import sessions
from storage.database import Conn
from storage.ledger.events import WHOLE
from tests.access import COOKIE, csrf, person
from tests.facts import event
from tests.opening import as_said

NOW = datetime(2026, 6, 1, tzinfo=UTC)
OPENING = event("opening.set", opening="op", employer="huayou", position="Process engineer", seats=1)


async def signed_in(app: Any, conn: Conn, **account: Any) -> httpx.AsyncClient:
    made = await person(conn, **account)
    token = await sessions.start(conn, account=made, ip="127.0.0.1", agent="tests")
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url="http://test",
        headers={"accept": "text/html"},
        cookies={COOKIE: token},
    )


async def send(http: httpx.AsyncClient, at: str, **form: Any) -> httpx.Response:
    """Open a form's page, fill in, send."""
    page = (await http.get(at)).text
    token = re.search(r'name="form" value="(\w+)"', page)
    assert token, page
    return await http.post(at, data={"csrf": csrf(page), "form": token[1], **form})


async def facts(conn: Conn, type: str | None = None) -> list[dict[str, Any]]:
    cursor = await conn.execute(
        f"SELECT {WHOLE}::jsonb, posted_by FROM facts f"
        " WHERE source = %s AND (%s::text IS NULL OR type = %s) ORDER BY seq",
        [CONSOLE, type, type],
    )
    rows = await cursor.fetchall()
    said = await as_said(conn, [event for event, _ in rows])
    return [{**event, "by": by} for event, (_, by) in zip(said, rows, strict=True)]
