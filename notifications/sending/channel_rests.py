"""How the channels of one sender stand: its own breakers, and what all senders know of rests by the database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from psycopg_pool import AsyncConnectionPool

from notifications.sending.breaker import Breaker
from notifications.sending.route import Chance, Route
from storage.database import Conn, borrowed
from storage.messages import channel_rests


class ChannelRests:
    """Asks whether a channel may be used, and tells what came of it. Raises DatabaseUnavailable."""

    def __init__(self, pool: AsyncConnectionPool[Conn], routes: Sequence[Route], chance: Chance) -> None:
        names = {route.channel.name for route in routes}
        self._pool, self._chance = pool, chance
        self._breakers: Final = {name: Breaker(name, chance.clock, chance.jitter) for name in names}
        self._tried: Final[dict[str, tuple[datetime, datetime]]] = {}  # its rest's end, and that of our turn

    def breaker(self, channel: str) -> Breaker:
        """Of this channel."""
        return self._breakers[channel]

    async def may_go(self, routes: Sequence[Route]) -> bool:
        """Whether the channel of these is in order, as all senders know of it, or this one is to try whether it is
        again."""
        name, now = routes[0].channel.name, self._chance.clock()
        held = now + timedelta(seconds=max(route.channel.lease for route in routes))
        async with borrowed(self._pool) as conn:
            rest = await channel_rests.turn(conn, name, now, held=held)
        self._breakers[name].heed(rest.until if rest else None, rest.failures if rest else 0)
        if rest is not None and rest.tries:
            self._tried[name] = (rest.until, held)
        return rest is None or rest.tries

    async def put_back(self, channel: str) -> None:
        """Where there was nothing to try a channel with, or we failed before that was known."""
        if (turn := self._tried.pop(channel, None)) is not None:
            until, held = turn
            async with borrowed(self._pool) as conn:
                await channel_rests.put_back(conn, channel, until, held=held)

    async def tell(self, route: Route) -> None:
        """Let all senders know how this route's channel stands, once something was tried by it. A rest is the channel's
        own state; its messages stand as they stood. Who tried it ahead knows that its rest is over."""
        name, breaker = route.channel.name, self._breakers[route.channel.name]
        tried = self._tried.pop(name, None)
        if (until := breaker.rests_until) is not None:
            async with borrowed(self._pool) as conn:
                await channel_rests.note(conn, name, route.kinds, breaker.reason, until, failures=breaker.failures)
        elif tried is not None:
            async with borrowed(self._pool) as conn:
                await channel_rests.over(conn, name)
