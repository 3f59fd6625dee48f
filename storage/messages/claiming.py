"""Messages taken by one sender, which alone may send them until its lease ends. Every step is for a batch at once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec

from schemas.kinds import GROUPED
from schemas.messages import OWN_PAGE, SIGNUP_CHECK
from storage.arrays import column
from storage.database import Conn
from storage.messages import nonces, statuses
from storage.messages.of_facts import id_of, params_of, source_of
from storage.messages.transitions import UNWRITTEN
from storage.vault.restricting import SHOWN

# Kind by kind, so that who has nothing to send doesn't walk past the thousands that wait of other kinds; that the inner
# order begins with the kind holds Postgres to the index that does. Of what one transaction asked for of a kind, any may
# go first. Where several kinds are due, some are locked that aren't taken: they are free again when the transaction
# ends.
_DUE: Final = """
SELECT {columns} FROM {groups} CROSS JOIN LATERAL (
    SELECT *, coalesce(not_before, requested_at) AS at FROM messages
    WHERE status = 'requested' AND kind = g.kind AND {which} AND coalesce(not_before, requested_at) <= now()
      AND (domain IS NULL OR domain <> ALL(%(full)b::bytea[]))
    ORDER BY kind, coalesce(not_before, requested_at) LIMIT %(limit)s FOR UPDATE SKIP LOCKED
) AS due ORDER BY due.at, due.id LIMIT %(limit)s
"""
_COLUMNS: Final = f"""due.id, due.kind, due.campaign, candidate, ({params_of("due")})::text, coalesce(attempts, 0),
    {source_of("due")}, {id_of("due")}, requested_at, nonce::text, forgotten IS TRUE, dedupe_key"""
_KINDS: Final = "(SELECT DISTINCT unnest(%(kinds)b::text[])) AS g(kind)"
_OF_ALL: Final = _DUE.format(columns=_COLUMNS, groups=_KINDS, which="true")
_OF_CAMPAIGNS: Final = _DUE.format(columns=_COLUMNS, groups=_KINDS, which="campaign = ANY(%(only)b::text[])")
_BUT_CAMPAIGNS: Final = _DUE.format(columns=_COLUMNS, groups=_KINDS, which="campaign <> ALL(%(but)b::text[])")
_SAME_GROUPS: Final = _DUE.format(
    columns=_COLUMNS,
    groups="unnest(%(campaigns)b::text[], %(kinds)b::text[]) AS g(campaign, kind)",
    which="campaign = g.campaign",
)
# Of each kind the first row alone.
_KINDS_DUE: Final = """
SELECT g.kind FROM unnest(%b::text[]) AS g(kind) CROSS JOIN LATERAL (
    SELECT FROM messages
    WHERE status = 'requested' AND kind = g.kind AND coalesce(not_before, requested_at) <= now() LIMIT 1
) AS due
"""
_WAITING: Final = """
SELECT count(*) FROM (
    SELECT FROM messages
    WHERE status = 'requested' AND kind = ANY(%b) AND coalesce(not_before, requested_at) <= now() LIMIT %s
) AS due
"""
# Of those that are to begin at once, not what is written to or of somebody who was restricted since they were read. All
# of one table: two of such tables would be compared row by row, whatever their number is.
_TAKE: Final = f"""
SELECT u.id, 'claimed' AS status, 'claim' AS cause, NULL::text AS reason, %(owner)s AS note,
       u.goes AND (u.candidate IS NULL OR {SHOWN.format(campaign="u.campaign", candidate="u.candidate")}) AS begins
FROM unnest(%(ids)s::bigint[], %(begin)s::boolean[], %(campaigns)s::text[], %(candidates)s::text[])
     AS u(id, goes, campaign, candidate)
"""
_TAKEN: Final = """owner = %(owner)s, channel = %(channel)s, lease_until = now() + make_interval(secs => %(lease)s),
    begun_at = CASE WHEN r.begins THEN now() END, attempts = coalesce(m.attempts, 0) + r.begins::int"""
_ALWAYS_SHOWN: Final = (OWN_PAGE, SIGNUP_CHECK)
# Who was thought dead, and lost its claims to another, may begin nothing more. Nor does what was written to or of
# somebody who was erased or restricted since; what goes to them all the same is composed with that in view. What began
# with its claim may be asked about once more.
_BEGIN: Final = f"""
UPDATE messages m SET begun_at = now(), attempts = coalesce(attempts, 0) + (begun_at IS NULL)::int
WHERE id = ANY(%s) AND owner = %s AND status = 'claimed' AND forgotten IS NOT TRUE
  AND (kind IN {_ALWAYS_SHOWN} OR candidate IS NULL
       OR {SHOWN.format(campaign="m.campaign", candidate="m.candidate")})
RETURNING id
"""
_TAKE_BACK: Final = "UPDATE messages SET begun_at = NULL, attempts = attempts - 1 WHERE id = ANY(%s)"
# What was claimed by this version, which notes what it begins, and not begun did not go; what the channel `keeps` was
# stored in the transaction that recorded it, or not at all.
_EXPIRED: Final = """
SELECT id, 'lost' AS cause,
       CASE WHEN begun_at IS NULL AND cause = 'claim' OR channel = ANY(%(keeping)s) THEN 'requested' ELSE 'unknown' END
           AS status,
       %(reason)s AS reason, NULL::text AS note
FROM messages WHERE status = 'claimed' AND lease_until < now() ORDER BY id FOR UPDATE SKIP LOCKED
"""
_LEFT: Final = "owner = CASE WHEN r.status = 'unknown' THEN owner END, lease_until = NULL"
# An earlier version held messages while a channel rested; now they wait as they are.
_RESTED: Final = """
SELECT id, 'requested' AS status, 'mended' AS cause, NULL::text AS reason, 'its channel rests no more' AS note
FROM messages WHERE status = 'held' AND starts_with(reason, 'its channel rests')
"""
# What a fault of ours held up may go with the next version.
_UNWRITTEN: Final = """
SELECT id, 'requested' AS status, 'mended' AS cause, NULL::text AS reason, %(why)s AS note FROM messages
WHERE status = 'held' AND starts_with(reason, %(unwritten)s)
  AND (%(campaign)s::text IS NULL OR (campaign, kind) = (%(campaign)s, %(kind)s))
"""
MOST_TOGETHER: Final = 5000
_LOST: Final = "the sender ended between claiming this message and recording what became of it"


class Claimed(msgspec.Struct, frozen=True, gc=False):
    """A message that this sender alone may send, until its lease ends. `attempts`: how often it was tried before;
    `source` and `fact` are the identity of the fact that asked for it, where one did; `nonce` is its name outside.
    `forgotten`: its candidate was erased while it was under way."""

    id: int
    kind: str
    campaign: str
    candidate: str | None
    params: dict[str, Any]
    attempts: int = 0
    source: str | None = None
    fact: str | None = None
    requested_at: datetime | None = None
    nonce: str = ""
    forgotten: bool = False


@dataclass(frozen=True, slots=True)
class ClaimsTaken:
    """Of messages that were claimed: those that began and may go still, and in which transaction it was."""

    begun: set[int]
    transaction: str | None


async def due(
    conn: Conn,
    kinds: Collection[str],
    *,
    limit: int,
    full: Collection[bytes] = (),
    only: Collection[str] | None = None,
    but: Collection[str] = (),
) -> list[Claimed]:
    """Up to `limit` messages of these kinds that are due, locked until the transaction ends; none that was for a domain
    of `full` (by digest) when it was put off. `only`: of these campaigns; `but`: of none of these."""
    values: dict[str, Any] = {"kinds": list(kinds), "full": list(full), "limit": limit}
    if only is not None:
        return await _due(conn, _OF_CAMPAIGNS, values | {"only": sorted(only)})
    if but:
        return await _due(conn, _BUT_CAMPAIGNS, values | {"but": sorted(but)})
    return await _due(conn, _OF_ALL, values)


async def kinds_due(conn: Conn, kinds: Collection[str]) -> set[str]:
    """Of which of these kinds something is due, whoever may have locked it."""
    return {kind for (kind,) in await (await conn.execute(_KINDS_DUE, [list(kinds)])).fetchall()}


async def waiting(conn: Conn, kinds: Collection[str], *, most: int) -> int:
    """How many messages of these kinds are due, of all campaigns; where it is more than `most`, no more are counted."""
    row = await (await conn.execute(_WAITING, [list(kinds), most])).fetchone()
    return int(row[0]) if row else 0


async def due_together(conn: Conn, found: Sequence[Claimed]) -> list[Claimed]:
    """All others that are due of the grouped kinds among `found`, for the same campaigns, locked as these are."""
    groups = sorted({(each.campaign, each.kind) for each in found if each.kind in GROUPED})
    if not groups:
        return []
    values = {"campaigns": [campaign for campaign, _ in groups], "kinds": [kind for _, kind in groups], "full": []}
    locked = {each.id for each in found}
    more = await _due(conn, _SAME_GROUPS, values | {"limit": MOST_TOGETHER})
    return [each for each in more if each.id not in locked]


async def _due(conn: Conn, query: str, values: dict[str, Any]) -> list[Claimed]:
    rows = await (await conn.execute(query, values)).fetchall()
    if not rows:
        return []
    names = (await nonces.load(conn)).of_all([(row[0], row[-1]) for row in rows])
    found = [_claimed(row, name) for row, name in zip(rows, names, strict=True)]
    return sorted(found, key=lambda each: each.id)


def _claimed(row: tuple[Any, ...], name: str) -> Claimed:
    """Of a row of `_COLUMNS`, by this name where it has none of its own."""
    id, kind, campaign, candidate, params, attempts, source, fact, requested_at, drawn, forgotten, _ = row
    own = drawn or name
    return Claimed(id, kind, campaign, candidate, _decode(params), attempts, source, fact, requested_at, own, forgotten)


async def take(
    conn: Conn, messages: Sequence[Claimed], begin: Collection[int], *, channel: str, owner: str, lease: float
) -> ClaimsTaken:
    """Claim messages that `due` has locked, for `lease` seconds, and note that those of `begin` go now."""
    values = {
        "ids": column([each.id for each in messages]),
        "begin": column([each.id in begin for each in messages]),
        "campaigns": column([each.campaign for each in messages]),
        "candidates": column([None if each.kind in _ALWAYS_SHOWN else each.candidate for each in messages]),
        "channel": channel,
        "owner": owner,
        "lease": lease,
    }
    columns = "id, begun_at IS NOT NULL, pg_current_xact_id()::text"
    rows = await statuses.change(conn, _TAKE, values, also=_TAKEN, columns=columns)
    return ClaimsTaken({id for id, begun, _ in rows if begun}, rows[0][2] if rows else None)


async def is_taken(conn: Conn, ids: Collection[int], owner: str, transaction: str | None) -> bool | None:
    """Whether all of these messages were taken in that transaction and are this owner's still: another one of its own
    may have taken them since. None while the transaction is still under way."""
    row = await (await conn.execute("SELECT pg_xact_status(%s::xid8)", [transaction])).fetchone()
    if row is None or row[0] != "committed":
        return None if row and row[0] == "in progress" else False
    query = "SELECT id FROM messages WHERE id = ANY(%s) AND owner = %s AND status = 'claimed'"
    rows = await (await conn.execute(query, [sorted(ids), owner])).fetchall()
    return {id for (id,) in rows} == set(ids)


async def begin(conn: Conn, ids: Collection[int], *, owner: str) -> set[int]:
    """Note that these messages go now. Returns those that are still this owner's, and may go still: no others may."""
    return {id for (id,) in await (await conn.execute(_BEGIN, [sorted(ids), owner])).fetchall()}


async def take_back(conn: Conn, ids: Collection[int]) -> None:
    """These did not begin after all. Within the transaction that began them."""
    await conn.execute(_TAKE_BACK, [sorted(ids)])


async def sweep(conn: Conn, *, keeping: Collection[str]) -> dict[int, str]:
    """Settle claims whose lease has ended, by id: `unknown` where the mail may have gone, else `requested`. `keeping`:
    channels that keep what is recorded, and nothing else."""
    values = {"keeping": list(keeping), "reason": _LOST}
    await statuses.change(conn, _RESTED, {})
    return dict(await statuses.change(conn, _EXPIRED, values, also=_LEFT, columns="id, status"))


async def free_unwritten(conn: Conn, why: str, *, campaign: str | None = None, kind: str | None = None) -> int:
    """Let messages be tried again whose reason to be held begins with UNWRITTEN, of one campaign and kind or all;
    returns how many."""
    values = {"unwritten": UNWRITTEN, "why": why, "campaign": campaign, "kind": kind}
    return len(await statuses.change(conn, _UNWRITTEN, values))


_decode: Final = msgspec.json.Decoder(dict[str, Any]).decode
