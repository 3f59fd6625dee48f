"""Messages to those who were erased: cancelled where they wait, and emptied, for good."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from schemas.journey import Micros
from storage.arrays import column, columns
from storage.database import Conn
from storage.ledger.ledger import JourneyKey
from storage.messages import attachments, statuses, suppressions
from storage.messages.of_facts import id_of, source_of
from storage.messages.transitions import TOLD_WITH

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ERASED: Final = """unnest(%(campaigns)s::text[], %(candidates)s::text[], %(cuts)s::timestamptz[])
    AS k(campaign, candidate, cut)"""
# What was said after the erasure is another life's. Of a candidate's messages each was asked for by a fact about them,
# if by any.
_LATER: Final = f"SELECT f.source, f.id FROM {_ERASED} JOIN facts f USING (campaign, candidate) WHERE f.time > k.cut"
_OF_ERASED: Final = f"""k.campaign = m.campaign AND k.candidate = m.candidate AND NOT EXISTS (
    SELECT FROM unnest(%(sources)s::text[], %(facts)s::text[]) AS l(source, fact)
    WHERE l.source = {source_of("m")} AND l.fact = {id_of("m")})"""
_CANCEL: Final = f"""
SELECT id, 'cancelled' AS status, 'erased' AS cause, 'candidate erased' AS reason, NULL::text AS note
FROM messages m, {_ERASED} WHERE status IN ('requested', 'held', 'suppressed') AND {_OF_ERASED}
"""
# What the indexes go by is set to what it is: see storage/vault/emptying.py.
_FORGET: Final = f"""
UPDATE messages m SET recipient = NULL, subject = NULL, sealed = NULL, address = NULL, domain = NULL,
    params = '{{}}', forgotten = true,
    reason = CASE WHEN status = 'cancelled' THEN reason END,
    candidate = m.candidate, dedupe_key = m.dedupe_key, status = m.status
FROM {_ERASED} WHERE {_OF_ERASED}
RETURNING id
"""
# A mail of HR's that tells of several persons is not kept once one of them was erased.
_TOLD_IN: Final = f"""
SELECT DISTINCT substring(m.reason FROM '[0-9]+$')::bigint FROM messages m, {_ERASED}
WHERE starts_with(m.reason, '{TOLD_WITH}') AND {_OF_ERASED}
"""
_DROP_MAILS: Final = "DELETE FROM mails WHERE message = ANY(%s::bigint[])"
# Its subject may name any of them: a campaign words its own templates.
_UNNAME: Final = "UPDATE messages SET subject = NULL, sealed = NULL WHERE id = ANY(%s::bigint[])"
# What a mail server says when it refuses often names the address.
_FORGET_ANSWERS: Final = """
UPDATE message_attempts SET detail = NULL WHERE message = ANY(%s::bigint[]) AND status <> 'cancelled'
"""


async def forget(conn: Conn, cuts: Mapping[JourneyKey, Micros]) -> None:
    """Take the contents out of messages to persons who were erased (and when), for good; those that wait are
    cancelled. What was asked for by something that was said later is another life's."""
    if not cuts:
        return
    rows = [(*key, _EPOCH + timedelta(microseconds=at)) for key, at in cuts.items()]
    values = dict(zip(("campaigns", "candidates", "cuts"), columns(rows, 3), strict=True))
    later = await (await conn.execute(_LATER, values)).fetchall()
    values |= dict(zip(("sources", "facts"), columns(later, 2), strict=True))
    told_in = [id for (id,) in await (await conn.execute(_TOLD_IN, values)).fetchall()]
    await statuses.change(conn, _CANCEL, values)
    ids = [id for (id,) in await (await conn.execute(_FORGET, values)).fetchall()]
    await conn.execute(_DROP_MAILS, [column(ids + told_in)])
    if told_in:
        await conn.execute(_UNNAME, [column(told_in)])
    await attachments.forget(conn, ids)
    await suppressions.forget(conn)
    await conn.execute(_FORGET_ANSWERS, [column(ids)])
