"""A sender at work on a real Postgres, for tests: facts in, messages out, and a look at what became of them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from psycopg_pool import AsyncConnectionPool

from notifications.channels.mailbox import Mailbox
from notifications.channels.port import Channel
from notifications.sending.drain import Drain, NoDrain
from notifications.sending.pacing import Pace
from notifications.sending.route import Chance, Route
from notifications.sending.sender import Sender
from notifications.sending.situation import Writer
from schemas.channels import MailChannels
from schemas.kinds import AUDIENCES
from schemas.topics import SEQ_HEADER
from storage.database import Conn
from storage.ledger.events import WHOLE
from storage.messages import nonces
from streams.apply import Applied, apply_batch
from streams.intake import Incoming
from tests.opened import opened_rows
from tests.renderer import RENDERER

APPLIED_AT = datetime(2100, 1, 1, tzinfo=UTC)  # later than what any test says happened


@dataclass
class Clock:
    """The time, that a test may move on."""

    ahead: timedelta = field(default_factory=timedelta)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@dataclass
class Office:
    """`tell` it facts, let `sender()`s work, then look."""

    pool: AsyncConnectionPool[Conn]
    clock: Clock = field(default_factory=Clock)

    async def tell(self, *events: dict[str, Any]) -> Applied:
        batch = [Incoming("yinfeng.facts", 0, n, None, json.dumps(e).encode(), ()) for n, e in enumerate(events)]
        async with self.pool.connection() as conn:
            return await apply_batch(conn, batch, now=APPLIED_AT)

    async def apply_what_waits(self) -> Applied:
        """What the worker does with what the relay publishes: the ledger's words, with their numbers."""
        rows = await self.rows(f"SELECT seq, {WHOLE} FROM facts f JOIN pending USING (seq) ORDER BY seq")
        batch = [
            Incoming("yinfeng.facts", 0, seq, None, text.encode(), ((SEQ_HEADER, str(seq).encode()),))
            for seq, text in rows
        ]
        async with self.pool.connection() as conn:
            return await apply_batch(conn, batch, now=APPLIED_AT)

    def sender(
        self,
        channel: Channel | None = None,
        *,
        owner: str = "one",
        hr_email: str | None = None,
        pace: Pace | None = None,
        lanes: int = 1,
        channels: MailChannels | None = None,
        drain: Drain | None = None,
        much: Callable[[], None] = lambda: None,
        further: bool = False,
    ) -> Sender:
        outside = channel or Mailbox()
        hr = outside if hr_email else Mailbox()
        routes = [Route((*_kinds("candidate"), *_kinds("employer")), outside, lanes), Route(_kinds("hr"), hr)]
        writer = Writer("引凤", "https://park.example", hr_email, channels=channels or MailChannels())
        chance = Chance(self.clock, lambda: 1.0, drain or NoDrain(), much)
        return Sender(self.pool, routes, writer, RENDERER, owner=owner, chance=chance, pace=pace, further=further)

    async def names(self, which: str = "", values: Sequence[Any] = ()) -> dict[int, str]:
        """The names outside of messages, by number. `which`: what follows FROM messages."""
        rows = await self.rows(f"SELECT id, dedupe_key, nonce::text FROM messages {which}", values)
        async with self.pool.connection() as conn:
            known = await nonces.load(conn)
        return {id: known.of(id, reason, drawn) for id, reason, drawn in rows}

    async def rows(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        """What is sealed in messages, opened."""
        async with self.pool.connection() as conn:
            return await opened_rows(conn, query, values)

    async def change(self, query: str) -> None:
        async with self.pool.connection() as conn:
            await conn.execute(query)

    async def statuses(self) -> Counter[str]:
        """Of all messages but those that the clock asks for, as it does where a test runs in the morning."""
        query = "SELECT status FROM messages WHERE kind NOT IN ('daily_digest', 'target_at_risk')"
        return Counter(status for (status,) in await self.rows(query))

    async def status_of(self, candidate: str, kind: str = "signup_confirmation") -> tuple[str, str | None]:
        [found] = await self.rows(
            "SELECT status, reason FROM messages WHERE candidate = %s AND kind = %s", [candidate, kind]
        )
        return found

    async def sent_more_than_once(self) -> list[int]:
        query = "SELECT message FROM message_attempts WHERE status = 'sent' GROUP BY 1 HAVING count(*) > 1"
        return [id for (id,) in await self.rows(query)]


def _kinds(audience: str) -> tuple[str, ...]:
    return tuple(kind for kind, reader in AUDIENCES.items() if reader == audience)


Changes = Callable[[str], dict[str, Any]]
