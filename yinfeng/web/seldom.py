"""What takes long to read is read seldom: who asks is given what was found last, while it is read anew."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Final, Generic, TypeVar

log = logging.getLogger(__name__)

T = TypeVar("T")

QUICK: Final = 0.02  # seconds of reading that nobody minds
SHARE: Final = 0.02  # of the time may go into reading what takes longer


class Seldom(Generic[T]):
    """`read` at each call while it is quick. From then on it is called beside, for SHARE of the time at most, and what
    it gave last is given. Those who come before it gave anything wait for it together."""

    def __init__(self, read: Callable[[], Awaitable[T]], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._read, self._clock = read, clock
        self._found: T | None = None
        self._took, self._at = 0.0, 0.0
        self._reading: asyncio.Task[T] | None = None

    async def __call__(self) -> T:
        """Raises what `read` raises, to those who wait for it."""
        quick = self._is_quick()
        if self._reading is None and (quick or self._clock() - self._at >= self._took / SHARE):
            self._reading = asyncio.create_task(self._anew())
            self._reading.add_done_callback(self._done)
        if self._reading is not None and quick:
            return await asyncio.shield(self._reading)
        assert self._found is not None
        return self._found

    def _is_quick(self) -> bool:
        return self._found is None or self._took <= QUICK

    async def _anew(self) -> T:
        began = self._clock()
        found = await self._read()
        self._at = self._clock()
        self._found, self._took = found, self._at - began
        return found

    def _done(self, task: asyncio.Task[T]) -> None:
        self._reading = None
        if not task.cancelled() and (error := task.exception()) and not self._is_quick():  # or who waits is told
            log.warning("what was read last is given on: %s; reading again when it is asked for", error)
