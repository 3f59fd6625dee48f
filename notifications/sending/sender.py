"""The sender: claim, render, send, record; again until nothing is due. Several may run, on one database.

A claim belongs to one sender until its lease ends. What a dead sender left is settled by `sweep`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from types import MappingProxyType
from typing import Any, Final

from psycopg import Rollback
from psycopg_pool import AsyncConnectionPool

from notifications.channels.mailbox import Mailbox
from notifications.channels.port import Mail, Outcome, believed
from notifications.sending.backlog import Backlog
from notifications.sending.channel_rests import ChannelRests
from notifications.sending.claiming import Claims, MayBegin
from notifications.sending.kinds.channel_refused import alarm
from notifications.sending.pacing import Pace
from notifications.sending.recording import Portion
from notifications.sending.rendering import Renderer
from notifications.sending.route import Chance, Route
from notifications.sending.situation import Writer
from schemas.errors import ConcurrentChange, DatabaseUnavailable
from storage.campaigns import terms
from storage.database import Conn, borrowed
from storage.messages import asking, claiming, recording
from storage.messages.recording import Record

log = logging.getLogger(__name__)

CLOSES_WITHIN: Final = 6.0  # seconds; containers are given ten
GIVE_WAY: Final = (timedelta(seconds=1), timedelta(seconds=5))  # the shortest, the longest
SHARE: Final = 20  # while others need the processor, a round has one such part of the time
FEW: Final = 100  # mails of a route in such a round, so that it is short: the pause after it has an upper bound
OUTAGE_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 60.0
ENOUGH_DOUBLINGS: Final = 10
LONGEST_TURN: Final = timedelta(seconds=2)  # of one route: then it is looked what became due of the others
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


class Sender:
    """Sends what is due. `owner` names this sender among others."""

    def __init__(
        self,
        pool: AsyncConnectionPool[Conn],
        routes: Sequence[Route],
        writer: Writer,
        renderer: Renderer,
        *,
        owner: str,
        chance: Chance,
        pace: Pace | None = None,
        further: bool = False,
    ) -> None:
        self._pool, self._routes, self._writer, self._renderer = pool, routes, writer, renderer
        self._owner, self._chance, self._pace = owner, chance, pace or Pace()
        self._claims = Claims(writer, renderer, owner, chance, self._pace)
        self._rests = ChannelRests(pool, routes, chance)
        self._begun = {route: asyncio.Semaphore(route.most_begun) for route in routes}
        self._backlog = Backlog(pool, chance)
        self._work = asyncio.Event()
        self._busy = asyncio.Lock()
        self._closing = False
        self._started = further  # what an earlier version could not do, the first of this version tries again

    def wake(self) -> None:
        """There may be something to send."""
        self._work.set()

    async def run(self, *, interval: float) -> None:
        """Send until closed: when woken, and every `interval` seconds. A database outage is waited out.

        After a fault of ours it goes on, later each time: facts are applied beside it, and must not stop with it.
        """
        faults = 0
        while not self._closing:
            self._work.clear()
            try:
                await self.sweep()
                await self.send_all()
                faults = 0
            except (DatabaseUnavailable, ConcurrentChange) as error:
                log.warning("%s; messages wait", error)
                await asyncio.sleep(OUTAGE_PAUSE)
            except Exception:
                faults = min(faults + 1, ENOUGH_DOUBLINGS)
                log.exception("the sender failed; messages wait")
                await asyncio.sleep(min(OUTAGE_PAUSE * 2**faults, LONGEST_PAUSE))
            with suppress(TimeoutError):
                async with asyncio.timeout(interval):
                    await self._work.wait()

    async def leave(self) -> None:
        """Begin nothing more; returns when all that was sent is recorded, however long channels and database take."""
        self._closing = True
        self._work.set()
        async with self._busy:
            pass

    async def close(self) -> None:
        """Begin nothing more; returns when all that was sent is recorded, or the database keeps us too long: what it
        does not take is in doubt then, as if we had been killed, which is what comes next."""
        self._closing = True
        self._work.set()
        for route in self._routes:
            await route.channel.close()
        try:
            async with asyncio.timeout(CLOSES_WITHIN), self._busy:
                pass
        except TimeoutError:
            log.warning("the database does not answer; what was sent last is not recorded and will be in doubt")
        await asyncio.to_thread(self._renderer.close)

    async def sweep(self) -> None:
        """Settle what senders that died had claimed; the first time, also try again what could not be written."""
        keeping = {route.channel.name for route in self._routes if route.channel.keeps}
        async with borrowed(self._pool) as conn:
            found = await claiming.sweep(conn, keeping=keeping | {Mailbox.name})  # it may have had other routes
            if not self._started:
                await claiming.free_unwritten(conn, "a sender started anew")
                await asking.release_all_abroad(conn, but=await terms.held_for_consent(conn, self._writer.channels))
                self._started = True
            await self._pace.forget(conn)
        if found:
            log.warning("settled %d messages of a sender that ended", len(found))

    async def send_all(self) -> int:
        """Send everything that is due; returns how many messages were settled."""
        settled = 0
        while not self._closing:
            began = self._chance.clock()
            count = await self._round()
            await self._give_way(self._chance.clock() - began)
            if not count:
                break
            settled += count
        return settled

    async def _round(self) -> int:
        """Some of each route, all at once, so that ten thousand reminders hold up no word to HR. Where one fails, the
        others are waited for: what they sent must be recorded. How channels stand is asked before, while nobody learns
        it anew by sending."""
        async with self._busy:
            wanted = await self._by_channel()
            going = [routes for routes in wanted if not self._closing and await self._rests.may_go(routes)]
            return await _all_of([self._turns(routes) for routes in going])

    async def _by_channel(self) -> list[list[Route]]:
        """The routes for which something is due: who has nothing to send asks that alone, on one connection."""
        async with borrowed(self._pool) as conn:
            due = await claiming.kinds_due(conn, [kind for route in self._routes for kind in route.kinds])
        found: dict[str, list[Route]] = {}
        for route in self._routes:
            if not due.isdisjoint(route.kinds):
                found.setdefault(route.channel.name, []).append(route)
        return list(found.values())

    async def _turns(self, routes: Sequence[Route]) -> int:
        """Some of the routes of one channel; where it is to be tried, of the first that has something to try it by."""
        name = routes[0].channel.name
        try:
            if self._rests.breaker(name).in_order:
                return await _all_of([self._turn(route) for route in routes])
            for route in routes:
                if count := await self._turn(route):
                    return count
            return 0
        finally:
            await self._rests.put_back(name)

    async def _turn(self, route: Route) -> int:
        """Some of one route; where its channel is to be tried, one message ahead; few while others come first."""
        turn, in_order = Turn(self._chance.clock() + LONGEST_TURN), self._rests.breaker(route.channel.name).in_order
        at_once = route.lanes if in_order and not self._chance.stand_back() else 1
        settled = await _all_of(
            [self._first_lane(route, turn), *(self._further_lane(route, turn) for _ in range(1, at_once))]
        )
        if self._chance.clock() >= turn.ends and settled >= route.lanes * route.channel.portion:
            await self._backlog.look(route, settled)
        return settled

    async def _first_lane(self, route: Route, turn: Turn) -> int:
        try:
            return await self._lane(route, turn)
        finally:
            turn.seen.set()

    async def _further_lane(self, route: Route, turn: Turn) -> int:
        """Where little is due, nobody looks for more of it."""
        await turn.seen.wait()
        return await self._lane(route, turn) if turn.much and not turn.is_over else 0

    async def _give_way(self, took: timedelta) -> None:
        """Let others go first after a round that took so long, but never so long that mail would stand still."""
        shortest, longest = GIVE_WAY
        deadline = self._chance.clock() + min(max(took * SHARE, shortest), longest)
        while self._chance.stand_back() and self._chance.clock() < deadline:
            await asyncio.sleep(0.05)

    async def _lane(self, route: Route, turn: Turn) -> int:
        """One portion after the other: none waits for those of another lane."""
        settled = 0
        try:
            while count := await self._send_some(route, turn):
                settled += count
                if turn.is_over or self._ends(route, turn):
                    break
        except BaseException:
            turn.is_over = True
            raise
        return settled

    def _ends(self, route: Route, turn: Turn) -> bool:
        """Whether a turn is over before there is nothing left to send."""
        in_order = self._rests.breaker(route.channel.name).in_order
        late = self._chance.clock() >= turn.ends
        return self._closing or not in_order or late or self._chance.stand_back()

    async def _send_some(self, route: Route, turn: Turn) -> int:
        most = min(route.channel.portion, FEW) if self._chance.stand_back() else route.channel.portion
        limit = self._rests.breaker(route.channel.name).portion(most)
        async with AsyncExitStack() as begun:
            claimed = await self._claimed(route, limit, partial(self._may_begin, route, turn, limit, begun))
            return await self._sent(route, claimed) if claimed is not None else 0

    async def _sent(self, route: Route, claimed: Portion) -> int:
        """Send a portion, and record what became of it."""
        portion = await self._claims.made(claimed)
        mails, began = portion.mails, self._chance.clock()
        told = await route.channel.send(mails, partial(self._begin, portion)) if mails else []
        outcomes = [believed(outcome, self._chance.clock()) for outcome in told]
        self._rests.breaker(route.channel.name).note(outcomes, since=began)
        became = portion.records(dict(zip([mail.id for mail in mails], outcomes, strict=True)))
        await self._record(became, kept=route.channel.keeps)
        if any(outcome.was_tried for outcome in outcomes):
            await self._rests.tell(route)
        if trouble := alarm(route.channel.name, portion.claimed, outcomes, self._chance.clock()):
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

    async def _may_begin(self, route: Route, turn: Turn, limit: int, begun: AsyncExitStack, messages: int) -> None:
        """So many are to be taken, of `limit`. Wait until fewer portions of a route are under way; one more is until
        this stack ends. Where that takes long, or one of them has shown that the channel takes no such portion now,
        what is locked is let go, to be claimed anew: raises Rollback."""
        turn.much = turn.much or messages >= limit
        turn.seen.set()
        try:
            async with asyncio.timeout(LONGEST_LOCKED):
                await begun.enter_async_context(self._begun[route])
        except TimeoutError:
            raise Rollback from None
        if self._rests.breaker(route.channel.name).portion(limit) < limit:
            raise Rollback

    async def _is_committed(self, portion: Portion) -> bool:
        """Whether it was claimed after all, where the answer to that was lost: what had begun by that would else be in
        doubt."""
        ids = [message.id for message in portion.claimed]
        while True:
            try:
                async with borrowed(self._pool) as conn:
                    taken = await claiming.is_taken(conn, ids, self._owner, portion.transaction)
                if taken is not None:
                    return taken
            except DatabaseUnavailable as error:
                log.warning("%s; %d messages wait", error, len(ids))
            await asyncio.sleep(OUTAGE_PAUSE)

    async def _begin(self, portion: Portion, going: Sequence[Mail], done: Mapping[int, Outcome] = NONE) -> set[int]:
        """Record that these mails go, and what became of those before, in one transaction, however long the database is
        away; none goes once this sender closes. What began with its claim is asked again once that is long ago."""
        wanted, begun = portion.with_followers(going), portion.begun_by(self._chance.clock())
        if not done and not self._closing and begun.issuperset(wanted):
            return set(wanted)
        records = portion.records({id: believed(each, self._chance.clock()) for id, each in done.items()})
        while not self._closing:
            try:
                async with borrowed(self._pool) as conn, conn.transaction():
                    await recording.record(conn, records, owner=self._owner)
                    ours = await claiming.begin(conn, set(wanted) - begun, owner=self._owner)
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
                    return await recording.record(conn, records, owner=self._owner, kept=kept)
            except (DatabaseUnavailable, ConcurrentChange) as error:
                log.warning("%s; %d outcomes wait to be recorded", error, len(records))
                await asyncio.sleep(OUTAGE_PAUSE)


async def _all_of(counting: Sequence[Coroutine[Any, Any, int]]) -> int:
    """The sum of what these count, all at once. The error that one of them raised is raised once all have ended."""
    done = await asyncio.gather(*counting, return_exceptions=True)
    for each in done:
        if isinstance(each, BaseException):
            raise each
    return sum(each for each in done if isinstance(each, int))
