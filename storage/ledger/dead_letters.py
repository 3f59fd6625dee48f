"""Kafka messages that are no facts, and facts that could not be applied, each kept with the reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from schemas.errors import NotFound
from storage.database import Conn


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A message as it lay on its topic, and why it could not be used. `id` is None until it is stored."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes
    headers: dict[str, str]
    reason: str
    id: int | None = None
    at: datetime | None = None


_COLUMNS = 'id, topic, partition, "offset", key, value, headers, reason, at'


async def bury(conn: Conn, letters: Sequence[DeadLetter]) -> None:
    """Store dead letters; one that is stored already is left as it is."""
    async with conn.cursor() as cursor:
        await cursor.executemany(
            'INSERT INTO dead_letters (topic, partition, "offset", digest, key, value, headers, reason)'
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
            [
                (
                    d.topic,
                    d.partition,
                    d.offset,
                    sha256(d.value).digest(),
                    d.key,
                    d.value,
                    Jsonb(d.headers),
                    d.reason,
                )
                for d in letters
            ],
        )


async def listed(conn: Conn, *, after: int = 0, limit: int = 100) -> list[DeadLetter]:
    """Dead letters in order, after the given id."""
    async with conn.cursor(row_factory=class_row(DeadLetter)) as cursor:
        await cursor.execute(f"SELECT {_COLUMNS} FROM dead_letters WHERE id > %s ORDER BY id LIMIT %s", [after, limit])
        return await cursor.fetchall()


async def fetch(conn: Conn, id: int) -> DeadLetter:
    """One dead letter. Raises NotFound."""
    async with conn.cursor(row_factory=class_row(DeadLetter)) as cursor:
        await cursor.execute(f"SELECT {_COLUMNS} FROM dead_letters WHERE id = %s", [id])
        found = await cursor.fetchone()
    if found is None:
        raise NotFound(f"there is no dead letter {id}; `yinfeng dead-letters list` shows them")
    return found


async def drop(conn: Conn, ids: Sequence[int]) -> int:
    """Delete dead letters for good. Returns how many there were."""
    cursor = await conn.execute("DELETE FROM dead_letters WHERE id = ANY(%s)", [list(ids)])
    return cursor.rowcount


async def count(conn: Conn) -> int:
    """How many dead letters there are."""
    cursor = await conn.execute("SELECT count(*) FROM dead_letters")
    row = await cursor.fetchone()
    return int(row[0]) if row else 0
