"""How far each partition of a log has been applied. The rows move in the transaction that applies a batch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from schemas.errors import Fenced
from storage.arrays import columns
from storage.database import Conn

Span = tuple[int, int]  # the offset at which a batch begins in a partition, and the one after its end

_READ = """
SELECT partition, next_offset FROM positions
WHERE cluster = %s AND topic = %s AND topic_id = %s AND partition = ANY(%s)
"""
_BEGIN = """
INSERT INTO positions (cluster, topic, topic_id, partition, next_offset)
SELECT %s, %s, %s, * FROM unnest(%b::int[], %b::bigint[]) ON CONFLICT DO NOTHING
"""
_MOVE = """
UPDATE positions p SET next_offset = k.upto, moved_at = now()
FROM (SELECT * FROM unnest(%s::int[], %s::bigint[], %s::bigint[]) AS u(partition, since, upto) ORDER BY partition) k
WHERE p.cluster = %s AND p.topic = %s AND p.topic_id = %s AND p.partition = k.partition AND p.next_offset = k.since
RETURNING k.since < coalesce(p.doubt_until, 0)
"""
_GAPS = """
INSERT INTO gaps (cluster, topic, topic_id, partition, from_offset, to_offset)
SELECT %s, %s, %s, * FROM unnest(%b::int[], %b::bigint[], %b::bigint[])
"""


@dataclass(frozen=True, slots=True)
class Log:
    """A topic as it stands on a cluster. `topic_id` is the broker's name for this very making of the topic."""

    cluster: str
    topic: str
    topic_id: str


async def read(conn: Conn, log: Log, partitions: Iterable[int]) -> dict[int, int]:
    """The next offset to apply of each of these partitions; those that were never read are left out."""
    cursor = await conn.execute(_READ, [log.cluster, log.topic, log.topic_id, list(partitions)])
    return dict(await cursor.fetchall())


async def begin(conn: Conn, log: Log, offsets: Mapping[int, int]) -> None:
    """Note where partitions begin that were never read; those that were are left as they are."""
    await conn.execute(_BEGIN, [log.cluster, log.topic, log.topic_id, list(offsets), list(offsets.values())])


async def move(conn: Conn, log: Log, spans: Mapping[int, Span]) -> bool:
    """Move positions over what is applied in the same transaction: partition → (since, upto). Whether any of it was
    read before by a database that was lost since.

    Raises Fenced when one does not stand where its span begins: another worker went on, or this was applied before.
    """
    rows = [(partition, *span) for partition, span in sorted(spans.items())]
    cursor = await conn.execute(_MOVE, [*columns(rows, 3), log.cluster, log.topic, log.topic_id])
    moved = await cursor.fetchall()
    if len(moved) != len(rows):
        raise Fenced(f"{len(rows) - len(moved)} of {len(rows)} partitions stand elsewhere by now")
    return any(doubtful for (doubtful,) in moved)


async def note_gaps(conn: Conn, log: Log, gaps: Mapping[int, Span]) -> None:
    """Note what the log dropped unread, and move the positions behind it. Raises Fenced as `move` does."""
    async with conn.transaction():
        await move(conn, log, gaps)
        rows = sorted(gaps.items())
        bounds = [[p for p, _ in rows], [since for _, (since, _) in rows], [upto for _, (_, upto) in rows]]
        await conn.execute(_GAPS, [log.cluster, log.topic, log.topic_id, *bounds])
