"""Requests for messages, taken in the fold's transaction. What becomes of them is in `storage/messages/sending.py`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from schemas.messages import MessageRequest
from storage.database import Conn
from storage.ledger import JourneyKey
from storage.messages import attachments, suppressions

RESTORED: Final = "it may have gone before the database was restored"

# Numbered in the order in which they were asked for, inserted in the order of their keys: two transactions that ask for
# the same in opposite orders would else wait for each other.
# One that was cancelled unsent, since its fact no longer stood, goes after all when another fact gives the same reason.
# What HR cancelled stays so.
_ASK = """
WITH asked AS (
INSERT INTO messages AS m (id, dedupe_key, kind, campaign, candidate, params, source, fact, not_before, status, reason)
OVERRIDING SYSTEM VALUE
SELECT id, d, k, c, p, m::jsonb, s, f, n, CASE WHEN {doubtful} THEN 'unknown' ELSE 'requested' END, {reason}
FROM (SELECT nextval('messages_id_seq') AS id, r.*
      FROM unnest(%b::text[], %b::text[], %b::text[], %b::text[], %b::text[], %b::text[], %b::text[],
                  %b::timestamptz[]) AS r(d, k, c, p, m, s, f, n)) AS numbered
ORDER BY d COLLATE "C"
ON CONFLICT (dedupe_key) DO UPDATE
SET status = 'requested', reason = NULL, cause = NULL, params = excluded.params, source = excluded.source,
    fact = excluded.fact, not_before = excluded.not_before
WHERE m.status = 'cancelled' AND m.cause IS DISTINCT FROM 'hr'
  AND (m.source, m.fact) IS DISTINCT FROM (excluded.source, excluded.fact)
RETURNING id, attempts, status, reason
), noted AS (
    INSERT INTO message_attempts (message, status, detail)
    SELECT id, 'requested', 'another fact gives the same reason' FROM asked WHERE attempts > 0
), doubted AS (
    INSERT INTO message_attempts (message, status, detail) SELECT id, 'unknown', reason FROM asked WHERE {doubted}
)
SELECT id FROM asked ORDER BY id
"""
# What is not due yet can't have gone.
_DUE = "coalesce(n, now()) <= now()"
_REQUEST = _ASK.format(doubtful="false", reason="NULL", doubted="false")
_DOUBT = _ASK.format(doubtful=_DUE, reason=f"CASE WHEN {_DUE} THEN '{RESTORED}' END", doubted="status = 'unknown'")
_CANCEL = """
WITH cancelled AS (
    UPDATE messages SET status = 'cancelled', reason = 'candidate erased', cause = 'erased'
    WHERE status IN ('requested', 'held', 'suppressed')
      AND (campaign, candidate) IN (SELECT * FROM unnest(%b::text[], %b::text[]))
    RETURNING id, reason)
INSERT INTO message_attempts (message, status, detail) SELECT id, 'cancelled', reason FROM cancelled
"""
_FORGET = """
UPDATE messages SET recipient = NULL, subject = NULL, params = '{}', forgotten = true,
    reason = CASE WHEN status = 'cancelled' THEN reason END
WHERE (campaign, candidate) IN (SELECT * FROM unnest(%b::text[], %b::text[]))
RETURNING id
"""
# What a mail server says when it refuses often names the address.
_FORGET_ANSWERS = "UPDATE message_attempts SET detail = NULL WHERE message = ANY(%s) AND status <> 'cancelled'"
_RELEASE = """
WITH released AS (
    UPDATE messages SET status = 'requested', reason = NULL
    WHERE status = 'held' AND reason = 'no address'
      AND (campaign, candidate) IN (SELECT * FROM unnest(%b::text[], %b::text[]))
    RETURNING id)
INSERT INTO message_attempts (message, status, detail) SELECT id, 'requested', 'an address came' FROM released
RETURNING message
"""
# What the world made moot may be asked for again once a word about the world was taken back: sending looks anew.
_RECONSIDER = """
WITH asked AS (
    UPDATE messages m SET status = 'requested', reason = NULL, cause = NULL
    WHERE m.status = 'cancelled' AND m.cause = 'moot' AND NOT m.forgotten
      AND ((m.campaign, m.candidate) IN (SELECT * FROM unnest(%b::text[], %b::text[]))
           OR m.campaign = ANY(%b::text[]) AND m.candidate IS NOT NULL)
    RETURNING id)
INSERT INTO message_attempts (message, status, detail)
SELECT id, 'requested', 'what made it moot was taken back' FROM asked RETURNING message
"""

_encode = msgspec.json.Encoder().encode


async def request(conn: Conn, requests: Sequence[MessageRequest], *, doubtful: bool = False) -> list[int]:
    """Ask for messages. Returns the ids of those that are to go now; the others were asked for before.

    `doubtful` ones that are due may have gone before the database was restored: they are `unknown`, and none goes.
    """
    if not requests:
        return []
    unique = list({r.dedupe_key: r for r in reversed(requests)}.values())[::-1]
    columns = [
        [r.dedupe_key for r in unique],
        [r.kind for r in unique],
        [r.campaign for r in unique],
        [r.candidate for r in unique],
        [_encode(r.params).decode() for r in unique],
        [r.source for r in unique],
        [r.fact for r in unique],
        [r.not_before for r in unique],
    ]
    cursor = await conn.execute(_DOUBT if doubtful else _REQUEST, columns)
    found = [id for (id,) in await cursor.fetchall()]
    return [] if doubtful else found


async def release(conn: Conn, keys: Iterable[JourneyKey]) -> list[int]:
    """Let messages go that waited for these candidates' address. Returns their ids."""
    wanted = list(keys)
    if not wanted:
        return []
    cursor = await conn.execute(_RELEASE, [[c for c, _ in wanted], [p for _, p in wanted]])
    return [id for (id,) in await cursor.fetchall()]


async def reconsider(conn: Conn, keys: Iterable[JourneyKey], campaigns: Iterable[str]) -> list[int]:
    """Ask again for what was cancelled as moot: of these candidates, and of all candidates of these campaigns."""
    wanted, whole = list(keys), list(campaigns)
    if not wanted and not whole:
        return []
    cursor = await conn.execute(_RECONSIDER, [[c for c, _ in wanted], [p for _, p in wanted], whole])
    return sorted(id for (id,) in await cursor.fetchall())


async def forget(conn: Conn, keys: Iterable[JourneyKey]) -> None:
    """Take the contents out of these candidates' messages, for good; those that wait are cancelled."""
    wanted = list(keys)
    if not wanted:
        return
    columns = [[c for c, _ in wanted], [p for _, p in wanted]]
    await conn.execute(_CANCEL, columns)
    cursor = await conn.execute(_FORGET, columns)
    ids = [id for (id,) in await cursor.fetchall()]
    await conn.execute("DELETE FROM mails WHERE message = ANY(%s)", [ids])
    await attachments.forget(conn, ids)
    await suppressions.forget(conn)
    await conn.execute(_FORGET_ANSWERS, [ids])
