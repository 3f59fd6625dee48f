"""Says to all senders that facts pour in, whichever worker applies them: mails stand back meanwhile."""

from __future__ import annotations

import asyncio
from typing import Final

from storage import leases
from streams.persisting import Persistence

MUCH: Final = 0.25  # of a whole batch: facts pour in
SAID_EVERY: Final = 1.0  # seconds, while they do
SAID_FOR: Final = 3.0  # seconds after it was said last: on a busy machine one batch takes a second


class Draining:
    """Of one worker, whose name is `holder`. `batch_size`: facts of a whole batch; `chunk_size`: of a whole chunk."""

    def __init__(self, ask: Persistence, *, holder: str, batch_size: int, chunk_size: int) -> None:
        self._ask, self._holder, self._much, self._chunk_size = ask, holder, batch_size * MUCH, chunk_size
        self._pours = asyncio.Event()

    def note_read(self, together: int, waiting: int) -> None:
        """So many of one partition were read together, and so many wait in all. Where many wait of which few came at a
        time, somebody's lock holds them up, and mails that stood back would help nobody."""
        if together >= self._chunk_size:
            self.note_applied(waiting)

    def note_applied(self, facts: int) -> None:
        """So many facts were applied at once."""
        if facts >= self._much:
            self._pours.set()

    async def run(self) -> None:
        """Say so as soon as many wait, and again while they do, until cancelled. Where another worker says it already,
        that is enough."""
        while True:
            await self._pours.wait()
            self._pours.clear()
            await self._ask.persist(lambda conn: leases.hold(conn, leases.DRAIN, holder=self._holder, seconds=SAID_FOR))
            await asyncio.sleep(SAID_EVERY)
