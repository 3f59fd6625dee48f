"""One portion of messages after the other: claimed, sent, recorded, whatever comes between."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from types import MappingProxyType
from typing import Final

from psycopg_pool import AsyncConnectionPool

from notifications.channels.port import Mail, Outcome, believed
from notifications.sending.channel_rests import ChannelRests
from notifications.sending.claiming import Claims, MayBegin
from notifications.sending.kinds.channel_refused import alarm
from notifications.sending.recording import Portion
from notifications.sending.route import Route
from schemas.errors import ConcurrentChange, DatabaseUnavailable
from storage.database import Conn, borrowed
from storage.messages import asking, claiming, recording
from storage.messages.recording import Record

log = logging.getLogger(__name__)

OUTAGE_PAUSE: Final = 1.0  # seconds
LONGEST_LOCKED: Final = 1.0  # seconds in which what is locked waits to begin: others may want it too
NONE: Final[Mapping[int, Outcome]] = MappingProxyType({})


@dataclass(slots=True)
class Turn:
    """Of one route: until when its lanes go on with further portions, and whether one of them has failed. Further lanes
    begin once the first has `seen` how much there is: `much`, where it fills a portion."""

    ends: datetime
    is_over: bool = False
    much: bool = False
    seen: asyncio.Event = field(default_factory=asyncio.Event)


class Portions:
    """Those of one sender. Once it is `closing`, none begins."""

    def __init__(
        self, pool: AsyncConnectionPool[Conn], routes: Sequence[Route], claims: Claims, rests: ChannelRests
    ) -> None:
        self._pool, self._claims, self._rests = pool, claims, rests
        self._begun = {route: asyncio.Semaphore(route.most_begun) for route in routes}
        self.closing = False

    async def send(self, route: Route, turn: Turn, limit: int) -> int:
        """Up to `limit` messages of a route that are due; returns how many were settled."""
        async with AsyncExitStack() as begun:
            claimed = await self._claimed(route, limit, partial(self._may_begin, route, turn, limit, begun))
            return await self._sent(route, claimed) if claimed is not None else 0

    async def _sent(self, route: Route, claimed: Portion) -> int:
        """Send a portion, and record what became of it."""
        portion = await self._claims.made(claimed)
        mails, began = portion.mails, self._claims.chance.clock()
        told = await route.channel.send(mails, partial(self._begin, portion)) if mails else []
        outcomes = [believed(outcome, self._claims.chance.clock()) for outcome in told]
        self._rests.breaker(route.channel.name).note(outcomes, since=began)
        became = portion.records(dict(zip([mail.id for mail in mails], outcomes, strict=True)))
        await self._record(became, kept=route.channel.keeps)
        if any(outcome.was_tried for outcome in outcomes):
            await self._rests.tell(route)
        if trouble := alarm(route.channel.name, portion.claimed, outcomes, self._claims.chance.clock()):
            async with borrowed(self._pool) as conn:
                await asking.request(conn, [trouble])
        return len(portion.claimed)

    async def _claimed(self, route: Route, limit: int, may_begin: MayBegin) -> Portion | None:
        """A portion, all of it or nothing."""
        portion = None
        try:
            async with borrowed(self._pool) as conn, conn.transaction():
                portion = await self._claims.claim(conn, route, limit, may_begin)
        except DatabaseUnavailable:
            if portion is None or not await self._is_committed(portion):
                raise
        return portion

    async def _may_begin(self, route: Route, turn: Turn, limit: int, begun: AsyncExitStack, messages: int) -> bool:
        """So many are to be taken, of `limit`. Wait until fewer portions of a route are under way; one more is until
        this stack ends. False where that takes long, or one of them has shown that the channel takes no such portion
        now: what is locked is to be let go, and claimed anew."""
        turn.much = turn.much or messages >= limit
        turn.seen.set()
        try:
            async with asyncio.timeout(LONGEST_LOCKED):
                await begun.enter_async_context(self._begun[route])
        except TimeoutError:
            return False
        return self._rests.breaker(route.channel.name).portion(limit) >= limit

    async def _is_committed(self, portion: Portion) -> bool:
        """Whether it was claimed after all, where the answer to that was lost: what had begun by that would else be in
        doubt."""
        ids = [message.id for message in portion.claimed]
        while True:
            try:
                async with borrowed(self._pool) as conn:
                    taken = await claiming.is_taken(conn, ids, self._claims.owner, portion.transaction)
                if taken is not None:
                    return taken
            except DatabaseUnavailable as error:
                log.warning("%s; %d messages wait", error, len(ids))
            await asyncio.sleep(OUTAGE_PAUSE)

    async def _begin(self, portion: Portion, going: Sequence[Mail], done: Mapping[int, Outcome] = NONE) -> set[int]:
        """Record that these mails go, and what became of those before, in one transaction, however long the database is
        away; none goes once this sender closes. What began with its claim is asked again once that is long ago."""
        wanted, begun = portion.with_followers(going), portion.begun_by(self._claims.chance.clock())
        if not done and not self.closing and begun.issuperset(wanted):
            return set(wanted)
        records = portion.records({id: believed(each, self._claims.chance.clock()) for id, each in done.items()})
        while not self.closing:
            try:
                async with borrowed(self._pool) as conn, conn.transaction():
                    await recording.record(conn, records, owner=self._claims.owner)
                    ours = await claiming.begin(conn, set(wanted) - begun, owner=self._claims.owner)
                    ours |= begun.intersection(wanted)
                    if broken := portion.broken(going, ours):
                        await claiming.take_back(conn, broken)
                        ours -= set(broken)
            except (DatabaseUnavailable, ConcurrentChange) as error:
                log.warning("%s; %d mails wait to begin", error, len(going))
                await asyncio.sleep(OUTAGE_PAUSE)
                continue
            portion.recorded(records)
            return ours
        return set()

    async def _record(self, records: Sequence[Record], *, kept: bool) -> None:
        """Store what became of them, however long the database is away: it can't be known again."""
        while True:
            try:
                async with borrowed(self._pool) as conn:
                    return await recording.record(conn, records, owner=self._claims.owner, kept=kept)
            except (DatabaseUnavailable, ConcurrentChange) as error:
                log.warning("%s; %d outcomes wait to be recorded", error, len(records))
                await asyncio.sleep(OUTAGE_PAUSE)
