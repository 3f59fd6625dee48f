"""What HR notes about a person beside the facts: sealed under the person's key, and gone with it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from schemas.errors import NotFound
from storage.database import Conn
from storage.ledger.ledger import JourneyKey
from storage.vault.process import vault

_PURPOSE: Final = "note"
MOST: Final = 200  # notes that are read of one person
_ADD: Final = "INSERT INTO vault.note (campaign, candidate, text, author, name) VALUES (%s, %s, %s, %s, %s)"
_READ: Final = """
SELECT id, text, author, name, at FROM vault.note WHERE campaign = %s AND candidate = %s ORDER BY id DESC LIMIT %s
"""
_REMOVE: Final = "DELETE FROM vault.note WHERE id = %s AND campaign = %s AND candidate = %s"


@dataclass(frozen=True, slots=True)
class Note:
    """`author`: who wrote it (`account:…` or `key:…`), `name` what it was called then."""

    id: int
    text: str
    author: str
    name: str
    at: datetime


async def add(conn: Conn, whose: JourneyKey, text: str, *, author: str, name: str) -> None:
    """Note something about a person, within a transaction. Raises NotFound for who was erased and has begun no new
    life."""
    known = (await vault().keys.held(conn, [whose])).get(whose)
    if known is not None and known.key is None:
        raise NotFound("nothing is noted about who was erased")
    sealed = (await vault().keeper(conn, [whose])).seal_words(whose, _PURPOSE, text)
    await conn.execute(_ADD, [*whose, sealed, author, name])


async def of(conn: Conn, whose: JourneyKey, *, hidden: bool = False) -> list[Note]:
    """The notes about a person that can be read, the latest first; of who is restricted for `hidden` alone (see
    Vault.open)."""
    rows = await (await conn.execute(_READ, [*whose, MOST])).fetchall()
    keeper = await vault().reader(conn, [whose] if rows else [], hidden=hidden)
    opened = [(id, keeper.open_words(whose, _PURPOSE, text), *who) for id, text, *who in rows]
    return [Note(id, text, *who) for id, text, *who in opened if text is not None]


async def remove(conn: Conn, whose: JourneyKey, id: int) -> bool:
    """Take a note away. Whether there was one."""
    return (await conn.execute(_REMOVE, [id, *whose])).rowcount > 0
