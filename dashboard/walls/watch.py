"""Ends the streams of walls that are revoked: one look a second for all that are open in this process."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Final

from dashboard.live import say_if_broken
from dashboard.telling import Subscription
from schemas.errors import Unavailable

log = logging.getLogger(__name__)

EVERY: Final = 1.0  # seconds

Living = Callable[[Collection[str]], Awaitable[set[str]]]


class Watch:
    """`living` says which of some walls are good. While it can't be asked, streams go on."""

    def __init__(self, living: Living, *, every: float = EVERY) -> None:
        self._living, self._every = living, every
        self._open: dict[str, set[Subscription]] = {}
        self._task: asyncio.Task[None] | None = None

    @contextmanager
    def watched(self, wall: str, subscription: Subscription) -> Iterator[None]:
        """The subscription ends when this wall is revoked, until the block is left."""
        self._open.setdefault(wall, set()).add(subscription)
        if self._task is None:
            self._task = asyncio.create_task(self._run())
            self._task.add_done_callback(say_if_broken)
        try:
            yield
        finally:
            self._open[wall].discard(subscription)
            if not self._open[wall]:
                del self._open[wall]
            if not self._open and self._task:
                self._task.cancel()
                self._task = None

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._every)
            asked = list(self._open)
            try:
                living = await self._living(asked)
            except Unavailable as error:
                log.warning("whether walls are revoked: %s; looking again in %g s", error, self._every)
                continue
            for wall in set(asked) - living:
                for subscription in self._open.get(wall, ()):
                    subscription.close()
