"""Requests for messages, taken in the fold's transaction. What becomes of them is in `storage/messages/claiming.py`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Final

import msgspec

from schemas.emitted import TOLD_WITH
from schemas.kinds import BY_NAME
from schemas.messages import MessageRequest
from storage.arrays import Column, Value, column, columns, documents, named, split
from storage.campaigns import announcements
from storage.database import Conn
from storage.ledger.events import BESIDE
from storage.ledger.ledger import Identity, JourneyKey
from storage.messages import reasons, statuses
from storage.messages.of_facts import OF_FACT, id_of, source_of

NO_CONSENT: Final = "waits for consent to go abroad"
RESTORED: Final = "it may have gone before the database was restored"

# Of what is asked for as `r`, as it is written: its fact by its number, where that is known, and nothing of what that
# says. The version before reads its identity, and what it says, in the message's own row.
_IS_NUMBERED: Final = f"(r.asked_by IS NOT NULL AND NOT {BESIDE})"
_OF_ITS_FACT: Final = f"""
CASE WHEN r.params <> '' THEN r.params::jsonb
     WHEN {BESIDE} THEN (SELECT {OF_FACT} FROM facts f WHERE (f.source, f.id) = (r.source, r.fact)) END AS params,
CASE WHEN NOT {_IS_NUMBERED} THEN r.source END AS source, CASE WHEN NOT {_IS_NUMBERED} THEN r.fact END AS fact,
CASE WHEN {_IS_NUMBERED} THEN r.asked_by END AS asked_by
"""
# Each row is written as it comes, numbered as it is written: the numbers ascend in their index, which fills its pages,
# and nothing is sorted. A process of the version before knows messages by nonces alone, and
# how often each was begun, and whether it was forgotten, from the row itself.
_ASK: Final = f"""
INSERT INTO messages AS m (id, dedupe_key, kind, campaign, candidate, params, source, fact, asked_by, not_before,
                           nonce, status, cause, reason, attempts, forgotten)
OVERRIDING SYSTEM VALUE
SELECT nextval('messages_id_seq'), {reasons.short("r.wide")}, k, c, p, {{fact}}, n,
       CASE WHEN {BESIDE} THEN gen_random_uuid() END, {{status}}, {{cause}}, {{reason}},
       CASE WHEN {BESIDE} THEN 0 END, CASE WHEN {BESIDE} THEN false END
FROM unnest(%(wide)s::text[], %(whole)s::text[], %(kinds)s::text[], %(campaigns)s::text[], %(candidates)s::text[],
            {split("params")}, %(sources)s::text[], %(facts)s::text[], %(numbers)s::bigint[], %(due)s::timestamptz[])
     AS r(wide, whole, k, c, p, params, source, fact, asked_by, n)
WHERE NOT ({reasons.WIDE_ONES} AND EXISTS (SELECT FROM messages b WHERE b.dedupe_key = r.wide))
  AND NOT ({reasons.WHOLE_ONES} AND EXISTS (SELECT FROM messages b WHERE b.dedupe_key = r.whole))
{{asked_before}}
RETURNING id
"""
_LEFT_OUT: Final = "ON CONFLICT (dedupe_key) DO NOTHING"
# What is not due yet can't have gone.
_GONE: Final = "coalesce(n, now()) <= now()"
_REQUEST: Final = _ASK.format(
    fact=_OF_ITS_FACT, status="'requested'", cause="NULL", reason="NULL", asked_before=_LEFT_OUT
)
_REQUEST_NEW: Final = _ASK.format(fact=_OF_ITS_FACT, status="'requested'", cause="NULL", reason="NULL", asked_before="")
# What facts of the ledger ask for, where no message was stored by another kind of key, and no process of the version
# before runs beside: nearly everything that is asked for. Elsewhere it asks for nothing.
_PLAINLY_NEW: Final = f"""
INSERT INTO messages (id, dedupe_key, kind, campaign, candidate, asked_by, not_before, status, attempts, forgotten)
OVERRIDING SYSTEM VALUE
SELECT nextval('messages_id_seq'), d, k, c, p, a, n, 'requested', NULL, NULL
FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::timestamptz[]) AS r(d, k, c, p, a, n)
WHERE NOT {BESIDE} AND NOT {reasons.WIDE_ONES} AND NOT {reasons.WHOLE_ONES}
RETURNING id
"""
_PLAINLY: Final = _PLAINLY_NEW.replace("RETURNING", f"{_LEFT_OUT} RETURNING")
_DOUBTED: Final = _ASK.format(
    fact=_OF_ITS_FACT,
    asked_before=_LEFT_OUT,
    status=f"CASE WHEN {_GONE} THEN 'unknown' ELSE 'requested' END",
    cause=f"CASE WHEN {_GONE} THEN 'restored' END",
    reason=f"CASE WHEN {_GONE} THEN '{RESTORED}' END",
)
_DOUBT: Final = f"""
WITH asked AS ({_DOUBTED}, status, cause, reason), doubted AS (
    INSERT INTO message_attempts (message, status, cause, detail)
    SELECT id, 'unknown', cause, reason FROM asked WHERE status = 'unknown' ORDER BY id
)
SELECT id FROM asked
"""
# The reason of a message that there is arises again: by another fact, where the first one was cancelled unsent (but not
# by HR) or was taken back while its message waits, or where it was told and the world took it back in between. That is
# what the facts say, whatever order they came in.
_AGAIN: Final = f"""
SELECT m.id, CASE WHEN %(doubtful)s AND coalesce(r.due, now()) <= now() THEN 'unknown' ELSE 'requested' END AS status,
       'again' AS cause, NULL::text AS reason, 'another fact gives the same reason' AS note,
       {_OF_ITS_FACT}, r.due
FROM messages m
JOIN unnest(%(wide)s::text[], %(whole)s::text[], {split("params")}, %(sources)s::text[], %(facts)s::text[],
            %(numbers)s::bigint[], %(due)s::timestamptz[], %(undone_by)s::text[], %(about)s::text[])
     AS r(wide, whole, params, source, fact, asked_by, due, undone_by, about)
     ON m.dedupe_key = ANY(ARRAY[{reasons.short("r.wide")}, r.wide, r.whole])
CROSS JOIN LATERAL (SELECT {source_of("m")} AS source, {id_of("m")} AS id) AS first
WHERE m.forgotten IS NOT TRUE AND (first.source, first.id) IS DISTINCT FROM (r.source, r.fact) AND (
    m.status = 'cancelled' AND m.cause IS DISTINCT FROM 'hr'
    OR m.status IN ('requested', 'held', 'suppressed') AND EXISTS (
        SELECT FROM retractions x WHERE (x.campaign, x.source, x.id) = (m.campaign, first.source, first.id))
    OR m.status IN ('sent', 'delivered', 'dropped', 'bounced', 'complained', 'failed') AND EXISTS (
        SELECT FROM facts f
        JOIN facts before ON (before.source, before.id) = (first.source, first.id)
        JOIN facts after ON (after.source, after.id) = (r.source, r.fact)
        CROSS JOIN LATERAL (SELECT coalesce(m.params, before.event->'data') AS told) AS t
        WHERE (f.campaign, f.candidate) = (m.campaign, m.candidate) AND f.type = ANY(string_to_array(r.undone_by, ' '))
          AND f.time > before.time AND f.time < after.time
          AND (r.about = '' OR f.event->'data'->>r.about IS NULL OR f.event->'data'->>r.about = t.told->>r.about)
          AND (f.type <> 'candidate.interviewed' OR f.event->'data'->>'outcome' IS DISTINCT FROM t.told->>'outcome')
          AND NOT EXISTS (SELECT FROM retractions x WHERE (x.campaign, x.source, x.id) = (f.campaign, f.source, f.id))))
"""
_ASKED_AGAIN: Final = """owner = NULL, lease_until = NULL, params = r.params, source = r.source, fact = r.fact,
    asked_by = r.asked_by, not_before = r.due, sent_at = NULL, requested_at = now(), begun_at = NULL"""
_OF_CANDIDATES: Final = """(m.campaign, m.candidate) IN (
    SELECT * FROM unnest(%(campaigns)s::text[], %(candidates)s::text[]))"""
_RELEASE: Final = f"""
SELECT id, 'requested' AS status, 'address' AS cause, NULL::text AS reason, 'an address came' AS note
FROM messages m WHERE status = 'held' AND reason = 'no address' AND {_OF_CANDIDATES}
"""
_CONSENTED: Final = f"""
SELECT id, 'requested' AS status, 'consent' AS cause, NULL::text AS reason, 'consent to go abroad came' AS note
FROM messages m WHERE status = 'held' AND reason = '{NO_CONSENT}' AND {_OF_CANDIDATES}
"""
_NEEDS_NONE: Final = f"""
SELECT id, 'requested' AS status, 'consent' AS cause, NULL::text AS reason,
       'no consent to go abroad is needed any more' AS note
FROM messages m
WHERE status = 'held' AND reason = '{NO_CONSENT}' AND campaign <> ALL(%(but)b::text[])
"""
_WAITING_ABROAD: Final = f"""
SELECT count(*) FROM messages
WHERE status = 'held' AND reason = '{NO_CONSENT}' AND (%(campaign)s::text IS NULL OR campaign = %(campaign)s)
"""
# What the world made moot may be asked for again once a word about the world was taken back: sending looks anew.
_RECONSIDER: Final = f"""
SELECT id, 'requested' AS status, 'stands' AS cause, NULL::text AS reason, 'what made it moot was taken back' AS note
FROM messages m
WHERE m.status = 'cancelled' AND m.cause = 'moot' AND m.forgotten IS NOT TRUE
  AND ({_OF_CANDIDATES} OR m.campaign = ANY(%(whole)s::text[]) AND m.candidate IS NOT NULL)
"""

_UNDER_WAY: Final = f"""
SELECT DISTINCT m.campaign, m.candidate FROM messages m
WHERE m.kind = %(kind)s AND {_OF_CANDIDATES}
  AND (m.status IN ('requested', 'claimed') OR m.status IN ('sent', 'delivered') AND m.sent_at > %(since)s)
"""

_encode = msgspec.json.Encoder().encode
_UNDONE: Final = {name: (" ".join(kind.undone_by.types), kind.undone_by.about) for name, kind in BY_NAME.items()}


async def request(
    conn: Conn,
    requests: Sequence[MessageRequest],
    *,
    numbers: Mapping[Identity, int] = MappingProxyType({}),
    doubtful: bool = False,
    supposed_new: bool = False,
) -> list[int]:
    """Ask for messages. Returns the ids of those that are to go now; the others were asked for before.

    `numbers`: the ledger's of the facts that ask, as far as they are known. `doubtful` ones that are due may have gone
    before the database was restored: they are `unknown`, and none goes. `supposed_new`: none was asked for before
    (see storage.database.supposing).
    """
    if not requests:
        return []
    keyed = _by_person(requests)
    unique = [request for _, request in keyed]
    fresh = [] if doubtful else await _request_plainly(conn, keyed, numbers, supposed_new=supposed_new)
    if len(fresh) == len(unique):
        await _announce(conn, unique, fresh, doubtful=False)
        return sorted(fresh)
    values = {**_columns(keyed, numbers), "doubtful": doubtful}
    if not fresh:
        statement = _DOUBT if doubtful else _REQUEST_NEW if supposed_new else _REQUEST
        fresh = [id for (id,) in await (await conn.execute(statement, values)).fetchall()]
    await _announce(conn, unique, fresh, doubtful=doubtful)
    if len(fresh) < len(unique):
        again = await statuses.change(conn, _AGAIN, {**values, **_undone(unique)}, also=_ASKED_AGAIN)
        fresh += [id for (id,) in again]
    return [] if doubtful else sorted(fresh)


async def _request_plainly(
    conn: Conn, keyed: Sequence[tuple[str, MessageRequest]], numbers: Mapping[Identity, int], *, supposed_new: bool
) -> list[int]:
    """Ask for messages, where each is asked for by a fact whose number is known. None where that is not all there is
    to it."""
    rows: list[tuple[Value, ...]] = []
    for wide, r in keyed:
        number = numbers.get((r.source, r.fact)) if r.source and r.fact and r.params is None else None
        if number is None:
            return []
        rows.append((reasons.short_of(wide), r.kind, r.campaign, r.candidate, number, r.not_before))
    cursor = await conn.execute(_PLAINLY_NEW if supposed_new else _PLAINLY, columns(rows, 6))
    return [id for (id,) in await cursor.fetchall()]


async def _announce(conn: Conn, requests: Sequence[MessageRequest], fresh: Sequence[int], *, doubtful: bool) -> None:
    if fresh and any(each.kind in TOLD_WITH for each in requests):
        await announcements.with_messages(conn, fresh)
    if fresh and doubtful:
        await announcements.in_doubt(conn, fresh)


def _by_person(asked: Sequence[MessageRequest]) -> list[tuple[str, MessageRequest]]:
    """Requests, the first one for each reason, with the keys of their reasons as these were stored before: of one
    person together, as the index of reasons has them, and in the order in which they were asked for: two that ask for
    the same of many persons meet in one order. Of one person two ask at once only where one has written the journey,
    which the other waits for."""
    first: dict[str, tuple[str, MessageRequest]] = {}
    for keyed in zip(reasons.wide_of(asked), asked, strict=True):
        first.setdefault(reasons.short_of(keyed[0]), keyed)
    return [first[short] for short in sorted(first, key=reasons.person_of)]


def _columns(keyed: Sequence[tuple[str, MessageRequest]], numbers: Mapping[Identity, int]) -> dict[str, Column]:
    requests = [request for _, request in keyed]
    columns: dict[str, list[Value]] = {
        "wide": [key for key, _ in keyed],
        "whole": [r.dedupe_key for r in requests],
        "kinds": [r.kind for r in requests],
        "campaigns": [r.campaign for r in requests],
        "candidates": [r.candidate for r in requests],
        "sources": [r.source for r in requests],
        "facts": [r.fact for r in requests],
        "numbers": [numbers.get((r.source, r.fact)) if r.source and r.fact else None for r in requests],
        "due": [r.not_before for r in requests],
    }
    return {**named(columns), "params": documents(b"" if r.params is None else _encode(r.params) for r in requests)}


def _undone(requests: Sequence[MessageRequest]) -> dict[str, Column]:
    """By which facts the world takes back what each told, and about what, as further columns beside the others: for
    reasons that there are already."""
    undone = [_UNDONE[r.kind] for r in requests]
    return named({"undone_by": [types for types, _ in undone], "about": [about for _, about in undone]})


def _of(keys: Sequence[JourneyKey]) -> dict[str, Column]:
    return named({"campaigns": [c for c, _ in keys], "candidates": [p for _, p in keys]})


async def release(conn: Conn, keys: Iterable[JourneyKey]) -> list[int]:
    """Let messages go that waited for these candidates' address. Returns their ids."""
    wanted = list(keys)
    if not wanted:
        return []
    return [id for (id,) in await statuses.change(conn, _RELEASE, _of(wanted))]


async def release_abroad(conn: Conn, keys: Iterable[JourneyKey]) -> list[int]:
    """Let messages go that waited for these candidates' consent to go abroad. Returns their ids."""
    wanted = list(keys)
    if not wanted:
        return []
    return [id for (id,) in await statuses.change(conn, _CONSENTED, _of(wanted))]


async def release_all_abroad(conn: Conn, *, but: Collection[str]) -> list[int]:
    """Let all messages go that waited for consent, since none is needed any more; those of these campaigns wait on."""
    return [id for (id,) in await statuses.change(conn, _NEEDS_NONE, {"but": sorted(but)})]


async def waiting_abroad(conn: Conn, campaign: str | None = None) -> int:
    """How many messages of a campaign (none: of all) wait for consent to go abroad."""
    cursor = await conn.execute(_WAITING_ABROAD, {"campaign": campaign})
    row = await cursor.fetchone()
    return row[0] if row else 0


async def under_way(conn: Conn, kind: str, keys: Iterable[JourneyKey], *, since: datetime) -> set[JourneyKey]:
    """To which of these candidates a message of this kind is still to go, or has gone since that moment."""
    wanted = list(keys)
    if not wanted:
        return set()
    cursor = await conn.execute(_UNDER_WAY, {**_of(wanted), "kind": kind, "since": since})
    return {(campaign, candidate) for campaign, candidate in await cursor.fetchall()}


async def reconsider(conn: Conn, keys: Iterable[JourneyKey], campaigns: Iterable[str]) -> list[int]:
    """Ask again for what was cancelled as moot: of these candidates, and of all candidates of these campaigns."""
    wanted, whole = list(keys), list(campaigns)
    if not wanted and not whole:
        return []
    return [id for (id,) in await statuses.change(conn, _RECONSIDER, {**_of(wanted), "whole": column(whole)})]
