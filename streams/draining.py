"""Says to all senders that facts pour in, whichever worker applies them: mails stand back meanwhile."""

from __future__ import annotations

from typing import Final

from storage import leases
from streams.persisting import Persistence

MUCH: Final = 0.25  # of a whole batch: facts pour in
SAID_FOR: Final = 3.0  # seconds after it was said last: on a busy machine one batch takes a second


class Draining:
    """Of one worker, whose name is `holder`. `batch_size`: facts of a whole batch."""

    def __init__(self, ask: Persistence, *, holder: str, batch_size: int) -> None:
        self._ask, self._holder, self._much = ask, holder, batch_size * MUCH
        self._pours = False

    def note(self, facts: int) -> None:
        """A batch of so many facts was applied."""
        self._pours = self._pours or facts >= self._much

    async def tell(self) -> None:
        """Say so, where a large batch was applied since this was called last. Where another worker says it already,
        that is enough."""
        if self._pours:
            self._pours = False
            await self._ask.persist(lambda conn: leases.hold(conn, leases.DRAIN, holder=self._holder, seconds=SAID_FOR))
