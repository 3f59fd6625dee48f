"""Mailboxes where mail comes back: how far each was read, when last, who reads it, and what is the matter with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from psycopg.rows import class_row

from schemas.masking import masked
from storage.database import Conn

# One reads at a time; whoever stands still is followed by another when its time has passed.
_TAKE: Final = """
INSERT INTO report_mailboxes AS b (mailbox, holder, held_until)
VALUES (%(mailbox)s, %(holder)s, now() + make_interval(secs => %(seconds)s))
ON CONFLICT (mailbox) DO UPDATE SET holder = excluded.holder, held_until = excluded.held_until
WHERE b.held_until < now() OR b.holder = excluded.holder
RETURNING validity, next_number
"""
_ADVANCE: Final = """
UPDATE report_mailboxes SET validity = %s, next_number = %s WHERE mailbox = %s AND holder = %s RETURNING 1
"""
_READ: Final = "UPDATE report_mailboxes SET read_at = now(), trouble = NULL WHERE mailbox = %s"
_TROUBLED: Final = "UPDATE report_mailboxes SET trouble = %s WHERE mailbox = %s"
_LISTED: Final = """
SELECT mailbox, trouble, extract(epoch FROM now() - read_at)::float AS age FROM report_mailboxes
WHERE held_until > now() - interval '1 day' ORDER BY mailbox
"""


@dataclass(frozen=True, slots=True)
class MailboxState:
    """`age`: seconds since it was last read to its end, None where it never was; `trouble`: why it can't be read."""

    mailbox: str
    trouble: str | None
    age: float | None


async def take(conn: Conn, mailbox: str, *, holder: str, seconds: float) -> tuple[int, int] | None:
    """Read this mailbox, alone for so long. Returns the validity of its numbers and the next of them, (0, 0) where it
    was never read; None while another reads it."""
    asked = {"mailbox": mailbox, "holder": holder, "seconds": seconds}
    row = await (await conn.execute(_TAKE, asked)).fetchone()
    return (row[0], row[1]) if row else None


async def advance(conn: Conn, mailbox: str, validity: int, number: int, *, holder: str) -> bool:
    """It is read up to before this number: to be said in the transaction that takes what was read. Returns whether
    it was still ours to read."""
    cursor = await conn.execute(_ADVANCE, [validity, number, mailbox, holder])
    return await cursor.fetchone() is not None


async def read_through(conn: Conn, mailbox: str) -> None:
    """It was read to its end."""
    await conn.execute(_READ, [mailbox])


async def troubled(conn: Conn, mailbox: str, reason: str) -> None:
    """It can't be read."""
    await conn.execute(_TROUBLED, [masked(reason), mailbox])


async def listed(conn: Conn) -> list[MailboxState]:
    """Those that are read."""
    async with conn.cursor(row_factory=class_row(MailboxState)) as cursor:
        await cursor.execute(_LISTED)
        return await cursor.fetchall()
