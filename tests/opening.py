"""Facts of a test's database as they were said."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from psycopg_pool import AsyncConnectionPool

from schemas.facts import build_fact
from storage.database import Conn
from storage.ledger.events import WHOLE
from storage.vault.process import vault


async def told(pool: AsyncConnectionPool[Conn], source: str) -> list[tuple[str, dict[str, Any]]]:
    """Type and data of what a source said, in order."""
    async with pool.connection() as conn:
        rows = await (
            await conn.execute(f"SELECT {WHOLE}::jsonb FROM facts f WHERE source = %s ORDER BY seq", [source])
        ).fetchall()
        return [(each["type"], each["data"]) for each in await as_said(conn, [event for (event,) in rows])]


async def as_said(conn: Conn, events: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Events that stand in the ledger, with what is sealed in them."""
    return [fact.event for fact in await vault().open(conn, [build_fact(event) for event in events])]
