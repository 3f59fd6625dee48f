"""The sender: claim, render, send, record; again until nothing is due. Several may run, on one database.

A claim belongs to one sender until its lease ends. What a dead sender left is settled by `sweep`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final

from psycopg_pool import AsyncConnectionPool

from notifications.channels.mailbox import Mailbox
from notifications.sending.backlog import Backlog
from notifications.sending.channel_rests import ChannelRests
from notifications.sending.claiming import Claims
from notifications.sending.pacing import Pace
from notifications.sending.portions import OUTAGE_PAUSE, Portions, Turn
from notifications.sending.rendering import Renderer
from notifications.sending.route import Chance, Route
from notifications.sending.situation import Writer
from schemas.errors import ConcurrentChange, DatabaseUnavailable
from storage.campaigns import terms
from storage.database import Conn, borrowed
from storage.messages import asking, claiming

log = logging.getLogger(__name__)

CLOSES_WITHIN: Final = 6.0  # seconds; containers are given ten
GIVE_WAY: Final = (timedelta(seconds=1), timedelta(seconds=5))  # the shortest, the longest
SHARE: Final = 20  # while others need the processor, a round has one such part of the time
FEW: Final = 100  # mails of a route in such a round, so that it is short: the pause after it has an upper bound
LOOKS_EVERY: Final = 0.5  # seconds, whether they still need it
MOST_FAULTS: Final = 3  # of ours, in a row
LONGEST_TURN: Final = timedelta(seconds=2)  # of one route: then it is looked what became due of the others


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
        self._chance, self._pace = chance, pace or Pace()
        self._rests = ChannelRests(pool, routes, chance)
        claims = Claims(writer, renderer, owner, chance, self._pace)
        self._portions = Portions(pool, routes, claims, self._rests)
        self._backlog = Backlog(pool, chance)
        self._work = asyncio.Event()
        self._busy = asyncio.Lock()
        self._started = further  # what an earlier version could not do, the first of this version tries again

    def wake(self) -> None:
        """There may be something to send."""
        self._work.set()

    async def run(self, *, interval: float) -> None:
        """Send until closed: when woken, and every `interval` seconds. A database outage is waited out.

        After a fault of ours it goes on, later each time, as one message may have led to it. One that stays is raised:
        a sender that is of no use must end to be seen.
        """
        faults = 0
        while not self._portions.closing:
            self._work.clear()
            try:
                await self.sweep()
                if await self.send_all():
                    faults = 0  # a round in which nothing was due proves nothing
            except (DatabaseUnavailable, ConcurrentChange) as error:
                log.warning("%s; messages wait", error)
                await asyncio.sleep(OUTAGE_PAUSE)
            except Exception:
                faults += 1
                if faults == MOST_FAULTS:
                    raise
                log.exception("the sender failed; messages wait")
                await asyncio.sleep(OUTAGE_PAUSE * 2**faults)
            with suppress(TimeoutError):
                async with asyncio.timeout(interval):
                    await self._work.wait()

    async def leave(self) -> None:
        """Begin nothing more; returns when all that was sent is recorded, however long channels and database take."""
        self._portions.closing = True
        self._work.set()
        async with self._busy:
            pass

    async def close(self) -> None:
        """Begin nothing more; returns when all that was sent is recorded, or the database keeps us too long: what it
        does not take is in doubt then, as if we had been killed, which is what comes next."""
        self._portions.closing = True
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
        while not self._portions.closing:
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
            going = [routes for routes in wanted if not self._portions.closing and await self._rests.may_go(routes)]
            return await _all_of([self._turns(routes) for routes in going])

    async def _by_channel(self) -> list[list[Route]]:
        """The routes for which something is due, and whether others come first: who has nothing to send asks that
        alone, on one connection."""
        async with borrowed(self._pool) as conn:
            await self._chance.drain.look(conn)
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
        at_once = route.lanes if in_order and not self._chance.drain.goes_on else 1
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
        while self._chance.drain.goes_on and not self._portions.closing and self._chance.clock() < deadline:
            await asyncio.sleep(LOOKS_EVERY)
            async with borrowed(self._pool) as conn:
                await self._chance.drain.look(conn)

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
        return self._portions.closing or not in_order or late or self._chance.drain.goes_on

    async def _send_some(self, route: Route, turn: Turn) -> int:
        most = min(route.channel.portion, FEW) if self._chance.drain.goes_on else route.channel.portion
        limit = self._rests.breaker(route.channel.name).portion(most)
        return await self._portions.send(route, turn, limit)


async def _all_of(counting: Sequence[Coroutine[Any, Any, int]]) -> int:
    """The sum of what these count, all at once. The error that one of them raised is raised once all have ended."""
    done = await asyncio.gather(*counting, return_exceptions=True)
    for each in done:
        if isinstance(each, BaseException):
            raise each
    return sum(each for each in done if isinstance(each, int))
