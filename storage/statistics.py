"""What Postgres knows of how much is in its tables, by which it chooses how to look for things."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from psycopg import sql

from storage.database import Conn

FEW: Final = 32 * 8192  # bytes: a table that is smaller is read whole as quickly
# Of the tables that grow with the facts and that a batch looks into by keys.
_UNKNOWN: Final = """
SELECT c.oid::regclass::text FROM pg_class c
WHERE c.oid = ANY('{facts, journeys, messages, vault.person}'::regclass[])
  AND (c.reltuples < 0
       OR coalesce(pg_stat_get_last_analyze_time(c.oid), pg_stat_get_last_autoanalyze_time(c.oid)) IS NULL)
  AND pg_relation_size(c.oid) > %s
"""


def estimate(table: str) -> str:
    """About how many rows a table has, in SQL that counts none: as Postgres noted, or, where it was killed and lost
    that, as many as there were when it counted them last, until it has them counted anew (`learn`)."""
    return f"""(SELECT greatest(pg_stat_get_live_tuples(oid), reltuples::bigint) FROM pg_class
 WHERE oid = '{table}'::regclass)"""


@dataclass(frozen=True, slots=True)
class Learned:
    """Which tables Postgres has counted, and which it would not count for this role: not the owner's, nor allowed to
    maintain them."""

    counted: list[str]
    refused: list[str]


async def learn(conn: Conn) -> Learned:
    """Have Postgres count those tables that it never counted, or does not know any more when, since it was killed, and
    that are not small.

    Autovacuum comes within a minute. Until then a statement that was planned while a table was empty, and whose plan
    is kept, reads it whole each time; to count it makes those plans anew.
    """
    unknown = await _unknown(conn)
    for table in unknown:
        await conn.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(*table.split("."))))
    still = await _unknown(conn) if unknown else []  # it says so by a warning alone
    refused = [table for table in unknown if table in still]
    return Learned([table for table in unknown if table not in refused], refused)


async def _unknown(conn: Conn) -> list[str]:
    return [table for (table,) in await (await conn.execute(_UNKNOWN, [FEW])).fetchall()]
