"""What the log dropped before it was read, and whether HR was told."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg.rows import class_row

from storage.database import Conn

# Told in the transaction that asks for the message; another worker that looks at the same time passes over these.
_UNTOLD = """
UPDATE gaps SET told_at = now()
WHERE id IN (SELECT id FROM gaps WHERE told_at IS NULL ORDER BY id FOR UPDATE SKIP LOCKED)
RETURNING id, topic, partition, from_offset AS since, to_offset AS upto
"""
_CAMPAIGN = "SELECT campaign FROM facts ORDER BY seq DESC LIMIT 1"


@dataclass(frozen=True, slots=True)
class Gap:
    """Offsets of a partition, from `since` to before `upto`, that nobody read."""

    id: int
    topic: str
    partition: int
    since: int
    upto: int


async def untold(conn: Conn) -> list[Gap]:
    """Gaps that HR was not told of; from now on it was. Call it in the transaction that asks for the messages."""
    async with conn.cursor(row_factory=class_row(Gap)) as cursor:
        await cursor.execute(_UNTOLD)
        return sorted(await cursor.fetchall(), key=lambda gap: gap.id)


async def campaign_to_tell(conn: Conn) -> str | None:
    """The campaign that was spoken of last, for whose HR such news are; None while there is none."""
    row = await (await conn.execute(_CAMPAIGN)).fetchone()
    return row[0] if row else None
