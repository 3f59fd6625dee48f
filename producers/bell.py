"""Tells the relay that facts were accepted: after their transaction, and seldom enough to cost nothing."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from psycopg_pool import AsyncConnectionPool

from schemas.errors import Unavailable
from storage import ledger
from storage.database import Conn, borrowed

log = logging.getLogger(__name__)

EVERY: Final = 0.02  # seconds between notices, however many facts are accepted


class Bell:
    """`ring` whenever facts were accepted. A notice that is lost costs a second: the relay looks by itself too."""

    def __init__(self, pool: AsyncConnectionPool[Conn]) -> None:
        self._pool = pool
        self._wanted = False
        self._task: asyncio.Task[None] | None = None

    def ring(self) -> None:
        """Have the relay told, now or within EVERY."""
        self._wanted = True
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._tell())

    async def _tell(self) -> None:
        while self._wanted:
            self._wanted = False
            try:
                async with borrowed(self._pool) as conn:
                    await ledger.ring(conn)
            except Unavailable as error:
                log.warning("the relay was not told of new facts, it will see them by itself: %s", error)
            await asyncio.sleep(EVERY)
