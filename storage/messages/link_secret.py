"""The secret with which links are signed, the same for all processes."""

from __future__ import annotations

import secrets
from typing import Final

from storage.database import Conn

_ENSURE: Final = "INSERT INTO secrets (name, value) VALUES ('links', %b) ON CONFLICT DO NOTHING"
_LOAD: Final = "SELECT value FROM secrets WHERE name = 'links'"


async def load_secret(conn: Conn) -> bytes:
    """At least 32 random bytes; the first call makes them."""
    row = await (await conn.execute(_LOAD)).fetchone()
    if row is None:
        await conn.execute(_ENSURE, [secrets.token_bytes(32)])
        row = await (await conn.execute(_LOAD)).fetchone()
    return bytes(row[0]) if row else b""
