"""Forms that were sent: their facts are committed once, with who sent them, and waited for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from psycopg_pool import AsyncConnectionPool

from producers.bell import FactsBell
from producers.forms.making import undoing
from producers.permissions import faults
from producers.waiting import Waiters
from schemas.access import Caller
from schemas.errors import Conflict, Forbidden
from schemas.facts import Fact
from schemas.forms import UNDO_GRACE, UNDO_SECONDS
from storage.access import audit
from storage.access.audit import Who
from storage.database import Conn, borrowed
from storage.ledger import ledger
from storage.vault.accepting import accept

KeepBeside = Callable[[Conn], Awaitable[None]]
WAIT: Final = 5  # seconds that an answer waits for its facts to be applied
FOR_GOOD: Final = frozenset({"fact.retracted", "candidate.erased"})


@dataclass(frozen=True, slots=True)
class Desk:
    """What posting takes. `clock`: aware."""

    pool: AsyncConnectionPool[Conn]
    bell: FactsBell
    waiting: Waiters
    clock: Callable[[], datetime]


async def post(
    desk: Desk, caller: Caller, ip: str, token: str, facts: Sequence[Fact], *, beside: KeepBeside | None = None
) -> bool:
    """Commit what a form says, unless the same form was sent before, and what is kept `beside` it. Whether it is
    applied already.

    Raises Forbidden when the caller may not say it.
    """
    async with borrowed(desk.pool) as conn:
        if forbidden := await faults(conn, caller, facts, own=True):
            raise Forbidden(next(iter(forbidden.values())).reason)
        numbers = await _commit(conn, caller, audit.who(caller, ip), token, facts, beside=beside)
    return await _applied(desk, numbers)


async def undo(desk: Desk, caller: Caller, ip: str, campaign: str, token: str) -> str:
    """Take back what the caller's form of this token said a moment ago, and wait for it; the type of its facts.

    Raises Conflict when there is nothing to undo, or no longer.
    """
    async with borrowed(desk.pool) as conn:
        entry = await audit.sent(conn, token)
        if entry is None or entry.actor != caller.poster or entry.campaign != campaign or entry.action in FOR_GOOD:
            raise Conflict("there is nothing of yours to undo")
        if datetime.now(UTC) - entry.at > timedelta(seconds=UNDO_SECONDS + UNDO_GRACE):
            raise Conflict("it is too late to undo that with one click: take it back with a reason")
        done = await ledger.named(conn, [(source, id) for source, id in entry.facts or []])
        made = undoing(done, token, desk.clock(), f"undone · 撤销 · {caller.name}")
        numbers = await _commit(conn, caller, audit.who(caller, ip), f"{token}-undo", made)
    await _applied(desk, numbers)
    return entry.action


async def _commit(
    conn: Conn, caller: Caller, by: Who, token: str, facts: Sequence[Fact], *, beside: KeepBeside | None = None
) -> list[int]:
    first, identities = facts[0], [fact.identity for fact in facts]
    async with conn.transaction():
        new = await audit.add(
            conn,
            by,
            first.type,
            campaign=first.campaign,
            subject=first.candidate if len(facts) == 1 else None,
            token=token,
            facts=identities,
        )
        if new and beside is not None:
            await beside(conn)
        if new:
            return list((await accept(conn, facts, posted_by=caller.poster)).values())
    return list((await ledger.numbers(conn, identities)).values())


async def _applied(desk: Desk, numbers: list[int]) -> bool:
    desk.bell.ring()
    return bool(numbers) and await desk.waiting.until_applied(numbers, WAIT)
