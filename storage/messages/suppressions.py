"""Addresses that no mail, or none of marketing, may go to: since when, why, and who lifted that."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from psycopg.rows import class_row

from schemas.errors import NotFound
from schemas.messages import SuppressionKind
from storage.database import Conn
from storage.messages import statuses

_ADD = """
INSERT INTO suppressions (address, kind, about, message, detail)
SELECT * FROM unnest(%b::text[], %b::text[], %b::text[], %b::bigint[], %b::text[])
ON CONFLICT (address, kind, about) WHERE lifted_at IS NULL DO NOTHING
"""
_ROWS = """
SELECT id, address, kind, about, message, detail, since, lifted_at, lifted_by, lifted_reason FROM suppressions
"""
_LIFT = """
UPDATE suppressions SET lifted_at = now(), lifted_by = %(by)s, lifted_reason = %(reason)s
WHERE address = %(address)s AND lifted_at IS NULL AND (%(kind)s::text IS NULL OR kind = %(kind)s)
"""
_RELEASE: Final = """
SELECT id, 'requested' AS status, 'lifted' AS cause, NULL::text AS reason, %(said)s AS note FROM messages
WHERE status = 'suppressed' AND lower(recipient) = %(address)s ORDER BY id FOR UPDATE
"""
# An erased person's address is kept only where a message that is not forgotten was for it too.
_FORGET = """
DELETE FROM suppressions s USING messages own WHERE own.id = s.message AND own.forgotten
AND NOT EXISTS (SELECT FROM messages m WHERE lower(m.recipient) = s.address AND NOT m.forgotten)
"""
_MOST_OF_A_REASON: Final = 1000
READER: Final = "reader"


@dataclass(frozen=True, slots=True)
class Suppression:
    """One address and why nothing goes there; `message` is the one that told; `about` the one kind of message that it
    stops, or empty. In force until `lifted_at`."""

    id: int
    address: str
    kind: SuppressionKind
    about: str
    message: int | None
    detail: str | None
    since: datetime
    lifted_at: datetime | None
    lifted_by: str | None
    lifted_reason: str | None


@dataclass(frozen=True, slots=True)
class Wish:
    """That nothing go to an address any more, or none of the kind `about`, and what told so."""

    address: str
    kind: SuppressionKind
    message: int | None
    detail: str | None
    about: str = ""


async def add(conn: Conn, wishes: Collection[Wish]) -> int:
    """Suppress addresses; those that are already, for the same reason, stay as they are. Returns how many are new."""
    if not wishes:
        return 0
    ordered = sorted(wishes, key=lambda wish: (wish.address.lower(), wish.kind, wish.about))
    columns = [
        [wish.address.lower() for wish in ordered],
        [wish.kind for wish in ordered],
        [wish.about for wish in ordered],
        [wish.message for wish in ordered],
        [wish.detail for wish in ordered],
    ]
    return (await conn.execute(_ADD, columns)).rowcount


async def of(conn: Conn, addresses: Collection[str]) -> dict[str, list[Suppression]]:
    """What is in force for these addresses, by address in lower case; in one query."""
    found: dict[str, list[Suppression]] = {}
    wanted = sorted({address.lower() for address in addresses})
    for each in await _read(conn, f"{_ROWS} WHERE address = ANY(%s) AND lifted_at IS NULL ORDER BY id", [wanted]):
        found.setdefault(each.address, []).append(each)
    return found


async def listed(conn: Conn, *, lifted: bool = False, limit: int = 100) -> list[Suppression]:
    """Suppressions in force, with `lifted` also the others; the newest first."""
    where = "" if lifted else "WHERE lifted_at IS NULL"
    return await _read(conn, f"{_ROWS} {where} ORDER BY id DESC LIMIT %s", [limit])


async def lift(conn: Conn, address: str, *, by: str, reason: str) -> list[int]:
    """Let mail go to an address again; returns the messages that waited for it, which go now. Raises NotFound."""
    wanted, why = address.strip().lower(), reason[:_MOST_OF_A_REASON]
    async with conn.transaction():
        if not await _lift(conn, wanted, by=by, reason=why):
            raise NotFound(f"{address!r} is not suppressed; `yinfeng suppressions list` shows what is")
        return await _release(conn, wanted, f"suppression lifted by {by}: {why}")


async def prefer(conn: Conn, address: str, refused: Collection[str], *, message: int) -> list[int]:
    """The reader wants no mail of these kinds, and all others again; empty among them means all. Returns the messages
    that waited, which are looked at anew. `message`: the one whose link was used."""
    wanted = address.strip().lower()
    async with conn.transaction():
        lifted = await _lift(conn, wanted, by=READER, reason="preferences", kind="unsubscribe")
        await add(conn, [Wish(wanted, "unsubscribe", message, "by the link in a mail", about) for about in refused])
        return await _release(conn, wanted, "its reader changed what to get") if lifted else []


async def _lift(conn: Conn, address: str, *, by: str, reason: str, kind: SuppressionKind | None = None) -> int:
    return (await conn.execute(_LIFT, {"address": address, "by": by, "reason": reason, "kind": kind})).rowcount


async def _release(conn: Conn, address: str, said: str) -> list[int]:
    values = {"address": address, "said": said}
    return [id for (id,) in await statuses.change(conn, _RELEASE, values, also=f"{statuses.FREED}, not_before = NULL")]


async def forget(conn: Conn) -> None:
    """Take out what messages that are forgotten told of an address, unless it is somebody else's too."""
    await conn.execute(_FORGET)


async def _read(conn: Conn, query: str, values: list[object]) -> list[Suppression]:
    async with conn.cursor(row_factory=class_row(Suppression)) as cursor:
        await cursor.execute(query, values)
        return await cursor.fetchall()
