"""Addresses that no mail, or none of marketing, may go to: since when, why, and who lifted that.

They are known by keyed digests. Those of an earlier version are found in the clear until they are sealed.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any, Final

from psycopg.rows import dict_row

from schemas.errors import NotFound
from schemas.messages import SuppressionKind
from schemas.names import masked
from storage.database import Conn
from storage.ledger.ledger import JourneyKey
from storage.messages import sealed, statuses
from storage.vault.at_hand import ReadSoFar
from storage.vault.keeping import GONE, PLATFORM, Keeper
from storage.vault.process import vault

_ADD: Final = """
INSERT INTO suppressions (digest, address, kind, about, message, detail)
SELECT u.digest, u.shown, u.kind, u.about, u.message, u.detail
FROM unnest(%b::bytea[], %b::text[], %b::text[], %b::text[], %b::text[], %b::bigint[], %b::text[])
     AS u(digest, clear, shown, kind, about, message, detail)
WHERE NOT EXISTS (SELECT FROM suppressions s WHERE (s.address, s.kind, s.about) = (u.clear, u.kind, u.about)
                  AND s.lifted_at IS NULL)
ON CONFLICT (digest, kind, about) WHERE lifted_at IS NULL AND digest IS NOT NULL DO NOTHING
"""
_ROWS: Final = """
SELECT s.id, s.digest, s.address, s.kind, s.about, s.message, s.detail, s.since, s.lifted_at, s.lifted_by,
       s.lifted_reason, coalesce(m.campaign, '') AS campaign, coalesce(m.candidate, '') AS candidate
FROM suppressions s LEFT JOIN messages m ON m.id = s.message
"""
_OF: Final = f"""
{_ROWS} WHERE (s.digest = ANY(%(digests)b::bytea[]) OR s.digest IS NULL AND s.address = ANY(%(clear)b::text[]))
AND s.lifted_at IS NULL ORDER BY s.id
"""
_IN_FORCE: Final = f"""
{_ROWS} WHERE (s.digest = %(digest)b OR s.digest IS NULL AND s.address = %(address)s) AND s.lifted_at IS NULL
  AND (%(kind)s::text IS NULL OR s.kind = %(kind)s) ORDER BY s.id FOR UPDATE OF s
"""
_LIFT: Final = """
UPDATE suppressions s SET lifted_at = now(), lifted_by = %b, lifted_reason = u.reason
FROM unnest(%b::bigint[], %b::text[]) AS u(id, reason) WHERE s.id = u.id
"""
_RELEASE: Final = """
SELECT id, 'requested' AS status, 'lifted' AS cause, NULL::text AS reason, %(said)s AS note FROM messages
WHERE status = 'suppressed' AND (address = %(digest)b OR lower(recipient) = %(address)s) ORDER BY id FOR UPDATE
"""
# An erased person's address is kept only where a message that is not forgotten was for it too.
_FORGET: Final = """
DELETE FROM suppressions s USING messages own WHERE own.id = s.message AND own.forgotten
AND NOT EXISTS (SELECT FROM messages m WHERE m.address = s.digest AND m.forgotten IS NOT TRUE)
AND NOT EXISTS (SELECT FROM messages m WHERE lower(m.recipient) = s.address AND m.forgotten IS NOT TRUE)
"""
ADDRESS: Final = "address"
DETAIL: Final = "detail"
_MOST_OF_A_REASON: Final = 1000
READER: Final = "reader"


@dataclass(frozen=True, slots=True)
class Suppression:
    """One address and why nothing goes there; `message` is the one that told; `about` the one kind of message that it
    stops, or empty. In force until `lifted_at`. `address`: as much of it as is shown, unless it was asked for."""

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
    known = await sealed.whose(conn, {wish.message for wish in ordered if wish.message is not None})
    keeper = await vault().keeper(conn, known.values())
    whose = [known.get(wish.message or 0, PLATFORM) for wish in ordered]
    shown = [
        keeper.seal_words(key, ADDRESS, masked(wish.address)) or GONE for key, wish in zip(whose, ordered, strict=True)
    ]
    columns = [
        [keeper.address(wish.address) for wish in ordered],
        [wish.address.lower() for wish in ordered],
        shown,
        [wish.kind for wish in ordered],
        [wish.about for wish in ordered],
        [wish.message for wish in ordered],
        [keeper.seal_words(key, DETAIL, wish.detail) for key, wish in zip(whose, ordered, strict=True)],
    ]
    return (await conn.execute(_ADD, columns)).rowcount


async def of(
    conn: Conn, addresses: Collection[str], *, hidden: bool = False, reading: ReadSoFar | None = None
) -> dict[str, list[Suppression]]:
    """What is in force for these addresses, by address in lower case; in a few queries for all. Details of who is
    restricted for `hidden` alone (see storage.vault.persons)."""
    if not addresses:
        return {}
    wanted, keeper = sorted({address.lower() for address in addresses}), await vault().keeper(conn, reading=reading)
    by_digest = {keeper.address(address): address for address in wanted}
    found: dict[str, list[Suppression]] = {}
    for digest, each in await _read(conn, _OF, {"digests": list(by_digest), "clear": wanted}, hidden=hidden):
        address = by_digest[digest] if digest is not None else each.address
        found.setdefault(address, []).append(replace(each, address=address))
    return found


async def listed(conn: Conn, *, lifted: bool = False, limit: int = 100) -> list[Suppression]:
    """Suppressions in force, with `lifted` also the others; the newest first."""
    where = "" if lifted else "WHERE s.lifted_at IS NULL"
    query = f"{_ROWS} {where} ORDER BY s.id DESC LIMIT %(limit)s"
    return [each for _, each in await _read(conn, query, {"limit": limit})]


async def lift(conn: Conn, address: str, *, by: str, reason: str) -> list[int]:
    """Let mail go to an address again; returns the messages that waited for it, which go now. Raises NotFound."""
    wanted, why = address.strip().lower(), reason[:_MOST_OF_A_REASON]
    async with conn.transaction():
        if not await _lift(conn, wanted, by=by, reason=why):
            raise NotFound(f"{address!r} is not suppressed; `yinfeng suppressions list` shows what is")
        return await _release(conn, wanted, f"suppression lifted by {by}")


async def prefer(conn: Conn, address: str, refused: Collection[str], *, message: int) -> list[int]:
    """The reader wants no mail of these kinds, and all others again; empty among them means all. Returns the messages
    that waited, which are looked at anew. `message`: the one whose link was used."""
    wanted = address.strip().lower()
    async with conn.transaction():
        lifted = await _lift(conn, wanted, by=READER, reason="preferences", kind="unsubscribe")
        await add(conn, [Wish(wanted, "unsubscribe", message, "by the link in a mail", about) for about in refused])
        return await _release(conn, wanted, "its reader changed what to get") if lifted else []


async def _lift(conn: Conn, address: str, *, by: str, reason: str, kind: SuppressionKind | None = None) -> int:
    digest = (await vault().keeper(conn)).address(address)
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_IN_FORCE, {"address": address, "digest": digest, "kind": kind})
        rows = await cursor.fetchall()
    keeper = await vault().keeper(conn, {_whose(row) for row in rows})
    said = [keeper.seal_words(_whose(row), DETAIL, reason) for row in rows]
    await conn.execute(_LIFT, [by, [row["id"] for row in rows], said])
    return len(rows)


async def _release(conn: Conn, address: str, said: str) -> list[int]:
    values = {"address": address, "digest": (await vault().keeper(conn)).address(address), "said": said}
    return [id for (id,) in await statuses.change(conn, _RELEASE, values, also=f"{statuses.FREED}, not_before = NULL")]


async def forget(conn: Conn) -> None:
    """Take out what messages that are forgotten told of an address, unless it is somebody else's too."""
    await conn.execute(_FORGET)


async def _read(
    conn: Conn, query: str, values: dict[str, Any], *, hidden: bool = False
) -> list[tuple[bytes | None, Suppression]]:
    """Each with its digest."""
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(query, values)
        rows = await cursor.fetchall()
    whose = {_whose(row) for row in rows if row["digest"] is not None}
    reader = await vault().reader(conn, whose, hidden=hidden)
    return [(row["digest"], _opened(reader, row)) for row in rows]


def _opened(reader: Keeper, row: dict[str, Any]) -> Suppression:
    shown = {name: row[name] for name in _SHOWN}
    shown["address"] = reader.open_words(_whose(row), ADDRESS, row["address"]) or GONE
    shown["detail"] = reader.open_words(_whose(row), DETAIL, row["detail"])
    shown["lifted_reason"] = reader.open_words(_whose(row), DETAIL, row["lifted_reason"])
    return Suppression(**shown)


def _whose(row: dict[str, Any]) -> JourneyKey:
    return (row["campaign"], row["candidate"])


_SHOWN: Final = tuple(each.name for each in fields(Suppression))
