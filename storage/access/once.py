"""Links that are good once: the first organizer's, invitations, new passwords, second factors.

`reset` is a new password that somebody else gave a link for, `forgotten` one that its holder asked for: whoever asks in
another's name takes no link away that was given.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal

from psycopg.rows import class_row

from schemas.errors import NotFound
from storage.database import Conn

OncePurpose = Literal["first", "invitation", "reset", "forgotten", "second"]
LASTS: Final[dict[OncePurpose, timedelta]] = {
    "first": timedelta(days=7),
    "invitation": timedelta(days=7),
    "reset": timedelta(hours=1),
    "forgotten": timedelta(hours=1),
    "second": timedelta(minutes=5),
}
_GONE: Final = "this link was used, is too old, or was not copied whole; ask for another one"
_FIND: Final = """
SELECT purpose, account FROM access_links
WHERE hash = %s AND purpose = ANY(%s) AND used_at IS NULL AND expires_at > now()
"""


@dataclass(frozen=True, slots=True)
class Link:
    """What a link is for, and for whom."""

    purpose: OncePurpose
    account: str | None


async def make(conn: Conn, purpose: OncePurpose, account: str | None = None) -> str:
    """The token of a new link; earlier ones of this purpose for this account are worth nothing from now on."""
    token = secrets.token_urlsafe(32)
    async with conn.transaction():
        await conn.execute(
            "DELETE FROM access_links WHERE purpose = %s AND account IS NOT DISTINCT FROM %s", [purpose, account]
        )
        await conn.execute(
            "INSERT INTO access_links (hash, purpose, account, expires_at) VALUES (%s, %s, %s, now() + %s)",
            [_digest(token), purpose, account, LASTS[purpose]],
        )
    return token


async def find(conn: Conn, token: str, *purposes: OncePurpose) -> Link:
    """What a link is for; it is good afterwards too. Raises NotFound."""
    async with conn.cursor(row_factory=class_row(Link)) as cursor:
        await cursor.execute(_FIND, [_digest(token), list(purposes)])
        found = await cursor.fetchone()
    if found is None:
        raise NotFound(_GONE)
    return found


async def use(conn: Conn, token: str) -> None:
    """Use a link up. Raises NotFound when somebody else was quicker."""
    cursor = await conn.execute(
        "UPDATE access_links SET used_at = now() WHERE hash = %s AND used_at IS NULL", [_digest(token)]
    )
    if cursor.rowcount == 0:
        raise NotFound(_GONE)


async def revoke(conn: Conn, account: str) -> None:
    """No link of this account's is worth anything from now on."""
    await conn.execute("DELETE FROM access_links WHERE account = %s", [account])


async def revoke_first(conn: Conn) -> None:
    """No link makes a first organizer from now on."""
    await conn.execute("DELETE FROM access_links WHERE purpose = 'first'")


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
