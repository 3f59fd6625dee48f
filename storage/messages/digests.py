"""What the morning's digest is drawn from."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from psycopg.rows import dict_row

from storage.arrays import column
from storage.database import Conn
from storage.messages import reasons

_CAMPAIGNS = "SELECT campaign, starts_on, ends_on, timezone, closed FROM campaigns WHERE NOT closed ORDER BY campaign"
_TARGETS = "SELECT * FROM targets WHERE campaign = %s AND tally IS NULL ORDER BY due_on, target"
_GAINED = "SELECT target, amount FROM target_days WHERE campaign = %s AND day = %s"
_FAIRS = """
SELECT title, starts_at FROM fairs
WHERE campaign = %s AND NOT cancelled AND starts_at >= %s AND starts_at < %s ORDER BY starts_at
"""
_TROUBLE = """
SELECT status, count(*) FROM messages
WHERE campaign = %s
  AND (status IN ('failed', 'unknown', 'held') OR status = 'bounced' AND sent_at > now() - interval '1 day')
GROUP BY status
"""


async def campaigns(conn: Conn) -> list[dict[str, Any]]:
    """The campaigns that are not closed."""
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_CAMPAIGNS)
        return await cursor.fetchall()


async def asked_before(conn: Conn, keys: Mapping[str, str]) -> set[str]:
    """Which of these messages to HR were asked for: the key of each reason, and its campaign."""
    if not keys:
        return set()
    named = {form: key for key, campaign in keys.items() for form in reasons.forms(key, campaign, None)}
    cursor = await conn.execute(
        "SELECT dedupe_key FROM messages WHERE dedupe_key = ANY(%s::text[])", [column([*named])]
    )
    return {named[key] for (key,) in await cursor.fetchall()}


async def targets(conn: Conn, campaign: str) -> list[dict[str, Any]]:
    """A campaign's targets, the next due first, those left out that are still being counted."""
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_TARGETS, [campaign])
        return await cursor.fetchall()


async def gained(conn: Conn, campaign: str, day: date) -> dict[str, Decimal]:
    """What a day in the world brought, by target."""
    return dict(await (await conn.execute(_GAINED, [campaign, day])).fetchall())


async def fairs(conn: Conn, campaign: str, start: datetime, end: datetime) -> list[dict[str, Any]]:
    """Fairs that begin between two moments."""
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_FAIRS, [campaign, start, end])
        return await cursor.fetchall()


async def trouble(conn: Conn, campaign: str) -> dict[str, int]:
    """How many messages there are in each state that somebody should look at; of those that came back, the day's."""
    return dict(await (await conn.execute(_TROUBLE, [campaign])).fetchall())
