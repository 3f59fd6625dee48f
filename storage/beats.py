"""What each worker says of its own work, for metrics: a row each, renewed every few seconds."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg.rows import class_row

from storage.database import Conn

_NOTE = """
INSERT INTO beats (holder, at, facts, conflicts, outages)
VALUES (%(holder)s, now(), %(facts)s, %(conflicts)s, %(outages)s)
ON CONFLICT (holder) DO UPDATE
SET at = now(), facts = excluded.facts, conflicts = excluded.conflicts, outages = excluded.outages
"""
_FORGET = "DELETE FROM beats WHERE at < now() - interval '1 hour'"
_READ = """
SELECT holder, extract(epoch FROM now() - at)::float AS age, facts, conflicts, outages FROM beats ORDER BY holder
"""


@dataclass(frozen=True, slots=True)
class Beat:
    """Since it started: facts applied, conflicts with other workers, outages of Postgres. `age` in seconds."""

    holder: str
    facts: int
    conflicts: int
    outages: int
    age: float = 0.0


async def note(conn: Conn, beat: Beat) -> None:
    """Renew a worker's row; those that nobody renews for an hour go."""
    await conn.execute(
        _NOTE,
        {"holder": beat.holder, "facts": beat.facts, "conflicts": beat.conflicts, "outages": beat.outages},
    )
    await conn.execute(_FORGET)


async def read(conn: Conn) -> list[Beat]:
    """The workers' rows."""
    async with conn.cursor(row_factory=class_row(Beat)) as cursor:
        await cursor.execute(_READ)
        return await cursor.fetchall()
