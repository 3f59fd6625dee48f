"""What each worker says of its own work, for metrics: a row each, renewed every few seconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from storage.database import Conn

_NOTE = """
INSERT INTO beats (holder, at, facts, conflicts, outages, committed_at, repeats)
VALUES (%(holder)s, now(), %(facts)s, %(conflicts)s, %(outages)s, now() - make_interval(secs => %(committed)s),
        %(repeats)s)
ON CONFLICT (holder) DO UPDATE
SET at = now(), facts = excluded.facts, conflicts = excluded.conflicts, outages = excluded.outages,
    committed_at = excluded.committed_at, repeats = excluded.repeats
"""
_FORGET = "DELETE FROM beats WHERE at < now() - interval '1 hour'"
_READ = """
SELECT holder, extract(epoch FROM now() - at)::float AS age, facts, conflicts, outages,
       extract(epoch FROM now() - committed_at)::float AS committed, repeats
FROM beats ORDER BY holder
"""


@dataclass(frozen=True, slots=True)
class Beat:
    """Since it started: facts applied, conflicts with other workers, outages of Postgres. `age` in seconds.

    `committed`: seconds since its last commit; None before the first. `repeats`: what it tried again, as (partition,
    conflicts, outages)."""

    holder: str
    facts: int
    conflicts: int
    outages: int
    age: float = 0.0
    committed: float | None = None
    repeats: Sequence[Sequence[int]] = ()


async def note(conn: Conn, beat: Beat) -> None:
    """Renew a worker's row; those that nobody renews for an hour go."""
    await conn.execute(_NOTE, {**asdict(beat), "repeats": Jsonb([list(each) for each in beat.repeats])})
    await conn.execute(_FORGET)


async def read(conn: Conn) -> list[Beat]:
    """The workers' rows."""
    async with conn.cursor(row_factory=class_row(Beat)) as cursor:
        await cursor.execute(_READ)
        return await cursor.fetchall()
