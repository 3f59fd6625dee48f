"""PDFs that go with offers."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from storage.arrays import columns
from storage.database import Conn
from storage.ledger.ledger import JourneyKey

_STORE: Final = """
INSERT INTO documents (document, campaign, candidates, data, posted_by) VALUES (%s, %s, %s, %b, %s)
ON CONFLICT (document) DO NOTHING
"""
_FETCH: Final = "SELECT data FROM documents WHERE document = %s AND campaign = %s AND %s = ANY(candidates)"
_LEAVE: Final = """
UPDATE documents d SET candidates = array_remove(d.candidates, k.candidate)
FROM unnest(%s::text[], %s::text[]) AS k(campaign, candidate)
WHERE d.campaign = k.campaign AND k.candidate = ANY(d.candidates)
"""
_DROP: Final = "DELETE FROM documents WHERE campaign = ANY(%s) AND candidates = '{}'"


async def store(
    conn: Conn, document: str, campaign: str, candidates: Collection[str], data: bytes, *, posted_by: str
) -> None:
    """Keep a document for these candidates; the first of a name stands."""
    await conn.execute(_STORE, [document, campaign, sorted(candidates), data, posted_by])


async def fetch(conn: Conn, document: str, campaign: str, candidate: str) -> bytes | None:
    """A document that this candidate may see."""
    row = await (await conn.execute(_FETCH, [document, campaign, candidate])).fetchone()
    return bytes(row[0]) if row else None


async def forget(conn: Conn, keys: Iterable[JourneyKey]) -> None:
    """These persons see no document any more, and what nobody sees is gone."""
    wanted = sorted(keys)
    for key in wanted:  # one after the other: a document may be of several of them
        await conn.execute(_LEAVE, columns([key], 2))
    await conn.execute(_DROP, [sorted({campaign for campaign, _ in wanted})])
