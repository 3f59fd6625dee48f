"""A database as those read it who have the master key: what is sealed in these tables is opened first, so that a test
asks for it in plain SQL."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from storage.database import Conn, connect
from storage.ledger import dead_letters
from storage.messages import attachments, reading, suppressions
from storage.messages.reading import MessageFilter
from storage.vault.process import vault

_SEALED = re.compile(r"\b(messages|mails|mail_attachments|message_attempts|suppressions|dead_letters)\b")
_COPIES = """
CREATE TEMP TABLE {name} ON COMMIT DROP AS SELECT * FROM public.{name}
"""
_ALL = 10_000


async def opened_rows(conn: Conn, query: str, values: Sequence[Any] = ()) -> list[Any]:
    """The rows of a query, which sees the tables opened."""
    named = set(_SEALED.findall(query)) if query.lstrip().upper().startswith(("SELECT", "WITH")) else set()
    async with conn.transaction():
        for name in named:
            await conn.execute(_COPIES.format(name=name).encode())
            await _OPEN[name](conn)
        return await (await conn.execute(query, values)).fetchall()


async def opened(url: str, query: str, values: Sequence[Any] = ()) -> list[Any]:
    """The same on a connection of its own."""
    async with await connect(url, name="reader") as conn:
        return await opened_rows(conn, query, values)


async def _open_messages(conn: Conn) -> None:
    for each in await reading.listed(conn, MessageFilter(), before=None, limit=_ALL):
        words = [each.recipient, each.subject, each.reason, each.id]
        await conn.execute("UPDATE messages SET recipient = %s, subject = %s, reason = %s WHERE id = %s", words)


async def _open_mails(conn: Conn) -> None:
    for (id,) in await (await conn.execute("SELECT message FROM public.mails")).fetchall():
        mail = await reading.mail(conn, id)
        words = [mail.html if mail else None, mail.text if mail else None, id]
        await conn.execute("UPDATE mails SET html = %s, text = %s WHERE message = %s", words)


async def _open_attachments(conn: Conn) -> None:
    """Also those that are kept in their mails."""
    await conn.execute("DELETE FROM mail_attachments")
    insert = "INSERT INTO mail_attachments (message, name, content_type, content_id, data) VALUES (%s, %s, %s, %s, %s)"
    query = "SELECT message FROM public.mails UNION SELECT message FROM public.mail_attachments"
    for (id,) in await (await conn.execute(query)).fetchall():
        for each in await attachments.of(conn, id):
            await conn.execute(insert, [id, each.name, each.content_type, each.content_id, each.data])


async def _open_attempts(conn: Conn) -> None:
    query = """SELECT a.id, a.detail, m.campaign, coalesce(m.candidate, '')
    FROM public.message_attempts a JOIN public.messages m ON m.id = a.message"""
    rows = await (await conn.execute(query)).fetchall()
    reader = await vault().reader(conn, {(campaign, candidate) for *_, campaign, candidate in rows})
    for id, detail, *key in rows:
        said = reader.open_words((key[0], key[1]), "reason", detail)
        await conn.execute("UPDATE message_attempts SET detail = %s WHERE id = %s", [said, id])


async def _open_suppressions(conn: Conn) -> None:
    for each in await suppressions.listed(conn, lifted=True, limit=_ALL):
        words = [each.address, each.detail, each.lifted_reason, each.id]
        await conn.execute("UPDATE suppressions SET address = %s, detail = %s, lifted_reason = %s WHERE id = %s", words)


async def _open_letters(conn: Conn) -> None:
    for each in await dead_letters.listed(conn, limit=_ALL):
        words = [each.key, each.value, each.reason, each.id]
        await conn.execute("UPDATE dead_letters SET key = %s, value = %s, reason = %s WHERE id = %s", words)


_OPEN = {
    "messages": _open_messages,
    "mails": _open_mails,
    "mail_attachments": _open_attachments,
    "message_attempts": _open_attempts,
    "suppressions": _open_suppressions,
    "dead_letters": _open_letters,
}
