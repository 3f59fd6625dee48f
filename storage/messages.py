"""Requests for messages, taken in the fold's transaction. What becomes of them is in `storage/outgoing.py`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from schemas.messages import MessageRequest
from storage.database import Conn
from storage.ledger import JourneyKey

_REQUEST = """
INSERT INTO messages (dedupe_key, kind, campaign, candidate, params, source, fact)
SELECT d, k, c, p, m::jsonb, s, f
FROM unnest(%b::text[], %b::text[], %b::text[], %b::text[], %b::text[], %b::text[], %b::text[])
     AS r(d, k, c, p, m, s, f)
ON CONFLICT (dedupe_key) DO NOTHING
RETURNING id
"""
_FORGET = """
UPDATE messages SET recipient = NULL, subject = NULL, params = '{}',
       status = CASE WHEN status IN ('requested', 'held') THEN 'cancelled' ELSE status END,
       reason = CASE WHEN status IN ('requested', 'held') THEN 'candidate erased' ELSE reason END
WHERE (campaign, candidate) IN (SELECT * FROM unnest(%b::text[], %b::text[]))
RETURNING id
"""
_RELEASE = """
UPDATE messages SET status = 'requested', reason = NULL
WHERE status = 'held' AND reason = 'no address'
  AND (campaign, candidate) IN (SELECT * FROM unnest(%b::text[], %b::text[]))
RETURNING id
"""

_encode = msgspec.json.Encoder().encode


async def request(conn: Conn, requests: Sequence[MessageRequest]) -> list[int]:
    """Ask for messages. Returns the ids of those whose reason is new; the others were asked for before."""
    if not requests:
        return []
    unique = list({r.dedupe_key: r for r in reversed(requests)}.values())[::-1]
    unique.sort(key=lambda r: r.dedupe_key)
    columns = [
        [r.dedupe_key for r in unique],
        [r.kind for r in unique],
        [r.campaign for r in unique],
        [r.candidate for r in unique],
        [_encode(r.params).decode() for r in unique],
        [r.source for r in unique],
        [r.fact for r in unique],
    ]
    cursor = await conn.execute(_REQUEST, columns)
    return [id for (id,) in await cursor.fetchall()]


async def release(conn: Conn, keys: Iterable[JourneyKey]) -> list[int]:
    """Let messages go that waited for these candidates' address. Returns their ids."""
    wanted = list(keys)
    if not wanted:
        return []
    cursor = await conn.execute(_RELEASE, [[c for c, _ in wanted], [p for _, p in wanted]])
    return [id for (id,) in await cursor.fetchall()]


async def forget(conn: Conn, keys: Iterable[JourneyKey]) -> None:
    """Take the contents out of these candidates' messages, for good; those that wait are cancelled."""
    wanted = list(keys)
    if not wanted:
        return
    cursor = await conn.execute(_FORGET, [[c for c, _ in wanted], [p for _, p in wanted]])
    ids = [id for (id,) in await cursor.fetchall()]
    await conn.execute("DELETE FROM mails WHERE message = ANY(%s)", [ids])
