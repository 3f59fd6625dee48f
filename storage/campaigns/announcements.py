"""What is to be told on topics: what happens once, as it was written down; and targets, as far as they changed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg.rows import class_row, dict_row

from schemas.emitted import TOLD_WITH, WITHDRAWN, outcome
from storage.arrays import column, columns
from storage.database import Conn, Horizon, translated

CHANNEL: Final = "yinfeng_progress"

# Targets are few, but each worker's every batch changes some. A row tells which transaction wrote it; one whose number
# is not below the oldest that was running at the last look may not have been seen then. Revisions would not do:
# transactions take them in one order and commit in another.
_CHANGED: Final = """
SELECT now.horizon, t.campaign, t.target, t.title, t.measure, t.goal, t.progress, t.due_on, t."where",
       t.tally IS NOT NULL AS counting, t.revision
FROM (SELECT pg_snapshot_xmin(pg_current_snapshot())::xid::text AS horizon) AS now
LEFT JOIN targets t ON %(since)s::text IS NULL OR age(t.xmin) <= age(%(since)s::text::xid)
"""
_NEXT: Final = "SELECT seq, id, type, key, data, at FROM announcements WHERE type = ANY(%s) ORDER BY seq LIMIT %s"
_WITH_MESSAGES: Final = """
INSERT INTO announcements (id, type, key, data)
SELECT m.dedupe_key, k.type, m.campaign || '/' || (m.params->>'target'),
       m.params || jsonb_build_object('campaign', m.campaign)
FROM messages m JOIN unnest(%s::text[], %s::text[]) AS k(kind, type) USING (kind)
WHERE m.id = ANY(%s) ORDER BY m.id
"""
_IN_DOUBT: Final = """
INSERT INTO announcements (id, type, key, data)
SELECT gen_random_uuid(), %s, campaign || '/' || coalesce(candidate, ''),
       jsonb_build_object('message', id, 'kind', kind, 'campaign', campaign, 'candidate', candidate,
                          'status', status, 'cause', cause)
FROM messages WHERE id = ANY(%s) AND status = 'unknown' ORDER BY id
"""
_GONE: Final = """
INSERT INTO announcements (id, type, key, data)
SELECT gen_random_uuid(), %(type)s, %(campaign)s || '/' || t, jsonb_build_object('campaign', %(campaign)s::text,
       'target', t)
FROM unnest(%(targets)s::text[]) AS t
"""


@dataclass(frozen=True, slots=True)
class Announcement:
    """An event to be told once: its own id, type, Kafka key and data, and when it happened."""

    seq: int
    id: str
    type: str
    key: str
    data: dict[str, Any]
    at: datetime


async def changed(conn: Conn, since: Horizon | None) -> tuple[list[dict[str, Any]], Horizon]:
    """Targets that may have changed since a look before, or all of them, and from where to look the next time."""
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_CHANGED, {"since": since})
        rows = await cursor.fetchall()
    horizon = str(rows[0]["horizon"])
    for row in rows:
        del row["horizon"]
    return [row for row in rows if row["campaign"] is not None], horizon


async def next_ones(conn: Conn, types: Collection[str], most: int) -> list[Announcement]:
    """The oldest of these types that are still to be told."""
    async with conn.cursor(row_factory=class_row(Announcement)) as cursor:
        await cursor.execute(_NEXT, [list(types), most])
        return await cursor.fetchall()


async def told(conn: Conn, seqs: Collection[int]) -> None:
    """These were told."""
    if seqs:
        await conn.execute("DELETE FROM announcements WHERE seq = ANY(%s)", [list(seqs)])


async def with_messages(conn: Conn, ids: Collection[int]) -> None:
    """Have told what these new messages tell HR, where topics tell it too. In the transaction that asks for them."""
    await conn.execute(_WITH_MESSAGES, [*columns(TOLD_WITH.items(), 2), list(ids)])


async def in_doubt(conn: Conn, ids: Collection[int]) -> None:
    """Have told which of these new messages may have gone before the database was restored."""
    await conn.execute(_IN_DOUBT, [outcome("unknown"), list(ids)])


async def withdrawn(conn: Conn, campaign: str, targets: Sequence[str]) -> None:
    """Have told that these targets are no more."""
    await conn.execute(_GONE, {"type": WITHDRAWN, "campaign": campaign, "targets": column(targets)})


async def ring(conn: Conn) -> None:
    """Let those who show targets know that some may have changed. In no transaction: see `storage.bell`."""
    await conn.execute(f"NOTIFY {CHANNEL}")


async def listen(conn: Conn) -> None:
    """From now on, `heard` returns early when somebody rings. Raises DatabaseUnavailable."""
    with translated():
        await conn.execute(f"LISTEN {CHANNEL}")


async def heard(conn: Conn, seconds: float) -> bool:
    """Whether somebody rings within so many seconds. Raises DatabaseUnavailable, also where the server is silent."""
    with translated():
        words = [word async for word in conn.notifies(timeout=seconds, stop_after=1)]
        if not words:
            await conn.execute("SELECT 1")
        return bool(words)
