"""Files that went with mails, kept beside them, sealed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from schemas.messages import Attachment
from storage.arrays import blobs, column, columns
from storage.database import Conn
from storage.ledger.ledger import JourneyKey
from storage.messages.sealed import open_file, seal_file
from storage.vault.keeping import Keeper
from storage.vault.process import vault

_KEEP = """
INSERT INTO mail_attachments (message, name, content_type, content_id, data)
SELECT * FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::bytea[])
"""
_OF = """
SELECT a.name, a.content_type, a.data, a.content_id, m.campaign, coalesce(m.candidate, '') FROM mail_attachments a
JOIN messages m ON m.id = a.message WHERE a.message = %s ORDER BY a.name
"""


async def add(
    conn: Conn, keeper: Keeper, whose: Mapping[int, JourneyKey], by_message: Mapping[int, Sequence[Attachment]]
) -> None:
    """Store the files of messages that went out; those of an earlier try are gone already."""
    rows = [
        (id, each, data)
        for id, attachments in by_message.items()
        for each in attachments
        if (data := seal_file(keeper, whose[id], each.data)) is not None
    ]
    if not rows:
        return
    await conn.execute(
        _KEEP,
        [
            *columns([(id, each.name, each.content_type, each.content_id) for id, each, _ in rows], 4),
            blobs(data for _, _, data in rows),
        ],
    )


async def of(conn: Conn, message: int) -> list[Attachment]:
    """The files that went with a message, by their names."""
    rows = await (await conn.execute(_OF, [message])).fetchall()
    reader = await vault().reader(conn, [(campaign, candidate) for *_, campaign, candidate in rows])
    return [
        Attachment(name, content_type, opened, content_id)
        for name, content_type, data, content_id, campaign, candidate in rows
        if (opened := open_file(reader, (campaign, candidate), bytes(data))) is not None
    ]


async def forget(conn: Conn, messages: Sequence[int]) -> None:
    """Delete the files of these messages."""
    await conn.execute("DELETE FROM mail_attachments WHERE message = ANY(%s::bigint[])", [column(messages)])
