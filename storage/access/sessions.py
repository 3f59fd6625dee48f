"""Sessions: what a browser's cookie stands for. The cookie holds a random word, the table its hash.

A session is bound to an account or to a key, and ends with it.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from psycopg.rows import class_row

from schemas.access import Caller
from schemas.errors import Unauthorized
from storage.database import Conn

LASTS_DAYS: Final = 30
IDLE_DAYS: Final = 7
_MOST_OF_AN_AGENT: Final = 300
_WRONG: Final = "the session is over; sign in again"

_START: Final = f"""
INSERT INTO sessions (hash, id, account, key, ip, agent, expires_at)
VALUES (%s, %s, %s, %s, %s, %s, now() + interval '{LASTS_DAYS} days')
"""
_STANDS: Final = f"s.expires_at > now() AND s.seen_at > now() - interval '{IDLE_DAYS} days'"
_VERIFY: Final = f"""
SELECT s.id, s.key, k.name, k.role, k.employer, s.account, a.name, a.role, a.employer, a.campaigns,
       s.seen_at < now() - interval '1 minute'
FROM sessions s LEFT JOIN keys k ON k.key = s.key AND k.revoked_at IS NULL
LEFT JOIN accounts a ON a.account = s.account AND a.disabled_at IS NULL
WHERE s.hash = %s AND {_STANDS} AND (k.key IS NOT NULL OR a.account IS NOT NULL)
"""
_OF: Final = f"""
SELECT s.id, s.ip, s.agent, s.created_at, s.seen_at FROM sessions s
WHERE (s.account = %(key)s OR s.key = %(key)s) AND {_STANDS} ORDER BY s.seen_at DESC LIMIT 200
"""


@dataclass(frozen=True, slots=True)
class Session:
    """What may be shown of a session."""

    id: str
    ip: str
    agent: str
    created_at: datetime
    seen_at: datetime


async def start(conn: Conn, *, account: str | None = None, key: str | None = None, ip: str, agent: str) -> str:
    """Sign a browser in by an account or by a key. Returns what its cookie is to hold."""
    token = secrets.token_urlsafe(32)
    readable = "".join(each for each in agent[:_MOST_OF_AN_AGENT] if each.isprintable())
    await conn.execute(_START, [_digest(token), secrets.token_hex(6), account, key, ip, readable])
    return token


async def verify(conn: Conn, token: str) -> tuple[Caller, str]:
    """The caller that a cookie stands for, and the session's id. Raises Unauthorized."""
    row = await (await conn.execute(_VERIFY, [_digest(token)])).fetchone()
    if row is None:
        raise Unauthorized(_WRONG)
    id, key, key_name, key_role, key_employer, account, name, role, employer, campaigns, stale = row
    if stale:
        await conn.execute("UPDATE sessions SET seen_at = now() WHERE hash = %s", [_digest(token)])
    if key is not None:
        return Caller(key, key_name, key_role, key_employer), id
    limited = None if campaigns is None else frozenset(campaigns)
    return Caller(account, name, role, employer, "account", limited), id


async def of(conn: Conn, key: str) -> list[Session]:
    """The sessions of an account or of a key, the one seen last first."""
    async with conn.cursor(row_factory=class_row(Session)) as cursor:
        await cursor.execute(_OF, {"key": key})
        return await cursor.fetchall()


async def end(conn: Conn, token: str) -> None:
    """End the session of a cookie, if it is one."""
    await conn.execute("DELETE FROM sessions WHERE hash = %s", [_digest(token)])


async def end_one(conn: Conn, key: str, id: str) -> None:
    """End a session of this account or key by the id that pages show."""
    await conn.execute(
        "DELETE FROM sessions WHERE id = %(id)s AND (account = %(key)s OR key = %(key)s)", _named(id, key)
    )


async def end_all(conn: Conn, key: str, *, but: str | None = None) -> None:
    """End all sessions of an account or of a key, save the one with the id `but`."""
    await conn.execute(
        "DELETE FROM sessions WHERE (account = %(key)s OR key = %(key)s) AND id IS DISTINCT FROM %(id)s",
        _named(but, key),
    )


def _named(id: str | None, key: str) -> dict[str, str | None]:
    return {"id": id, "key": key}


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
