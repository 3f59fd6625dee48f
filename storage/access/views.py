"""Lists of candidates that people keep to come back to, each with a link."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Final

from psycopg.rows import class_row

from storage.database import Conn

MOST: Final = 50  # of one holder in a campaign
_SAVE: Final = """
INSERT INTO views (view, holder, campaign, name, query) SELECT %s, %s, %s, %s, %s
WHERE (SELECT count(*) FROM views WHERE holder = %s AND campaign = %s) < %s
"""
_LISTED: Final = "SELECT view, name, query FROM views WHERE holder = %s AND campaign = %s ORDER BY name, view"
_FETCH: Final = "SELECT view, name, query FROM views WHERE view = %s AND campaign = %s"
_REMOVE: Final = "DELETE FROM views WHERE view = %s AND campaign = %s AND holder = %s"


@dataclass(frozen=True, slots=True)
class View:
    """`view`: what its link names it by; `query`: what the list is narrowed by, and its columns."""

    view: str
    name: str
    query: str


async def save(conn: Conn, holder: str, campaign: str, name: str, query: str) -> str | None:
    """Keep a list for this holder (`account:…` or `key:…`). Returns its view; None when there are too many already."""
    view = secrets.token_urlsafe(12)
    saved = await conn.execute(_SAVE, [view, holder, campaign, name, query, holder, campaign, MOST])
    return view if saved.rowcount else None


async def listed(conn: Conn, holder: str, campaign: str) -> list[View]:
    """The lists that a holder keeps in a campaign, by name."""
    async with conn.cursor(row_factory=class_row(View)) as cursor:
        await cursor.execute(_LISTED, [holder, campaign])
        return await cursor.fetchall()


async def fetch(conn: Conn, campaign: str, view: str) -> View | None:
    """Somebody's list, for whoever has its link."""
    async with conn.cursor(row_factory=class_row(View)) as cursor:
        await cursor.execute(_FETCH, [view, campaign])
        return await cursor.fetchone()


async def remove(conn: Conn, holder: str, campaign: str, view: str) -> None:
    """A holder keeps this list no longer."""
    await conn.execute(_REMOVE, [view, campaign, holder])
