"""Employers' own parts of campaigns while somebody looks at them: a page is drawn anew once the employer's numbers are
others. What changes of a target that all share is told to nobody here: that would say when a rival hired."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

from dashboard.charting import ring_at
from dashboard.live import Hub, say_if_broken
from dashboard.telling import Subscription, Told
from schemas.errors import Unavailable

log = logging.getLogger(__name__)

GATHER: Final = 0.3  # seconds between two readings of one employer's part, at least
UNASKED: Final = 5.0  # and at most: not all that employers do moves a target

Part = tuple[str, str]  # a campaign and an employer
ReadPart = Callable[[str, str], Awaitable[str]]  # an employer's numbers in a campaign, as a page names them


@dataclass(slots=True)
class _Watch:
    """Who looks at one part, each with the numbers that their page shows; `asked` where they may be others by now."""

    shown: dict[Subscription, str] = field(default_factory=dict)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None


class OwnParts:
    """Reads an employer's numbers (`read`) while somebody looks at them, after each change that `hub` tells."""

    def __init__(self, hub: Hub, read: ReadPart, *, unasked: float = UNASKED) -> None:
        self._hub, self._read, self._unasked = hub, read, unasked
        self._watches: dict[Part, _Watch] = {}

    @contextmanager
    def watched(self, part: Part, shown: str, subscription: Subscription) -> Iterator[None]:
        """The subscription, whose page has `shown` these numbers, is told to draw it anew when they are others."""
        watch = self._watches.setdefault(part, _Watch())
        watch.shown[subscription] = shown
        watch.asked.set()
        if watch.task is None:
            watch.task = asyncio.create_task(self._follow(part, watch))
            watch.task.add_done_callback(say_if_broken)
        try:
            yield
        finally:
            del watch.shown[subscription]
            if not watch.shown:
                watch.task.cancel()
                del self._watches[part]

    async def _follow(self, part: Part, watch: _Watch) -> None:
        changes = self._hub.follow(part[0], self._hub.mark)
        ringing = asyncio.create_task(ring_at(changes, watch.asked))
        try:
            while True:
                with suppress(TimeoutError):
                    await asyncio.wait_for(watch.asked.wait(), self._unasked)
                watch.asked.clear()
                await self._tell(part, watch)
                await asyncio.sleep(GATHER)
        finally:
            ringing.cancel()
            self._hub.unsubscribe(changes)

    async def _tell(self, part: Part, watch: _Watch) -> None:
        try:
            numbers = await self._read(*part)
        except Unavailable as error:
            log.warning("the part of %s in %s: %s; reading again in %g s", part[1], part[0], error, self._unasked)
            return
        for subscription, shown in watch.shown.items():
            if shown != numbers:
                watch.shown[subscription] = numbers
                subscription.put((part[0], "", "own"), Told("redraw", part[0], {"spread": 0}, 0))
