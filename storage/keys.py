"""Access keys. A key is `yf_<id>_<secret>`; only the SHA-256 of the secret is stored.

The secret has 256 random bits, so a slow hash would add nothing but load.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from psycopg.rows import class_row

from schemas.access import ROLES, Caller, Role
from schemas.errors import ConfigurationError, NotFound, Unauthorized
from storage.database import Conn

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
    parts = token.split("_", 2)
    key, secret = (parts[1], parts[2]) if len(parts) == 3 and parts[0] == "yf" else ("", "")
    cursor = await conn.execute(
        "SELECT name, role, employer, hash FROM keys WHERE key = %s AND revoked_at IS NULL",
        [key.replace("\0", "")],
    )
    row = await cursor.fetchone()
    expected = row[3] if row else bytes(32)
    if not hmac.compare_digest(_digest(secret), expected) or row is None:
        raise Unauthorized(_WRONG)
    return Caller(key, row[0], cast("Role", row[1]), row[2])


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
