"""Signups whose address is still to be confirmed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from psycopg.types.json import Jsonb

from storage.arrays import columns
from storage.database import Conn
from storage.ledger.ledger import JourneyKey

_KEEP: Final = """
INSERT INTO unconfirmed (signup, campaign, candidate, typed) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING
"""
_FORGET: Final = """
DELETE FROM unconfirmed WHERE (campaign, candidate) IN (SELECT * FROM unnest(%s::text[], %s::text[]))
"""


async def keep(conn: Conn, signup: str, campaign: str, candidate: str, typed: Mapping[str, Any]) -> bool:
    """Keep what was typed under the name of its form. Whether it is new."""
    return (await conn.execute(_KEEP, [signup, campaign, candidate, Jsonb(dict(typed))])).rowcount > 0


async def fetch(conn: Conn, signup: str, campaign: str, candidate: str) -> dict[str, Any] | None:
    """What was typed; None when that was too long ago."""
    query = "SELECT typed FROM unconfirmed WHERE (signup, campaign, candidate) = (%s, %s, %s)"
    row = await (await conn.execute(query, [signup, campaign, candidate])).fetchone()
    return dict(row[0]) if row else None


async def forget(conn: Conn, keys: Iterable[JourneyKey]) -> None:
    """Nothing of these persons waits any more."""
    await conn.execute(_FORGET, columns(list(keys), 2))
