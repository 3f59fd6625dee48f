"""Access keys. A key is `yf_<id>_<secret>`; only the SHA-256 of the secret is stored.

The secret has 256 random bits, so a slow hash would add nothing but load.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from psycopg.rows import class_row
from psycopg_pool import AsyncConnectionPool

from schemas.access import ROLES, Caller, Role
from schemas.errors import ConfigurationError, NotFound, Unauthorized
from storage.database import Conn, borrowed

_Row = tuple[str, str, str, str | None, bytes]  # key, name, role, employer, hash

_WRONG = "the key is wrong or was revoked; `yinfeng keys create` makes one"


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """What may be shown of a key: never the secret."""

    key: str
    name: str
    role: str
    employer: str | None
    created_at: datetime
    revoked_at: datetime | None


async def create(conn: Conn, *, name: str, role: str, employer: str | None = None) -> str:
    """Make a key and return it whole; it can't be shown again. Raises ConfigurationError for a role that isn't."""
    if role not in ROLES:
        raise ConfigurationError(f"there is no role {role!r}; there are {', '.join(ROLES)}")
    if (role == "employer") != (employer is not None):
        raise ConfigurationError("the role employer, and it alone, needs an employer (--employer huayou)")
    key, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    await conn.execute(
        "INSERT INTO keys (key, name, role, employer, hash) VALUES (%s, %s, %s, %s, %s)",
        [key, name, role, employer, _digest(secret)],
    )
    return f"yf_{key}_{secret}"


async def verify(conn: Conn, token: str) -> Caller:
    """The caller that a key stands for. Raises Unauthorized, in the same time whatever is wrong."""
    key = _key_of(token)
    return _caller(token, (await _living(conn, {key})).get(key))


class Keys:
    """Verifies keys for all requests of a process: those that arrive while a look is under way share the next one, so
    that many cost few. A look begins after the request came: a key that was revoked before is refused."""

    def __init__(self, pool: AsyncConnectionPool[Conn]) -> None:
        self._pool = pool
        self._waiting: dict[str, asyncio.Future[_Row | None]] = {}
        self._task: asyncio.Task[None] | None = None

    async def verify(self, token: str) -> Caller:
        """The same as `verify`. Raises DatabaseUnavailable too."""
        key = _key_of(token)
        if key not in self._waiting:
            self._waiting[key] = asyncio.get_running_loop().create_future()
        answer = self._waiting[key]
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())
        return _caller(token, await asyncio.shield(answer))

    async def _run(self) -> None:
        while self._waiting:
            asked, self._waiting = self._waiting, {}
            try:
                async with borrowed(self._pool) as conn:
                    found = await _living(conn, asked)
            except Exception as error:
                for answer in asked.values():
                    answer.set_exception(error)
                    answer.exception()  # whoever asked may have gone
            else:
                for key, answer in asked.items():
                    answer.set_result(found.get(key))


async def _living(conn: Conn, keys: Collection[str]) -> dict[str, _Row]:
    """Those of these keys that were not revoked."""
    cursor = await conn.execute(
        "SELECT key, name, role, employer, hash FROM keys WHERE key = ANY(%b::text[]) AND revoked_at IS NULL",
        [list(keys)],
    )
    return {row[0]: row for row in await cursor.fetchall()}


def _key_of(token: str) -> str:
    """The public part of a key, as far as there is one: Postgres takes any text without a zero."""
    parts = token.split("_", 2)
    return parts[1].replace("\0", "") if len(parts) == 3 and parts[0] == "yf" else ""


def _caller(token: str, row: _Row | None) -> Caller:
    """Raises Unauthorized, in the same time whatever is wrong."""
    key, name, role, employer, digest = row or ("", "", "", None, bytes(32))
    if not hmac.compare_digest(_digest(token.split("_", 2)[-1]), digest) or row is None:
        raise Unauthorized(_WRONG)
    return Caller(key, name, cast("Role", role), employer)


async def listed(conn: Conn) -> list[KeyInfo]:
    """All keys, the oldest first, revoked ones too."""
    async with conn.cursor(row_factory=class_row(KeyInfo)) as cursor:
        await cursor.execute(
            "SELECT key, name, role, employer, created_at, revoked_at FROM keys ORDER BY created_at, key"
        )
        return await cursor.fetchall()


async def revoke(conn: Conn, key: str) -> None:
    """Make a key useless from now on. Raises NotFound."""
    cursor = await conn.execute("UPDATE keys SET revoked_at = now() WHERE key = %s AND revoked_at IS NULL", [key])
    if cursor.rowcount == 0:
        raise NotFound(f"there is no living key {key!r}; `yinfeng keys list` shows them")


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
