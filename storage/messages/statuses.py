"""The one place where a message's status changes, with its cause, and where its history is written.

`transitions.py` beside it says what may change to what. A message that stands otherwise by now is left as it is.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any, Final

from psycopg.rows import dict_row

from schemas.emitted import OUTCOME_STATUSES
from schemas.messages import Status
from storage.arrays import Value, named
from storage.database import Conn
from storage.messages import sealed
from storage.messages.of_facts import params_of
from storage.messages.transitions import ALLOWED, Cause
from storage.vault.process import vault

_CHANGE: Final = """
WITH changed AS (
    UPDATE messages m SET status = r.status, cause = r.cause, reason = r.reason, {also}
    FROM ({chosen}) AS r
    WHERE m.id = r.id AND {only} AND %(allowed)s::jsonb ? (r.cause || ':' || m.status || ':' || r.status)
    RETURNING m.id, m.kind, m.campaign, m.candidate, m.status, m.cause, m.reason, m.forgotten, m.begun_at, r.note
), noted AS (
    INSERT INTO message_attempts (message, status, cause, detail)
    SELECT id, status, cause, CASE WHEN forgotten IS NOT TRUE OR status = 'cancelled' THEN coalesce(note, reason) END
    FROM changed ORDER BY id
), told AS (
    INSERT INTO announcements (id, type, key, data)
    SELECT gen_random_uuid(), 'message.' || status, campaign || '/' || coalesce(candidate, ''),
           jsonb_build_object('message', id, 'kind', kind, 'campaign', campaign, 'candidate', candidate,
                              'status', status, 'cause', cause)
    FROM changed WHERE status = ANY(%(told)s::text[]) ORDER BY id
)
SELECT {columns} FROM changed ORDER BY id
"""
TOLD_STATUSES: Final = "{" + ",".join(OUTCOME_STATUSES) + "}"
FREED: Final = "owner = NULL, lease_until = NULL"

_LOCK: Final = f"""
SELECT id, kind, campaign, candidate, status, coalesce(attempts, 0) AS attempts, {params_of("m")} AS params,
       forgotten IS TRUE AS forgotten, recipient, subject,
       reason, sealed,
       (SELECT max(a.at) FROM message_attempts a WHERE a.message = m.id AND a.cause IN ('resent', 'again')) AS resent_at
FROM messages m WHERE id = ANY(%(ids)s) ORDER BY id FOR UPDATE OF m
"""
# The owner stays while a provider speaks: what its sender has to record is still to come.
_MOVES: Final = """
SELECT * FROM unnest(%(ids)s::bigint[], %(statuses)s::text[], %(causes)s::text[], %(reasons)s::text[],
                     %(notes)s::text[]) AS given(id, status, cause, reason, note)
"""
_MOVED: Final = """lease_until = NULL, not_before = NULL,
    owner = CASE WHEN r.cause = 'provider' OR r.status = 'unknown' THEN m.owner END,
    sent_at = CASE WHEN r.status = 'requested' THEN NULL WHEN r.status IN ('sent', 'delivered')
              THEN coalesce(m.sent_at, now()) ELSE m.sent_at END"""


@dataclass(frozen=True, slots=True)
class MessageState:
    """How a message stands. `resent_at`: when it was last let go once more, by HR or since its reason arose again."""

    id: int
    kind: str
    campaign: str
    candidate: str | None
    status: Status
    attempts: int
    params: dict[str, Any]
    forgotten: bool
    recipient: str | None
    resent_at: datetime | None


@dataclass(frozen=True, slots=True)
class StatusChange:
    """A message's next status, by which cause, why, and what is noted in its history (else the reason)."""

    id: int
    status: Status
    cause: Cause
    reason: str | None
    note: str | None = None


async def change(
    conn: Conn,
    chosen: str,
    values: Mapping[str, Any],
    *,
    also: str = FREED,
    only: str = "true",
    columns: str = "id",
) -> list[tuple[Any, ...]]:
    """Change the status of messages, and write their history. Returns `columns` (of those that history is written of)
    of the messages that changed, by id.

    `chosen` is a query of (id, status, cause, reason, note), `also` what else is set, `only` of which messages.
    """
    query = _CHANGE.format(chosen=chosen, also=also, only=only, columns=columns)
    return await (await conn.execute(query, {**values, "allowed": ALLOWED, "told": TOLD_STATUSES})).fetchall()


async def lock(conn: Conn, ids: Collection[int]) -> dict[int, MessageState]:
    """Those of these messages that there are, by id, locked until the transaction ends."""
    if not ids:
        return {}
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_LOCK, {"ids": sorted(ids)})
        rows = await cursor.fetchall()
    reader = await vault().reader(conn, {(row["campaign"], row["candidate"] or "") for row in rows}, hidden=True)
    found = [MessageState(**{name: row[name] for name in _STATE}) for row in sealed.opened_rows(reader, rows)]
    return {each.id: each for each in found}


async def move(conn: Conn, moves: Sequence[StatusChange]) -> None:
    """Move locked messages on, in this order: each step is in the history, the last one of each message holds."""
    if not moves:
        return
    whose = await sealed.whose(conn, {each.id for each in moves})
    keeper = await vault().keeper(conn, whose.values())
    known = [
        replace(
            each,
            reason=sealed.seal_reason(keeper, whose[each.id], each.cause, each.reason),
            note=sealed.seal_reason(keeper, whose[each.id], each.cause, each.note),
        )
        for each in moves
        if each.id in whose
    ]
    for step in _in_steps(known):
        values: dict[str, list[Value]] = {
            "ids": [each.id for each in step],
            "statuses": [each.status for each in step],
            "causes": [each.cause for each in step],
            "reasons": [each.reason for each in step],
            "notes": [each.note for each in step],
        }
        await change(conn, _MOVES, named(values), also=_MOVED)


def _in_steps(moves: Sequence[StatusChange]) -> list[list[StatusChange]]:
    """The first moves of each message, the second ones, and so on."""
    steps: list[list[StatusChange]] = []
    seen: dict[int, int] = {}
    for each in moves:
        nth = seen[each.id] = seen.get(each.id, -1) + 1
        if nth == len(steps):
            steps.append([])
        steps[nth].append(each)
    return steps


_STATE: Final = tuple(each.name for each in fields(MessageState))
