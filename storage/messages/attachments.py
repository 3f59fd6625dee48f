"""Files that went with mails: kept in these, and, of earlier versions, beside them, sealed."""

from __future__ import annotations

from collections.abc import Sequence

from schemas.messages import Attachment
from storage.arrays import column
from storage.database import Conn
from storage.messages import reading
from storage.messages.sealed import open_file
from storage.vault.process import vault

_OF = """
SELECT a.name, a.content_type, a.data, a.content_id, m.campaign, coalesce(m.candidate, '') FROM mail_attachments a
JOIN messages m ON m.id = a.message WHERE a.message = %s
"""


async def of(conn: Conn, message: int, *, hidden: bool = False) -> list[Attachment]:
    """The files that went with a message, by their names; of who is restricted for `hidden` alone (see
    storage.vault.persons)."""
    mail = await reading.mail(conn, message, hidden=hidden)
    found = [*(mail.files if mail is not None else ()), *await _beside(conn, message, hidden=hidden)]
    return sorted(found, key=lambda each: each.name)


async def _beside(conn: Conn, message: int, *, hidden: bool) -> list[Attachment]:
    rows = await (await conn.execute(_OF, [message])).fetchall()
    reader = await vault().reader(conn, [(campaign, candidate) for *_, campaign, candidate in rows], hidden=hidden)
    return [
        Attachment(name, content_type, opened, content_id)
        for name, content_type, data, content_id, campaign, candidate in rows
        if (opened := open_file(reader, (campaign, candidate), bytes(data))) is not None
    ]


async def forget(conn: Conn, messages: Sequence[int]) -> None:
    """Delete the files of these messages that are kept beside their mails."""
    await conn.execute("DELETE FROM mail_attachments WHERE message = ANY(%s::bigint[])", [column(messages)])
