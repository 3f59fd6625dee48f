"""Messages on their way out: claimed by one sender, sent, recorded. Every step is for a batch at once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.rows import class_row, dict_row

from schemas.messages import Status
from storage.database import Conn

_CLAIM = """
UPDATE messages m
SET status = 'claimed', owner = %(owner)s, channel = %(channel)s, attempts = attempts + 1,
    lease_until = now() + make_interval(secs => %(lease)s)
FROM (SELECT id FROM messages
      WHERE status = 'requested' AND kind = ANY(%(kinds)s) AND (not_before IS NULL OR not_before <= now())
      ORDER BY id LIMIT %(limit)s FOR UPDATE SKIP LOCKED) due
WHERE m.id = due.id
RETURNING m.id, m.kind, m.campaign, m.candidate, m.params, m.attempts
"""
_RECORD = """
UPDATE messages m
SET status = r.status, reason = r.reason, recipient = r.recipient, locale = r.locale, subject = r.subject,
    not_before = r.not_before, owner = NULL, lease_until = NULL,
    sent_at = CASE WHEN r.status = 'sent' THEN now() END
FROM unnest(%b::bigint[], %b::text[], %b::text[], %b::text[], %b::text[], %b::text[], %b::timestamptz[])
     AS r(id, status, reason, recipient, locale, subject, not_before)
WHERE m.id = r.id AND m.owner = %s AND m.status = 'claimed'
RETURNING m.id
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
    reason = %(reason)s, owner = NULL, lease_until = NULL
WHERE status = 'claimed' AND lease_until < now()
RETURNING id, status
"""
_LOST = "the sender ended between claiming this message and recording what became of it"


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message that this sender alone may send, until its lease ends. `attempts` counts this one."""

    id: int
    kind: str
    campaign: str
    candidate: str | None
    params: dict[str, Any]
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What became of a claimed message. `html` and `text` are kept as they went out."""

    id: int
    status: Status
    reason: str | None = None
    recipient: str | None = None
    locale: str | None = None
    subject: str | None = None
    not_before: datetime | None = None
    html: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What mails say of campaigns and fairs: rows by campaign, and by (campaign, fair)."""

    campaigns: dict[str, dict[str, Any]]
    fairs: dict[tuple[str, str], dict[str, Any]]


async def claim(
    conn: Conn, kinds: Collection[str], *, channel: str, owner: str, lease: float, limit: int
) -> list[Claimed]:
    """Take up to `limit` messages of these kinds that are due, for `lease` seconds."""
    values = {"kinds": list(kinds), "channel": channel, "owner": owner, "lease": lease, "limit": limit}
    async with conn.cursor(row_factory=class_row(Claimed)) as cursor:
        await cursor.execute(_CLAIM, values)
        return sorted(await cursor.fetchall(), key=lambda each: each.id)


async def record(conn: Conn, records: Sequence[Record], *, owner: str) -> None:
    """Store what became of messages that `owner` has claimed, all in one transaction.

    A message whose lease ended meanwhile is left as the sweep made it.
    """
    if not records:
        return
    async with conn.transaction():
        still_ours = await _settle(conn, records, owner)
        kept = [each for each in records if each.id in still_ours]
        await conn.execute(
            _ATTEMPTS, [[each.id for each in kept], [each.status for each in kept], [each.reason for each in kept]]
        )
        mails = [each for each in kept if each.html is not None]
        await conn.execute(
            _MAILS, [[each.id for each in mails], [each.html for each in mails], [each.text for each in mails]]
        )


async def _settle(conn: Conn, records: Sequence[Record], owner: str) -> set[int]:
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
    cursor = await conn.execute(_RECORD, columns)
    return {id for (id,) in await cursor.fetchall()}


async def sweep(conn: Conn, *, keeping: Collection[str]) -> dict[int, str]:
    """Settle claims whose lease has ended, by id: `unknown`, or `requested` for the channels in `keeping`."""
    async with conn.transaction():
        cursor = await conn.execute(_EXPIRED, {"keeping": list(keeping), "reason": _LOST})
        found = dict(await cursor.fetchall())
        await conn.execute(_ATTEMPTS, [list(found), list(found.values()), [_LOST] * len(found)])
    return found


async def surroundings(conn: Conn, campaigns: Iterable[str], fairs: Iterable[tuple[str, str]]) -> Surroundings:
    """The campaigns and fairs of these names, as far as they are known."""
    wanted, wanted_fairs = sorted(set(campaigns)), sorted(set(fairs))
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute("SELECT * FROM campaigns WHERE campaign = ANY(%s)", [wanted])
        found = {row["campaign"]: row for row in await cursor.fetchall()}
        await cursor.execute(
            "SELECT f.* FROM fairs f JOIN unnest(%b::text[], %b::text[]) AS k(campaign, fair) USING (campaign, fair)",
            [[c for c, _ in wanted_fairs], [f for _, f in wanted_fairs]],
        )
        return Surroundings(found, {(row["campaign"], row["fair"]): row for row in await cursor.fetchall()})
