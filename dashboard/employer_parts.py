"""Employers' own parts of campaigns while somebody looks at them: a page is drawn anew once the employer's numbers are
others. What changes of a target that all share is told to nobody here: that would say when a rival hired."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, suppress
from typing import Final

from dashboard.live import Hub
from dashboard.telling import Subscription, Told
from dashboard.while_watched import Onlookers, WhileWatched, ringing
from schemas.errors import Unavailable

log = logging.getLogger(__name__)

GATHER: Final = 0.3  # seconds between two readings of one employer's part, at least
UNASKED: Final = 5.0  # and at most: not all that employers do moves a target

PartKey = tuple[str, str]  # a campaign and an employer
ReadPart = Callable[[str, str], Awaitable[str]]  # an employer's numbers in a campaign, as a page names them


class EmployerParts:
    """Reads an employer's numbers (`read`) while somebody looks at them, after each change that `hub` tells."""

    def __init__(self, hub: Hub, read: ReadPart, *, unasked: float = UNASKED) -> None:
        self._hub, self._read, self._unasked = hub, read, unasked
        self._watches = WhileWatched(self._follow)

    def watched(self, part: PartKey, shown: str, subscription: Subscription) -> AbstractContextManager[None]:
        """The subscription, whose page has `shown` these numbers, is told to draw it anew when they are others."""
        return self._watches.watched(part, subscription, shown)

    async def _follow(self, part: PartKey, onlookers: Onlookers) -> None:
        with ringing(self._hub, part[0], onlookers.asked):
            while True:
                with suppress(TimeoutError):
                    await asyncio.wait_for(onlookers.asked.wait(), self._unasked)
                onlookers.asked.clear()
                await self._tell(part, onlookers)
                await asyncio.sleep(GATHER)

    async def _tell(self, part: PartKey, onlookers: Onlookers) -> None:
        try:
            numbers = await self._read(*part)
        except Unavailable as error:
            log.warning("the part of %s in %s: %s; reading again in %g s", part[1], part[0], error, self._unasked)
            return
        for subscription, shown in onlookers.shown.items():
            if shown != numbers:
                onlookers.shown[subscription] = numbers
                subscription.put((part[0], "", "own"), Told("redraw", part[0], {"spread": 0}, 0))
