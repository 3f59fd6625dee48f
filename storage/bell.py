"""Tells other processes that something was committed: at once, and seldom enough to cost nothing.

The word is Postgres' NOTIFY, never within the transaction that it is about: those that notify commit one after another.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from schemas.errors import Unavailable

log = logging.getLogger(__name__)

EVERY: Final = 0.02  # seconds between notices, however much is committed


class Bell:
    """`ring` whenever something was committed. A notice that is lost costs little: whoever hears it looks by itself
    too."""

    def __init__(self, tell: Callable[[], Awaitable[None]], *, every: float = EVERY) -> None:
        """`tell` notifies, or raises Unavailable."""
        self._tell, self._every = tell, every
        self._wanted = False
        self._task: asyncio.Task[None] | None = None

    def ring(self) -> None:
        """Have it told, now or within `every` seconds."""
        self._wanted = True
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._tell_on())

    async def _tell_on(self) -> None:
        while self._wanted:
            self._wanted = False
            try:
                await self._tell()
            except Unavailable as error:
                log.warning("nobody was told of what is new, they will see it by themselves: %s", error)
            await asyncio.sleep(self._every)
