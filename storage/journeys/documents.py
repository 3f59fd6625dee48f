"""PDFs that go with offers, each sealed under a key of its own, which is sealed for each of its readers."""

from __future__ import annotations

import base64
from collections.abc import Collection, Iterable
from typing import Final

from psycopg.types.json import Jsonb

from storage.arrays import columns
from storage.database import Conn
from storage.ledger.ledger import JourneyKey
from storage.vault.keeping import open_apart
from storage.vault.process import vault

_STORE: Final = """
INSERT INTO documents (document, campaign, candidates, data, posted_by, keys) VALUES (%s, %s, %s, %b, %s, %s)
ON CONFLICT (document) DO NOTHING
"""
_FETCH: Final = """
SELECT data, keys->>%(candidate)s FROM documents
WHERE document = %(document)s AND campaign = %(campaign)s AND %(candidate)s = ANY(candidates)
"""
_KEPT: Final = "SELECT coalesce(sum(octet_length(data)), 0) FROM documents WHERE campaign = %s AND posted_by = %s"
_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtext('yinfeng.documents'), hashtext(%s))"
_CLEAR: Final = """
SELECT document, campaign, candidates, data FROM documents WHERE keys IS NULL ORDER BY document LIMIT %s FOR UPDATE
"""
_SEAL: Final = "UPDATE documents SET data = %b, keys = %s WHERE document = %s"
_LEAVE: Final = """
UPDATE documents d SET candidates = ARRAY(SELECT c FROM unnest(d.candidates) AS c WHERE c <> ALL(k.gone)),
    keys = d.keys - k.gone
FROM (SELECT campaign, array_agg(candidate) AS gone FROM unnest(%s::text[], %s::text[]) AS u(campaign, candidate)
      GROUP BY campaign) AS k
WHERE d.campaign = k.campaign AND d.candidates && k.gone::varchar[]
"""
_DROP: Final = "DELETE FROM documents WHERE campaign = ANY(%s) AND candidates = '{}'"
_PURPOSE: Final = "document"


async def store(
    conn: Conn, document: str, campaign: str, candidates: Collection[str], data: bytes, *, posted_by: str
) -> None:
    """Keep a document for these candidates; the first of a name stands."""
    sealed, keys = await _sealed(conn, document, campaign, candidates, data)
    await conn.execute(_STORE, [document, campaign, sorted(candidates), sealed, posted_by, Jsonb(keys)])


async def kept_bytes(conn: Conn, campaign: str, posted_by: str) -> int:
    """How much is kept of what this poster put into a campaign. Within the transaction that adds to it: others of the
    same poster come after that."""
    await conn.execute(_LOCK, [posted_by])
    row = await (await conn.execute(_KEPT, [campaign, posted_by])).fetchone()
    return int(row[0]) if row else 0


async def fetch(conn: Conn, document: str, campaign: str, candidate: str) -> bytes | None:
    """A document that this candidate may see."""
    asked = {"document": document, "campaign": campaign, "candidate": candidate}
    row = await (await conn.execute(_FETCH, asked)).fetchone()
    if row is None or row[1] is None:  # without keys, of an earlier version
        return bytes(row[0]) if row else None
    reader = await vault().reader(conn, [(campaign, candidate)])
    key = reader.open_words((campaign, candidate), _PURPOSE, row[1])
    return open_apart(base64.b64decode(key), document, bytes(row[0])) if key else None


async def forget(conn: Conn, keys: Iterable[JourneyKey]) -> None:
    """These persons see no document any more, and what nobody sees is gone."""
    wanted = sorted(keys)
    await conn.execute(_LEAVE, columns(wanted, 2))
    await conn.execute(_DROP, [sorted({campaign for campaign, _ in wanted})])


async def count_clear(conn: Conn) -> int:
    """How many an earlier version kept in the clear."""
    row = await (await conn.execute("SELECT count(*) FROM documents WHERE keys IS NULL")).fetchone()
    return int(row[0]) if row else 0


async def seal_some(conn: Conn, limit: int) -> int:
    """Seal some of those that an earlier version kept in the clear. Within a transaction; returns how many."""
    rows = await (await conn.execute(_CLEAR, [limit])).fetchall()
    for document, campaign, candidates, data in rows:
        sealed, keys = await _sealed(conn, document, campaign, candidates, bytes(data))
        await conn.execute(_SEAL, [sealed, Jsonb(keys), document])
    return len(rows)


async def _sealed(
    conn: Conn, document: str, campaign: str, candidates: Collection[str], data: bytes
) -> tuple[bytes, dict[str, str]]:
    """A document, and its key for each of its readers."""
    keeper = await vault().keeper(conn, [(campaign, candidate) for candidate in candidates])
    key, sealed = keeper.seal_apart(document, data)
    words = base64.b64encode(key).decode()
    keys = {candidate: keeper.seal_words((campaign, candidate), _PURPOSE, words) for candidate in candidates}
    return sealed, {candidate: each for candidate, each in keys.items() if each is not None}
