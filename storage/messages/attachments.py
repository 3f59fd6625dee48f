"""Files that went with mails, kept beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from psycopg.rows import class_row

from schemas.messages import Attachment
from storage.database import Conn

_KEEP = """
INSERT INTO mail_attachments (message, name, content_type, content_id, data)
SELECT * FROM unnest(%b::bigint[], %b::text[], %b::text[], %b::text[], %b::bytea[])
"""
_OF = "SELECT name, content_type, data, content_id FROM mail_attachments WHERE message = %s ORDER BY name"


async def keep(conn: Conn, by_message: Mapping[int, Sequence[Attachment]]) -> None:
    """Store the files of messages that went out, in place of those that went with an earlier try."""
    await forget(conn, list(by_message))
    rows = [(id, each) for id, attachments in by_message.items() for each in attachments]
    if not rows:
        return
    await conn.execute(
        _KEEP,
        [
            [id for id, _ in rows],
            [each.name for _, each in rows],
            [each.content_type for _, each in rows],
            [each.content_id for _, each in rows],
            [each.data for _, each in rows],
        ],
    )


async def of(conn: Conn, message: int) -> list[Attachment]:
    """The files that went with a message, by their names."""
    async with conn.cursor(row_factory=class_row(Attachment)) as cursor:
        await cursor.execute(_OF, [message])
        return await cursor.fetchall()


async def forget(conn: Conn, messages: Sequence[int]) -> None:
    """Delete the files of these messages."""
    await conn.execute("DELETE FROM mail_attachments WHERE message = ANY(%s)", [list(messages)])
