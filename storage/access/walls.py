"""Walls: links that show targets to an audience, each until it is revoked.

A link holds a random nonce and its signature with the installation's secret: whoever reads the table alone, in a copy
of it, makes no link of it.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from schemas.errors import NotFound
from storage.arrays import column
from storage.database import Conn
from storage.messages.link_secret import load_secret

_COLUMNS: Final = "wall, nonce, name, campaigns, made_by, made_at, revoked_at"
_LONGEST: Final = 200
_GONE: Final = "this link shows nothing any more, or was not copied whole; ask for another one"


@dataclass(frozen=True, slots=True)
class Wall:
    """One link (see schemas.access_tables.WallRow)."""

    wall: str
    nonce: str
    name: str
    campaigns: list[str] | None
    made_by: str
    made_at: datetime
    revoked_at: datetime | None


async def create(conn: Conn, *, name: str, campaigns: Collection[str] | None, made_by: str) -> str:
    """Make a wall of these campaigns (None or nothing: of all) and return its token."""
    nonce = secrets.token_urlsafe(24)
    limited = Jsonb(sorted(campaigns)) if campaigns else None
    await conn.execute(
        "INSERT INTO walls (wall, nonce, name, campaigns, made_by) VALUES (%s, %s, %s, %s, %s)",
        [secrets.token_hex(6), nonce, name, limited, made_by],
    )
    return _token(await load_secret(conn), nonce)


async def find(conn: Conn, token: str) -> Wall:
    """The wall of a token. Raises NotFound for one that was revoked, or that we did not sign."""
    nonce = token[:_LONGEST].partition(".")[0]
    expected = _token(await load_secret(conn), nonce)
    if not hmac.compare_digest(token.encode("utf-8", "replace"), expected.encode("utf-8", "replace")):
        raise NotFound(_GONE)
    async with conn.cursor(row_factory=class_row(Wall)) as cursor:
        await cursor.execute(
            f"SELECT {_COLUMNS} FROM walls WHERE nonce = %s AND revoked_at IS NULL".encode(),
            [nonce],
        )
        found = await cursor.fetchone()
    if found is None:
        raise NotFound(_GONE)
    return found


async def tokens(conn: Conn, walls: Collection[Wall]) -> dict[str, str]:
    """The token of each of these walls, by its id."""
    secret = await load_secret(conn)
    return {each.wall: _token(secret, each.nonce) for each in walls}


async def listed(conn: Conn) -> list[Wall]:
    """All walls, the oldest first, revoked ones too."""
    async with conn.cursor(row_factory=class_row(Wall)) as cursor:
        await cursor.execute(f"SELECT {_COLUMNS} FROM walls ORDER BY made_at, wall".encode())
        return await cursor.fetchall()


async def revoke(conn: Conn, wall: str) -> Wall:
    """Let a wall's link show nothing from now on. Raises NotFound."""
    async with conn.cursor(row_factory=class_row(Wall)) as cursor:
        await cursor.execute(
            f"UPDATE walls SET revoked_at = now() WHERE wall = %s AND revoked_at IS NULL RETURNING {_COLUMNS}".encode(),
            [wall],
        )
        found = await cursor.fetchone()
    if found is None:
        raise NotFound(f"there is no wall {wall!r} whose link is good; `yinfeng walls list` shows them")
    return found


async def living(conn: Conn, walls: Collection[str]) -> set[str]:
    """Those of these walls that were not revoked."""
    cursor = await conn.execute(
        "SELECT wall FROM walls WHERE wall = ANY(%s::text[]) AND revoked_at IS NULL", [column(list(walls))]
    )
    return {wall for (wall,) in await cursor.fetchall()}


def _token(secret: bytes, nonce: str) -> str:
    digest = hmac.digest(secret, b"yinfeng.wall:" + nonce.encode("utf-8", "replace"), "sha256")
    return f"{nonce}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"
