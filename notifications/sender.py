"""The sender: claim, render, send, record; again until nothing is due. Several may run, on one database.

A claim belongs to one sender until its lease ends. What a dead sender left is settled by `sweep`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from psycopg_pool import AsyncConnectionPool

from notifications import composing
from notifications.channels.port import Channel, Mail, Outcome
from notifications.composing import Letter, NotNow
from notifications.rendering import Renderer
from schemas.errors import DatabaseUnavailable, SendRefused
from schemas.journey import Journey
from storage import journeys, outgoing
from storage.database import Conn, borrowed
from storage.outgoing import Claimed, Record

log = logging.getLogger(__name__)

BATCH: Final = 200
LEASE: Final = 300.0  # seconds; far longer than a batch can take with the provider's time-outs
PAUSE: Final = timedelta(minutes=1)  # a channel that was refused is tried again after this
FIRST_RETRY: Final = 2.0  # seconds, doubled with each attempt
LONGEST_RETRY: Final = 3600.0
MAX_ATTEMPTS: Final = 20
OUTAGE_PAUSE: Final = 1.0


@dataclass(frozen=True, slots=True)
class Route:
    """Which kinds of message a channel carries."""

    kinds: tuple[str, ...]
    channel: Channel


@dataclass(frozen=True, slots=True)
class Chance:
    """Time and randomness, handed in. `jitter` gives a factor around 1."""

    clock: Callable[[], datetime]
    jitter: Callable[[], float]


class Sender:
    """Sends what is due. `owner` names this sender among others."""

    def __init__(
        self,
        pool: AsyncConnectionPool[Conn],
        routes: Sequence[Route],
        writer: composing.Sender,
        renderer: Renderer,
        *,
        owner: str,
        chance: Chance,
    ) -> None:
        self._pool, self._routes, self._writer, self._renderer = pool, routes, writer, renderer
        self._owner, self._chance = owner, chance
        self._paused_until: dict[str, datetime] = {}
        self._work = asyncio.Event()

    def wake(self) -> None:
        """There may be something to send."""
        self._work.set()

    async def run(self, *, interval: float) -> None:
        """Send until cancelled: when woken, and every `interval` seconds. A database outage is waited out."""
        while True:
            self._work.clear()
            try:
                await self.sweep()
                await self.send_all()
            except DatabaseUnavailable as error:
                log.warning("%s; messages wait", error)
                await asyncio.sleep(OUTAGE_PAUSE)
            try:
                await asyncio.wait_for(self._work.wait(), interval)
            except TimeoutError:
                continue

    async def close(self) -> None:
        for route in self._routes:
            await route.channel.close()

    async def sweep(self) -> None:
        """Settle what senders that died had claimed."""
        keeping = [route.channel.name for route in self._routes if route.channel.keeps]
        async with borrowed(self._pool) as conn:
            found = await outgoing.sweep(conn, keeping=keeping)
        if found:
            log.warning("settled %d messages of a sender that ended", len(found))

    async def send_all(self) -> int:
        """Send everything that is due; returns how many messages were settled."""
        settled = 0
        for route in self._routes:
            while not self._is_paused(route.channel) and (count := await self._send_some(route)):
                settled += count
        return settled

    async def _send_some(self, route: Route) -> int:
        async with borrowed(self._pool) as conn:
            claimed = await outgoing.claim(
                conn, route.kinds, channel=route.channel.name, owner=self._owner, lease=LEASE, limit=BATCH
            )
            if not claimed:
                return 0
            mails, records = self._prepare(claimed, await _letters(conn, claimed, self._writer))
        outcomes = await route.channel.send(mails)
        attempts = {message.id: message.attempts for message in claimed}
        records += [
            self._settled(mail, outcome, attempts[mail.id]) for mail, outcome in zip(mails, outcomes, strict=True)
        ]
        self._note_pause(route.channel, outcomes)
        await self._record(records)
        return len(claimed)

    def _prepare(
        self, claimed: Sequence[Claimed], letters: Sequence[Letter | NotNow]
    ) -> tuple[list[Mail], list[Record]]:
        mails, records = [], []
        for message, letter in zip(claimed, letters, strict=True):
            if isinstance(letter, NotNow):
                records.append(Record(id=message.id, status=letter.status, reason=letter.reason))
                continue
            try:
                mails.append(self._mail(message, letter))
            except SendRefused as error:
                log.error("message %d: %s", message.id, error)
                records.append(Record(id=message.id, status="failed", reason=str(error), recipient=letter.to))
        return mails, records

    def _mail(self, message: Claimed, letter: Letter) -> Mail:
        rendered = self._renderer.render(message.kind, letter.locale, letter.values)
        return Mail(
            message.id,
            message.kind,
            letter.to,
            letter.to_name,
            letter.locale,
            rendered.subject,
            rendered.html,
            rendered.text,
        )

    def _settled(self, mail: Mail, outcome: Outcome, attempts: int) -> Record:
        status, reason, not_before = outcome.status, outcome.reason, None
        if status == "requested" and not outcome.pauses_channel and attempts >= MAX_ATTEMPTS:
            status, reason = "failed", f"given up after {attempts} attempts: {reason}"
        elif status == "requested":
            not_before = outcome.retry_at or self._later(attempts)
        return Record(
            id=mail.id,
            status=status,
            reason=reason,
            recipient=mail.to,
            locale=mail.locale,
            subject=mail.subject,
            not_before=not_before,
            html=mail.html if status in ("sent", "unknown") else None,
            text=mail.text if status in ("sent", "unknown") else None,
        )

    def _later(self, attempts: int) -> datetime:
        seconds = min(FIRST_RETRY * 2 ** min(attempts - 1, 30), LONGEST_RETRY)
        return self._chance.clock() + timedelta(seconds=seconds * self._chance.jitter())

    def _is_paused(self, channel: Channel) -> bool:
        until = self._paused_until.get(channel.name)
        return until is not None and self._chance.clock() < until

    def _note_pause(self, channel: Channel, outcomes: Sequence[Outcome]) -> None:
        refusals = [outcome.reason for outcome in outcomes if outcome.pauses_channel]
        if refusals:
            self._paused_until[channel.name] = self._chance.clock() + PAUSE
            log.error("the channel %s pauses for %s: %s", channel.name, PAUSE, refusals[0])

    async def _record(self, records: Sequence[Record]) -> None:
        """Store what became of them, however long the database is away: it can't be known again."""
        while True:
            try:
                async with borrowed(self._pool) as conn:
                    return await outgoing.record(conn, records, owner=self._owner)
            except DatabaseUnavailable as error:
                log.warning("%s; %d outcomes wait to be recorded", error, len(records))
                await asyncio.sleep(OUTAGE_PAUSE)


async def _letters(conn: Conn, claimed: Sequence[Claimed], writer: composing.Sender) -> list[Letter | NotNow]:
    keys = {(message.campaign, message.candidate) for message in claimed if message.candidate is not None}
    known = await journeys.load(conn, keys) if keys else {}
    fairs = [(message.campaign, message.params["fair"]) for message in claimed if "fair" in message.params]
    around = await outgoing.surroundings(conn, [message.campaign for message in claimed], fairs)

    def compose(message: Claimed) -> Letter | NotNow:
        stored = known.get((message.campaign, message.candidate or ""))
        try:
            return composing.compose(message, stored.journey if stored else Journey(), around, writer)
        except NotNow as reason:
            return reason

    return [compose(message) for message in claimed]
