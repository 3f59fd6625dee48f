"""What each worker says of its own work, for metrics: a row each, renewed every few seconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from storage.database import Conn

_NOTE = """
INSERT INTO beats (holder, at, facts, conflicts, outages, committed_at, repeats, revision, lost_senders, sender_trouble)
VALUES (%(holder)s, now(), %(facts)s, %(conflicts)s, %(outages)s, now() - make_interval(secs => %(committed)s),
        %(repeats)s, %(revision)s, %(lost_senders)s, %(sender_trouble)s)
ON CONFLICT (holder) DO UPDATE
SET at = now(), facts = excluded.facts, conflicts = excluded.conflicts, outages = excluded.outages,
    committed_at = excluded.committed_at, repeats = excluded.repeats, revision = excluded.revision,
    lost_senders = excluded.lost_senders, sender_trouble = excluded.sender_trouble
"""
_FORGET = "DELETE FROM beats WHERE at < now() - interval '1 hour'"
_READ = """
SELECT holder, extract(epoch FROM now() - at)::float AS age, facts, conflicts, outages,
       extract(epoch FROM now() - committed_at)::float AS committed, repeats, revision, lost_senders,
       CASE WHEN at > now() - interval '1 minute' THEN sender_trouble END AS sender_trouble
FROM beats ORDER BY holder
"""


# What an upgrade left open for an hour, in the hope that all workers of the version before have ended by then.
_STILL_BESIDE = """
SELECT EXISTS (SELECT FROM beats WHERE at > now() - interval '1 minute' AND revision IS DISTINCT FROM %s)
"""
_ASKED_LATER = """
UPDATE secrets SET value = convert_to((now() + interval '1 hour')::text, 'UTF8')
WHERE starts_with(name, 'asked_since:') AND convert_from(value, 'UTF8')::timestamptz > now()
"""
_WHOLE_LATER = """
UPDATE secrets SET value = convert_to((now() + interval '1 hour')::text, 'UTF8')
WHERE name = 'events_whole_until'
  AND convert_from(value, 'UTF8')::timestamptz BETWEEN now() AND now() + interval '1 hour'
"""
_UNITED_LATER = """
UPDATE secrets SET value = convert_to((now() + interval '1 hour')::text, 'UTF8') WHERE name = 'united_anew_at'
"""
_COUNTED_LATER = """
WITH gone AS (DELETE FROM breakdown_counts WHERE campaign = '' AND due_at > now() RETURNING due_at)
INSERT INTO breakdown_counts (campaign, due_at)
SELECT DISTINCT '', now() + interval '1 hour' FROM gone ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class Beat:
    """Since it started: facts applied, conflicts with other workers, outages of Postgres. `age` in seconds.

    `committed`: seconds since its last commit; None before the first. `repeats`: what it tried again, as (partition,
    conflicts, outages). `revision`: of the tables that it knows; None where its version did not say so.

    `lost_senders`: senders of mails beside it that ended by themselves, hung or could not be started. `sender_trouble`:
    why the last one was lost, while they keep being lost and the worker lives."""

    holder: str
    facts: int
    conflicts: int
    outages: int
    age: float = 0.0
    committed: float | None = None
    repeats: Sequence[Sequence[int]] = ()
    revision: str | None = None
    lost_senders: int = 0
    sender_trouble: str | None = None


async def note(conn: Conn, beat: Beat) -> None:
    """Renew a worker's row; those that nobody renews for an hour go."""
    await conn.execute(_NOTE, {**asdict(beat), "repeats": Jsonb([list(each) for each in beat.repeats])})
    await conn.execute(_FORGET)


async def hold_open(conn: Conn, revision: str) -> bool:
    """Where a worker of another version than `revision` was heard within a minute: what an upgrade left open for an
    hour stays open for an hour from now. Whether one was.

    Such a worker asks for no messages of kinds that it does not know, adds to no cells that it does not know, reads
    no event that is not kept whole, and unites consent by another rule."""
    row = await (await conn.execute(_STILL_BESIDE, [revision])).fetchone()
    if row is None or not row[0]:
        return False
    await conn.execute(_ASKED_LATER)
    await conn.execute(_WHOLE_LATER)
    await conn.execute(_UNITED_LATER)
    await conn.execute(_COUNTED_LATER)
    return True


async def sender_troubles(conn: Conn) -> list[str]:
    """Why senders of mails keep being lost, of each worker whose do."""
    return [each.sender_trouble for each in await read(conn) if each.sender_trouble]


async def read(conn: Conn) -> list[Beat]:
    """The workers' rows."""
    async with conn.cursor(row_factory=class_row(Beat)) as cursor:
        await cursor.execute(_READ)
        return await cursor.fetchall()
