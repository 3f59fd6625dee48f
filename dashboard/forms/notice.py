"""What a page says after a form was sent: what was done, whether it counts already, and the button that undoes it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from fastapi import Request
from psycopg_pool import AsyncConnectionPool

from schemas.access import Caller
from schemas.forms import UNDO_SECONDS
from storage.access import audit
from storage.access.audit import Entry
from storage.database import Conn, borrowed
from storage.ledger import ledger

_TOKEN: Final = re.compile("[0-9a-f]{32}(-undo)?")
_FOR_GOOD: Final = frozenset({"fact.retracted", "candidate.erased"})


@dataclass(frozen=True, slots=True)
class PostedNotice:
    """`count`: how many facts; `waits`: some are not applied yet; `undoes`: it may be undone; `undone`: it undid."""

    token: str
    action: str
    campaign: str
    count: int
    waits: bool
    undoes: bool
    undone: bool


async def notice(conn: Conn, request: Request, caller: Caller) -> PostedNotice | None:
    """What the form did that led here (`?done=`); None where none did."""
    token = request.query_params.get("done", "")
    if not _TOKEN.fullmatch(token):
        return None
    entry = await audit.sent(conn, token)
    if entry is None or entry.actor != caller.poster:
        return None
    undone = token.endswith("-undo")
    fresh = datetime.now(UTC) - entry.at < timedelta(seconds=UNDO_SECONDS)
    undoes = not undone and fresh and entry.action not in _FOR_GOOD and not await audit.sent(conn, f"{token}-undo")
    waits = await _waits(conn, entry)
    return PostedNotice(token, entry.action, entry.campaign or "", len(entry.facts or []), waits, undoes, undone)


def make_counts(pool: AsyncConnectionPool[Conn]) -> Callable[[Caller, str], Awaitable[bool | None]]:
    """What tells whether that which the form of this token did counts by now; None where it is none of the caller's."""

    async def counts(caller: Caller, token: str) -> bool | None:
        async with borrowed(pool) as conn:
            entry = await audit.sent(conn, token) if _TOKEN.fullmatch(token) else None
            return not await _waits(conn, entry) if entry and entry.actor == caller.poster else None

    return counts


async def _waits(conn: Conn, entry: Entry) -> bool:
    numbers = await ledger.numbers(conn, [(source, id) for source, id in entry.facts or []])
    return len(await ledger.fates(conn, numbers.values())) < len(numbers)
