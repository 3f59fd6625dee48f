"""What Postgres knows of how much is in its tables, by which it chooses how to look for things."""

from __future__ import annotations

from typing import Final

from psycopg import sql

from storage.database import Conn

FEW: Final = 32 * 8192  # bytes: a table that is smaller is read whole as quickly
# Of the tables that grow with the facts and that a batch looks into by keys.
_UNKNOWN: Final = """
SELECT c.oid::regclass::text FROM pg_class c
WHERE c.oid = ANY('{facts, journeys, messages, vault.person}'::regclass[])
  AND c.reltuples < 0 AND pg_relation_size(c.oid) > %s
"""


async def learn(conn: Conn) -> list[str]:
    """Have Postgres count those tables that it never counted and that are not small any more, and return them.

    Autovacuum comes within a minute. Until then a statement that was planned while a table was empty, and whose plan
    is kept, reads it whole each time; to count it makes those plans anew.
    """
    found = await (await conn.execute(_UNKNOWN, [FEW])).fetchall()
    for (table,) in found:
        await conn.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(*table.split("."))))
    return [table for (table,) in found]
