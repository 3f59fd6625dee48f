"""Messages on their way out: claimed by one sender, sent, recorded. Every step is for a batch at once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from psycopg.rows import class_row

from schemas.messages import GROUPED, OFFER_TROUBLE, Attachment, Status
from storage.database import Conn
from storage.messages import attachments, offer_alerts

_CLAIM = """
WITH claimed AS (
    UPDATE messages m
    SET status = 'claimed', owner = %(owner)s, channel = %(channel)s, attempts = attempts + 1,
        lease_until = now() + make_interval(secs => %(lease)s)
    FROM (SELECT id FROM messages
          WHERE status = 'requested' AND {which} AND coalesce(not_before, requested_at) <= now()
            AND (recipient IS NULL OR lower(split_part(recipient, '@', 2)) <> ALL(%(full)s))
          ORDER BY coalesce(not_before, requested_at), id LIMIT %(limit)s FOR UPDATE SKIP LOCKED) due
    WHERE m.id = due.id
    RETURNING m.id, m.kind, m.campaign, m.candidate, m.params, m.attempts, m.source, m.fact
), noted AS (
    INSERT INTO message_attempts (message, status, detail) SELECT id, 'claimed', %(owner)s FROM claimed
)
SELECT * FROM claimed ORDER BY id
"""
_OF_KINDS: Final = "kind = ANY(%(kinds)s)"
_SAME_GROUPS: Final = "(campaign, kind) IN (SELECT * FROM unnest(%(campaigns)s::text[], %(kinds)s::text[]))"
# A sender whose lease ended while it could not reach the database still knows best what became of its messages.
_OURS = "SELECT id, status, forgotten FROM messages WHERE id = ANY(%b) AND owner = %s ORDER BY id FOR UPDATE"
_OPEN: Final = ("claimed", "unknown")
# Where the provider was quicker than the record, its word stands.
_RECORD = """
UPDATE messages m
SET status = CASE WHEN m.status IN ('claimed', 'unknown') THEN r.status ELSE m.status END, locale = r.locale,
    cause = CASE WHEN m.status IN ('claimed', 'unknown') AND r.status = 'cancelled' THEN 'moot' ELSE m.cause END,
    not_before = CASE WHEN m.status IN ('claimed', 'unknown') THEN r.not_before END,
    reason = CASE WHEN m.status NOT IN ('claimed', 'unknown') THEN m.reason
             WHEN NOT m.forgotten OR r.status = 'cancelled' THEN r.reason END,
    recipient = CASE WHEN NOT m.forgotten THEN r.recipient END,
    subject = CASE WHEN NOT m.forgotten THEN r.subject END, owner = NULL, lease_until = NULL,
    sent_at = CASE WHEN r.status = 'sent' OR m.status NOT IN ('claimed', 'unknown') THEN coalesce(m.sent_at, now()) END
FROM unnest(%b::bigint[], %b::text[], %b::text[], %b::text[], %b::text[], %b::text[], %b::timestamptz[])
     AS r(id, status, reason, recipient, locale, subject, not_before)
WHERE m.id = r.id AND m.owner = %s
"""
_LOCK = """
SELECT k.id, j.version FROM journeys j
JOIN unnest(%b::bigint[], %b::text[], %b::text[]) AS k(id, campaign, candidate) USING (campaign, candidate)
ORDER BY j.campaign, j.candidate FOR SHARE OF j
"""
_ATTEMPTS = """
INSERT INTO message_attempts (message, status, detail)
SELECT * FROM unnest(%b::bigint[], %b::text[], %b::text[])
"""
_MAILS = """
INSERT INTO mails (message, html, text)
SELECT u.* FROM unnest(%b::bigint[], %b::text[], %b::text[]) AS u(message, html, text)
ON CONFLICT (message) DO UPDATE SET html = excluded.html, text = excluded.text, at = now()
"""
# What the channel `keeps` was stored in the transaction that recorded it, or not at all: it may go again.
_EXPIRED = """
UPDATE messages
SET status = CASE WHEN channel = ANY(%(keeping)s) THEN 'requested' ELSE 'unknown' END,
    owner = CASE WHEN channel = ANY(%(keeping)s) THEN NULL ELSE owner END, reason = %(reason)s, lease_until = NULL
WHERE status = 'claimed' AND lease_until < now()
RETURNING id, status
"""
# What a fault of ours held up may go with the next version.
_FREE_UNWRITTEN = """
WITH freed AS (
    UPDATE messages SET status = 'requested', reason = NULL
    WHERE status = 'held' AND starts_with(reason, %(unwritten)s)
      AND (%(campaign)s::text IS NULL OR (campaign, kind) = (%(campaign)s, %(kind)s))
    RETURNING id
)
INSERT INTO message_attempts (message, status, detail) SELECT id, 'requested', %(why)s FROM freed
"""
RESTS: Final = "its channel rests"
_HOLD = """
WITH held AS (
    UPDATE messages SET status = 'held', reason = %(reason)s
    WHERE status = 'requested' AND kind = ANY(%(kinds)s) AND coalesce(not_before, requested_at) <= now()
    RETURNING id
)
INSERT INTO message_attempts (message, status, detail) SELECT id, 'held', %(reason)s FROM held
"""
# The condition is the index's.
_GO_ON = f"""
WITH freed AS (
    UPDATE messages SET status = 'requested', reason = NULL WHERE id IN (
        SELECT id FROM messages WHERE status = 'held' AND starts_with(reason, '{RESTS}') AND kind = ANY(%(kinds)s)
        ORDER BY id LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
    RETURNING id
)
INSERT INTO message_attempts (message, status, detail) SELECT id, 'requested', 'its channel is tried again' FROM freed
"""
MOST_TOGETHER: Final = 5000
TOLD_WITH: Final = "told in the mail of message"
UNWRITTEN: Final = "can't be written"
_LOST = "the sender ended between claiming this message and recording what became of it"


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message that this sender alone may send, until its lease ends. `attempts` counts this one; `source` and `fact`
    are the identity of the fact that asked for it, where one did."""

    id: int
    kind: str
    campaign: str
    candidate: str | None
    params: dict[str, Any]
    attempts: int
    source: str | None = None
    fact: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What became of a claimed message. `html`, `text` and `attachments` are kept as they went out.

    `seen`: the journey (campaign, candidate, version) for whose sake it is held; the message goes back to the others
    when that journey has changed meanwhile.
    """

    id: int
    status: Status
    reason: str | None = None
    recipient: str | None = None
    locale: str | None = None
    subject: str | None = None
    not_before: datetime | None = None
    html: str | None = None
    text: str | None = None
    attachments: tuple[Attachment, ...] = ()
    seen: tuple[str, str, int] | None = None


async def claim(
    conn: Conn,
    kinds: Collection[str],
    *,
    channel: str,
    owner: str,
    lease: float,
    limit: int,
    full: Collection[str] = (),
) -> list[Claimed]:
    """Take up to `limit` messages of these kinds that are due, for `lease` seconds; none that was for a domain of
    `full` when it was put off."""
    values: dict[str, Any] = {"kinds": list(kinds), "full": list(full), "limit": limit}
    values |= {"channel": channel, "owner": owner, "lease": lease}
    async with conn.cursor(row_factory=class_row(Claimed)) as cursor:
        await cursor.execute(_CLAIM.format(which=_OF_KINDS), values)
        return await cursor.fetchall()


async def claim_together(
    conn: Conn, found: Sequence[Claimed], *, channel: str, owner: str, lease: float
) -> list[Claimed]:
    """Take all others that are due of the grouped kinds among `found`, for the same campaigns."""
    groups = sorted({(each.campaign, each.kind) for each in found if each.kind in GROUPED})
    if not groups:
        return []
    values = {
        "campaigns": [campaign for campaign, _ in groups],
        "kinds": [kind for _, kind in groups],
        "channel": channel,
        "owner": owner,
        "lease": lease,
        "limit": MOST_TOGETHER,
        "full": [],
    }
    async with conn.cursor(row_factory=class_row(Claimed)) as cursor:
        await cursor.execute(_CLAIM.format(which=_SAME_GROUPS), values)
        return await cursor.fetchall()


async def record(conn: Conn, records: Sequence[Record], *, owner: str) -> None:
    """Store what became of messages that `owner` has claimed, all in one transaction.

    A message that another sender has taken meanwhile, since the lease ended, is left to it.
    """
    if not records:
        return
    async with conn.transaction():
        records = await _still_held(conn, records)
        forgotten, told = await _settle(conn, records, owner)
        new = [each for each in records if each.id in forgotten and each.id not in told]
        said = [each.reason if not forgotten[each.id] or each.status == "cancelled" else None for each in new]
        await conn.execute(_ATTEMPTS, [[each.id for each in new], [each.status for each in new], said])
        await _tell_of_offers(conn, new)
        mails = [each for each in records if each.html is not None and not forgotten.get(each.id, True)]
        await conn.execute(
            _MAILS, [[each.id for each in mails], [each.html for each in mails], [each.text for each in mails]]
        )
        await attachments.keep(conn, {each.id: each.attachments for each in mails})


async def _still_held(conn: Conn, records: Sequence[Record]) -> Sequence[Record]:
    """The records, where those held for a journey that has changed are requested again.

    The journeys stay locked until all is stored: what changes them later finds the message held, and releases it.
    """
    seen = {each.id: each.seen for each in records if each.seen is not None}
    if not seen:
        return records
    columns = [list(seen), [campaign for campaign, _, _ in seen.values()], [name for _, name, _ in seen.values()]]
    cursor = await conn.execute(_LOCK, columns)
    changed = {id for id, version in await cursor.fetchall() if version != seen[id][2]}
    return [replace(each, status="requested") if each.id in changed else each for each in records]


async def _tell_of_offers(conn: Conn, records: Sequence[Record]) -> None:
    troubled = [each.id for each in records if each.status in OFFER_TROUBLE]
    if troubled:
        await offer_alerts.tell_hr(conn, troubled, OFFER_TROUBLE)


async def _settle(conn: Conn, records: Sequence[Record], owner: str) -> tuple[dict[int, bool], set[int]]:
    """Which messages were ours to settle, with whether each is forgotten; and those that the provider had settled."""
    ours = await (await conn.execute(_OURS, [[each.id for each in records], owner])).fetchall()
    columns = [
        [each.id for each in records],
        [each.status for each in records],
        [each.reason for each in records],
        [each.recipient for each in records],
        [each.locale for each in records],
        [each.subject for each in records],
        [each.not_before for each in records],
        owner,
    ]
    await conn.execute(_RECORD, columns)
    told = {id for id, status, _ in ours if status not in _OPEN}
    return {id: forgotten for id, _, forgotten in ours}, told


async def sweep(conn: Conn, *, keeping: Collection[str]) -> dict[int, str]:
    """Settle claims whose lease has ended, by id: `unknown`, or `requested` for the channels in `keeping`."""
    async with conn.transaction():
        cursor = await conn.execute(_EXPIRED, {"keeping": list(keeping), "reason": _LOST})
        found = dict(await cursor.fetchall())
        await conn.execute(_ATTEMPTS, [list(found), list(found.values()), [_LOST] * len(found)])
    return found


async def hold(conn: Conn, kinds: Collection[str], why: str) -> int:
    """Let what is due of these kinds wait while its channel rests; returns how many."""
    return (await conn.execute(_HOLD, {"kinds": list(kinds), "reason": f"{RESTS}: {why}"})).rowcount


async def go_on(conn: Conn, kinds: Collection[str], *, limit: int | None = None) -> int:
    """Let messages of these kinds go on that waited for their channel, the oldest first; returns how many."""
    return (await conn.execute(_GO_ON, {"kinds": list(kinds), "limit": limit})).rowcount


async def free_unwritten(conn: Conn, why: str, *, campaign: str | None = None, kind: str | None = None) -> int:
    """Let messages be tried again whose reason to be held begins with UNWRITTEN, of one campaign and kind or all;
    returns how many."""
    values = {"unwritten": UNWRITTEN, "why": why, "campaign": campaign, "kind": kind}
    return (await conn.execute(_FREE_UNWRITTEN, values)).rowcount
