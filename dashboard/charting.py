"""The charts and the funnel of a campaign, read anew for all who look at its page: once for all of them, and seldom,
since they ask more of the database than the numbers do."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from dashboard.live import Hub, say_if_broken
from dashboard.telling import Round, Subscription, Told
from schemas.errors import Unavailable

log = logging.getLogger(__name__)

EVERY: Final = 5.0  # seconds between two readings of one campaign, at least
COST: Final = 0.05  # of the time may go into reading one campaign

Read = Callable[[str], Awaitable[dict[str, Any]]]


@dataclass(slots=True)
class _Watch:
    """Who looks at one campaign; `asked` where one of them may lack the latest."""

    watchers: set[Subscription] = field(default_factory=set)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None


class Charting:
    """Reads a campaign's charts (`read`) while somebody looks at them, after each change that `hub` tells."""

    def __init__(self, hub: Hub, read: Read, *, every: float = EVERY) -> None:
        self._hub, self._read, self._every = hub, read, every
        self._watches: dict[str, _Watch] = {}

    @contextmanager
    def watched(self, campaign: str, subscription: Subscription) -> Iterator[None]:
        """The subscription is told of the campaign's charts until the block ends."""
        watch = self._watches.setdefault(campaign, _Watch())
        watch.watchers.add(subscription)
        watch.asked.set()
        if watch.task is None:
            watch.task = asyncio.create_task(self._follow(campaign, watch))
            watch.task.add_done_callback(say_if_broken)
        try:
            yield
        finally:
            watch.watchers.discard(subscription)
            if not watch.watchers:
                watch.task.cancel()
                del self._watches[campaign]

    async def _follow(self, campaign: str, watch: _Watch) -> None:
        """Read at each change, until cancelled."""
        timer = asyncio.get_running_loop().time
        changes = self._hub.follow(campaign, self._hub.mark)
        ringing = asyncio.create_task(ring_at(changes, watch.asked))
        try:
            while True:
                await watch.asked.wait()
                watch.asked.clear()
                began = timer()
                await self._tell(campaign, watch)
                await asyncio.sleep(max(self._every, (timer() - began) / COST))
        finally:
            ringing.cancel()
            self._hub.unsubscribe(changes)

    async def _tell(self, campaign: str, watch: _Watch) -> None:
        try:
            told = Told("charts", campaign, await self._read(campaign), 0)
        except Unavailable as error:
            log.warning("charts of %s: %s; reading again in %g s", campaign, error, self._every)
            watch.asked.set()
            return
        round = Round([((campaign, "", "charts"), told)], asyncio.get_running_loop().time())
        for subscription in watch.watchers:
            subscription.tell(round)


async def ring_at(changes: Subscription, asked: asyncio.Event) -> None:
    """Set this at each change that a subscription is told of, until that is closed."""
    while not changes.closed:
        await changes.take()
        asked.set()
