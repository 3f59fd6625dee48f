"""Messages that something happens to after they were sent, or that HR takes in hand: locked, looked at, moved on."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg.rows import class_row

from schemas.messages import Status
from storage.database import Conn
from storage.messages.asking import RESTORED

RESENT: Final = "resent"  # so the note begins that HR lets a message go once more

_LOCK = """
SELECT id, kind, campaign, candidate, status, attempts, params, forgotten,
       (SELECT max(a.at) FROM message_attempts a
        WHERE a.message = m.id AND a.status = 'requested' AND starts_with(a.detail, %(resent)s)) AS resent_at
FROM messages m WHERE id = ANY(%(ids)s) ORDER BY id FOR UPDATE OF m
"""
# The owner stays while a provider speaks: what its sender has to record is still to come.
_MOVE = """
UPDATE messages m
SET status = r.status, reason = r.reason, lease_until = NULL,
    owner = CASE WHEN r.status IN ('requested', 'cancelled', 'failed') THEN NULL ELSE m.owner END,
    not_before = NULL, cause = CASE WHEN r.status = 'cancelled' THEN 'hr' END,
    sent_at = CASE WHEN r.status = 'requested' THEN NULL WHEN r.status IN ('sent', 'delivered')
              THEN coalesce(m.sent_at, now()) ELSE m.sent_at END
FROM unnest(%b::bigint[], %b::text[], %b::text[]) AS r(id, status, reason) WHERE m.id = r.id
"""
_NOTE = """
INSERT INTO message_attempts (message, status, detail) SELECT * FROM unnest(%b::bigint[], %b::text[], %b::text[])
"""
_DOUBTFUL = """
SELECT m.id, count(*)::int AS doubts FROM messages m JOIN message_attempts a ON a.message = m.id
WHERE m.status = 'unknown' AND a.status = 'unknown' AND NOT starts_with(coalesce(m.reason, ''), %(looked)s)
  AND m.reason IS DISTINCT FROM %(restored)s
GROUP BY m.id HAVING max(a.at) < now() - make_interval(secs => %(patience)s) ORDER BY m.id LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class MessageState:
    """How a message stands. `resent_at`: when HR last let it go once more."""

    id: int
    kind: str
    campaign: str
    candidate: str | None
    status: Status
    attempts: int
    params: dict[str, Any]
    forgotten: bool
    resent_at: datetime | None


@dataclass(frozen=True, slots=True)
class Move:
    """A message's next status, why, and what is noted among its attempts (else the reason)."""

    id: int
    status: Status
    reason: str | None
    note: str | None = None


async def lock(conn: Conn, ids: Collection[int]) -> dict[int, MessageState]:
    """Those of these messages that there are, by id, locked until the transaction ends."""
    if not ids:
        return {}
    async with conn.cursor(row_factory=class_row(MessageState)) as cursor:
        await cursor.execute(_LOCK, {"ids": sorted(ids), "resent": RESENT})
        return {row.id: row for row in await cursor.fetchall()}


async def move(conn: Conn, moves: Sequence[Move]) -> None:
    """Move locked messages on, in this order; all is noted, the last move of each message holds."""
    if not moves:
        return
    last = list({each.id: each for each in moves}.values())
    await conn.execute(_MOVE, [[e.id for e in last], [e.status for e in last], [e.reason for e in last]])
    noted = [each.note or each.reason for each in moves]
    await conn.execute(_NOTE, [[each.id for each in moves], [each.status for each in moves], noted])


async def doubtful(conn: Conn, *, patience: float, looked: str, limit: int) -> dict[int, int]:
    """Messages `unknown` for more than `patience` seconds, and how many times each was in doubt; not those whose
    reason begins with `looked`."""
    cursor = await conn.execute(
        _DOUBTFUL, {"patience": patience, "looked": looked, "limit": limit, "restored": RESTORED}
    )
    return dict(await cursor.fetchall())
