"""The charts and the funnel of a campaign, read anew for all who look at its page: once for all of them, and seldom,
since they ask more of the database than the numbers do."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from typing import Any, Final

from dashboard.live import Hub
from dashboard.telling import Round, Subscription, Told
from dashboard.while_watched import Onlookers, WhileWatched, ringing
from schemas.errors import Unavailable

log = logging.getLogger(__name__)

EVERY: Final = 5.0  # seconds between two readings of one campaign, at least
COST: Final = 0.05  # of the time may go into reading one campaign

ReadCharts = Callable[[str], Awaitable[dict[str, Any]]]


class Charting:
    """Reads a campaign's charts (`read`) while somebody looks at them, after each change that `hub` tells."""

    def __init__(self, hub: Hub, read: ReadCharts, *, every: float = EVERY) -> None:
        self._hub, self._read, self._every = hub, read, every
        self._watches = WhileWatched(self._follow)

    def watched(self, campaign: str, subscription: Subscription) -> AbstractContextManager[None]:
        """The subscription is told of the campaign's charts until the block ends."""
        return self._watches.watched(campaign, subscription)

    async def _follow(self, campaign: str, onlookers: Onlookers) -> None:
        """Read at each change, until cancelled."""
        timer = asyncio.get_running_loop().time
        with ringing(self._hub, campaign, onlookers.asked):
            while True:
                await onlookers.asked.wait()
                onlookers.asked.clear()
                began = timer()
                await self._tell(campaign, onlookers)
                await asyncio.sleep(max(self._every, (timer() - began) / COST))

    async def _tell(self, campaign: str, onlookers: Onlookers) -> None:
        try:
            told = Told("charts", campaign, await self._read(campaign), 0)
        except Unavailable as error:
            log.warning("charts of %s: %s; reading again in %g s", campaign, error, self._every)
            onlookers.asked.set()
            return
        round = Round([((campaign, "", "charts"), told)], asyncio.get_running_loop().time())
        for subscription in onlookers.shown:
            subscription.tell(round)
