"""The sender: claim, render, send, record; again until nothing is due. Several may run, on one database.

A claim belongs to one sender until its lease ends. What a dead sender left is settled by `sweep`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from types import MappingProxyType
from typing import Final

from psycopg_pool import AsyncConnectionPool

from notifications.channels.mailbox import Mailbox
from notifications.channels.port import Channel, Mail, Outcome, believed
from notifications.sending.breaker import Breaker
from notifications.sending.composing import Letter
from notifications.sending.gathering import Made, letters_for
from notifications.sending.kinds.channel_refused import alarm
from notifications.sending.pacing import Pace
from notifications.sending.preparing import prepare
from notifications.sending.recording import Portion
from notifications.sending.rendering import Renderer
from notifications.sending.signed_links import Links
from notifications.sending.signed_links import load as load_links
from notifications.sending.situation import Writer
from schemas.channels import MailWay
from schemas.errors import ConcurrentChange, DatabaseUnavailable
from storage.campaigns import terms
from storage.database import Conn, borrowed
from storage.messages import asking, channel_rests, claiming, recording
from storage.messages.claiming import Claimed
from storage.messages.recording import Record

log = logging.getLogger(__name__)

CLOSES_WITHIN: Final = 6.0  # seconds; containers are given ten
GIVE_WAY: Final = (timedelta(seconds=1), timedelta(seconds=5))  # the shortest, the longest
SHARE: Final = 20  # while others need the processor, a portion has one such part of the time
OUTAGE_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 60.0
ENOUGH_DOUBLINGS: Final = 10
NONE: Final[Mapping[int, Outcome]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Route:
    """Which kinds of message a channel carries. `lanes`: how many portions go at the same time, so that one is claimed
    and recorded while another is sent; of kinds that are grouped, only one may. `way`: it carries the mail of campaigns
    that have chosen this, and if it is `usual` of those that have chosen none; without one, of all."""

    kinds: tuple[str, ...]
    channel: Channel
    lanes: int = 1
    way: MailWay | None = None
    usual: bool = True


@dataclass(frozen=True, slots=True)
class Chance:
    """Time, randomness and room, handed in. `jitter` gives a factor around 1; while `stand_back` says so, others
    need the processor more."""

    clock: Callable[[], datetime]
    jitter: Callable[[], float]
    stand_back: Callable[[], bool] = lambda: False


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
    ) -> None:
        self._pool, self._routes, self._writer, self._renderer = pool, routes, writer, renderer
        self._owner, self._chance = owner, chance
        self._pace = pace or Pace(None, None, chance.clock)
        self._breakers = {r.channel.name: Breaker(r.channel.name, chance.clock, chance.jitter) for r in routes}
        self._work = asyncio.Event()
        self._busy = asyncio.Lock()
        self._closing = False
        self._started = False
        self._links: Links | None = None
        self._told_rests: dict[str, datetime | None] = {}

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
        if found:
            log.warning("settled %d messages of a sender that ended", len(found))

    async def send_all(self) -> int:
        """Send everything that is due, some of each route in turn, so that ten thousand reminders hold up no word to
        HR; returns how many messages were settled."""
        settled = 0
        while count := sum([await self._turn(route) for route in self._routes]):
            settled += count
        return settled

    async def _turn(self, route: Route) -> int:
        """Some of one route. While its channel rests nothing is claimed; then one message is tried ahead."""
        breaker = self._breakers[route.channel.name]
        if self._closing or breaker.rests():
            return 0
        began = self._chance.clock()
        count = await self._send_in_lanes(route, 1 if not breaker.in_order else route.lanes)
        if count:
            await self._give_way(self._chance.clock() - began)
        return count

    async def _storage(self, step: Callable[..., Awaitable[object]], *values: object) -> None:
        async with borrowed(self._pool) as conn:
            await step(conn, *values)

    async def _give_way(self, took: timedelta) -> None:
        """Let others go first after a portion that took so long, but never so long that mail would stand still."""
        shortest, longest = GIVE_WAY
        deadline = self._chance.clock() + min(max(took * SHARE, shortest), longest)
        while self._chance.stand_back() and self._chance.clock() < deadline:
            await asyncio.sleep(0.05)

    async def _send_in_lanes(self, route: Route, lanes: int) -> int:
        """A portion in each lane. Where one fails, the others are waited for: what they sent must be recorded."""
        async with self._busy:
            done = await asyncio.gather(*[self._send_some(route) for _ in range(lanes)], return_exceptions=True)
        for each in done:
            if isinstance(each, BaseException):
                raise each
        return sum(each for each in done if isinstance(each, int))

    async def _send_some(self, route: Route) -> int:
        breaker = self._breakers[route.channel.name]
        room = self._room(route, breaker.portion(route.channel.portion))
        claimed, letters = await self._claim(route, room) if room else ([], [])
        mails, records = await self._prepared(claimed, letters)
        mails, records = self._paced(route, mails, records)
        if not route.channel.keeps:
            self._pace.give_back(room - len(mails))
        portion = Portion(claimed, letters, mails, records)
        told = await route.channel.send(mails, partial(self._begin, portion)) if mails else []
        outcomes = [believed(outcome, self._chance.clock()) for outcome in told]
        breaker.note(outcomes)
        became = portion.records(dict(zip([mail.id for mail in mails], outcomes, strict=True)))
        await self._record(became, kept=route.channel.keeps)
        await self._tell_of_channel(route, breaker, worked=bool(told))
        if trouble := alarm(route.channel.name, claimed, outcomes, self._chance.clock()):
            await self._storage(asking.request, [trouble])
        return len(claimed)

    async def _prepared(self, claimed: Sequence[Claimed], letters: Sequence[Made]) -> tuple[list[Mail], list[Record]]:
        """By HR's own templates, in a thread: they are filled in another process, which is waited for."""
        if any(isinstance(letter, Letter) and letter.own is not None for letter in letters):
            return await asyncio.to_thread(prepare, self._renderer, claimed, letters)
        return prepare(self._renderer, claimed, letters)

    async def _tell_of_channel(self, route: Route, breaker: Breaker, *, worked: bool) -> None:
        """That it rests is its own state, told once for each rest; its messages stand as they stood. What an earlier
        process told of it is over once mails go."""
        name = route.channel.name
        if breaker.rests_until is not None and breaker.rests_until != self._told_rests.get(name):
            await self._storage(channel_rests.note, name, route.kinds, breaker.reason, breaker.rests_until)
        elif breaker.rests_until is None and worked and self._told_rests.get(name, True) is not None:
            await self._storage(channel_rests.over, name)
        if worked or breaker.rests_until is not None:
            self._told_rests[name] = breaker.rests_until

    async def _begin(self, portion: Portion, going: Sequence[Mail], done: Mapping[int, Outcome] = NONE) -> set[int]:
        """Record that these mails go, and what became of those before, in one transaction, however long the database is
        away; none goes once this sender closes."""
        records = portion.records({id: believed(each, self._chance.clock()) for id, each in done.items()})
        while not self._closing:
            try:
                async with borrowed(self._pool) as conn, conn.transaction():
                    await recording.record(conn, records, owner=self._owner)
                    ours = await claiming.begin(conn, portion.with_followers(going), owner=self._owner)
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

    def _room(self, route: Route, wanted: int) -> int:
        return wanted if route.channel.keeps else self._pace.room(wanted)

    def _paced(self, route: Route, mails: Sequence[Mail], records: Sequence[Record]) -> tuple[list[Mail], list[Record]]:
        """The mails that their domains have room for now; the others wait."""
        if route.channel.keeps:
            return list(mails), list(records)
        going = [mail for mail in mails if self._pace.admits(mail.to)]
        ids = {mail.id for mail in going}
        waiting = [
            Record(
                id=mail.id,
                status="requested",
                cause="put_off",
                reason="its domain has had its share",
                recipient=mail.to,
            )
            for mail in mails
            if mail.id not in ids
        ]
        return going, [*records, *waiting]

    async def _claim(self, route: Route, limit: int) -> tuple[list[Claimed], list[Made]]:
        """Claim messages and read what they need, both or nothing: what fails here certainly did not go out."""
        async with borrowed(self._pool) as conn, conn.transaction():
            only, but = await self._campaigns(conn, route)
            if only is not None and not only:
                return [], []
            claimed = await claiming.claim(
                conn,
                route.kinds,
                only=only,
                but=but,
                channel=route.channel.name,
                owner=self._owner,
                lease=route.channel.lease,
                limit=limit,
                full=() if route.channel.keeps else self._pace.full(),
            )
            if not claimed:
                return [], []
            claimed += await claiming.claim_together(
                conn, claimed, channel=route.channel.name, owner=self._owner, lease=route.channel.lease
            )
            links = self._links = self._links or await load_links(conn, self._writer.base_url)
            writer = replace(self._writer, way=route.way)
            return claimed, await letters_for(conn, claimed, writer, links, self._chance.clock())

    async def _campaigns(self, conn: Conn, route: Route) -> tuple[set[str] | None, set[str]]:
        """The campaigns whose mail a route carries alone (None: any), and those whose mail it does not."""
        if route.way is None:
            return None, set()
        chosen = await terms.channels(conn)
        theirs = {campaign for campaign, way in chosen.items() if way == route.way}
        return (None, chosen.keys() - theirs) if route.usual else (theirs, set())

    async def _record(self, records: Sequence[Record], *, kept: bool) -> None:
        """Store what became of them, however long the database is away: it can't be known again."""
        while True:
            try:
                async with borrowed(self._pool) as conn:
                    return await recording.record(conn, records, owner=self._owner, kept=kept)
            except (DatabaseUnavailable, ConcurrentChange) as error:
                log.warning("%s; %d outcomes wait to be recorded", error, len(records))
                await asyncio.sleep(OUTAGE_PAUSE)
