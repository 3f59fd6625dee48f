"""A web app whose pages are read with the key of each role."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from schemas.settings import Settings
from storage.access import keys
from storage.database import Conn, connect
from streams.apply import apply_batch
from tests.integration.applying import incoming
from yinfeng.web.app import create_app

NOW = datetime(2026, 6, 1, tzinfo=UTC)


@dataclass
class Reader:
    """Reads with one key, or with none."""

    http: httpx.AsyncClient
    headers: dict[str, str]

    async def get(self, path: str, **headers: str) -> httpx.Response:
        return await self.http.get(path, headers={**self.headers, **headers})

    async def json(self, path: str) -> Any:
        answer = await self.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
async def conn(database_url: str) -> AsyncIterator[Conn]:
    async with await connect(database_url, name="test") as connection:
        yield connection


@pytest.fixture
async def readers(database_url: str, conn: Conn) -> AsyncIterator[dict[str, Reader]]:
    tokens = {
        "viewer": await keys.create(conn, name="v", role="viewer"),
        "huayou": await keys.create(conn, name="h", role="employer", employer="huayou"),
        "other": await keys.create(conn, name="e", role="employer", employer="other"),
        "organizer": await keys.create(conn, name="o", role="organizer"),
    }
    app = create_app(Settings(database_url=database_url, kafka="127.0.0.1:1"))
    transport = httpx.ASGITransport(app)
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        made = {name: Reader(http, {"authorization": f"Bearer {token}"}) for name, token in tokens.items()}
        yield {**made, "nobody": Reader(http, {}), "wrong": Reader(http, {"authorization": "Bearer yf_a_b"})}


async def apply(conn: Conn, *events: Any) -> None:
    await apply_batch(conn, incoming(*events), now=NOW)
