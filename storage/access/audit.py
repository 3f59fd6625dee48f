"""The audit: who did what, when and from where. Rows are added, never changed."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from schemas.access import Caller
from storage.database import Conn

_ADD: Final = """
INSERT INTO audit (actor, name, ip, action, campaign, subject, token, facts)
VALUES (%(actor)s, %(name)s, %(ip)s, %(action)s, %(campaign)s, %(subject)s, %(token)s, %(facts)s)
ON CONFLICT (token) DO NOTHING
"""
_COLUMNS: Final = "id, at, actor, name, ip, action, campaign, subject, token, facts"
_LISTED: Final = f"""
SELECT {_COLUMNS} FROM audit
WHERE (%(before)s::bigint IS NULL OR id < %(before)s)
  AND (%(who)s::text IS NULL OR starts_with(lower(name), lower(%(who)s)))
  AND (%(campaign)s::text IS NULL OR campaign = %(campaign)s) AND (%(action)s::text IS NULL OR action = %(action)s)
  AND (%(since)s::timestamptz IS NULL OR at >= %(since)s) AND (%(until)s::timestamptz IS NULL OR at < %(until)s)
ORDER BY id DESC LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class Who:
    """Who does something, and from where. `actor`: None where nobody is signed in."""

    actor: str | None
    name: str
    ip: str | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One row (see schemas.access_tables.AuditRow)."""

    id: int
    at: datetime
    actor: str | None
    name: str
    ip: str | None
    action: str
    campaign: str | None
    subject: str | None
    token: str | None
    facts: list[list[str]] | None


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which rows are looked for: by the beginning of a name, campaign, action, and time (`until` itself is not in)."""

    who: str | None = None
    campaign: str | None = None
    action: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def who(caller: Caller, ip: str | None) -> Who:
    """A caller, for the audit."""
    return Who(caller.poster, caller.name, ip)


async def add(
    conn: Conn,
    by: Who,
    action: str,
    *,
    campaign: str | None = None,
    subject: str | None = None,
    token: str | None = None,
    facts: Collection[tuple[str, str]] | None = None,
) -> bool:
    """Note what is done, in the transaction that does it. False when a form of this token was noted before."""
    values: dict[str, Any] = {
        "actor": by.actor,
        "name": by.name,
        "ip": by.ip,
        "action": action,
        "campaign": campaign,
        "subject": subject,
        "token": token,
        "facts": None if facts is None else Jsonb([list(each) for each in facts]),
    }
    return (await conn.execute(_ADD, values)).rowcount > 0


async def listed(conn: Conn, wanted: AuditFilter, *, before: int | None = None, limit: int) -> list[Entry]:
    """Rows, the newest first."""
    values = {
        "before": before,
        "who": wanted.who,
        "campaign": wanted.campaign,
        "action": wanted.action,
        "since": wanted.since,
        "until": wanted.until,
        "limit": limit,
    }
    async with conn.cursor(row_factory=class_row(Entry)) as cursor:
        await cursor.execute(_LISTED, values)
        return await cursor.fetchall()


async def sent(conn: Conn, token: str) -> Entry | None:
    """What a form of this token did; None when it was not sent yet."""
    async with conn.cursor(row_factory=class_row(Entry)) as cursor:
        await cursor.execute(f"SELECT {_COLUMNS} FROM audit WHERE token = %s".encode(), [token])
        return await cursor.fetchone()


async def actions(conn: Conn) -> list[str]:
    """Every action that was ever noted."""
    cursor = await conn.execute("SELECT DISTINCT action FROM audit ORDER BY action")
    return [action for (action,) in await cursor.fetchall()]
