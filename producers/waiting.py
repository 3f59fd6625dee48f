"""Waiting until facts are applied, for those who want to read what they wrote (`Prefer: wait`, RFC 7240)."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from psycopg_pool import AsyncConnectionPool

from schemas.errors import Unavailable
from storage.database import Conn, borrowed
from storage.ledger import ledger

log = logging.getLogger(__name__)

LONGEST: Final = 30  # seconds
MOST: Final = 1000  # requests that wait at a time; one more is answered at once
LOOK_EVERY: Final = 0.02  # seconds, for all of them together

_WAIT: Final = re.compile(r'(?:^|,)\s*wait\s*=\s*"?(\d{1,9})"?\s*(?=[;,]|$)', re.IGNORECASE)


def wanted_wait(preferences: Iterable[str]) -> int | None:
    """How many seconds these `Prefer` headers would wait, LONGEST at most; None where they say nothing of it that can
    be read: then the preference is ignored, as RFC 7240 has it."""
    found = _WAIT.search(",".join(preferences))
    return min(int(found[1]), LONGEST) if found else None


@dataclass(slots=True, eq=False)
class _Waiter:
    seqs: set[int]
    all_applied: bool
    done: asyncio.Event


class Waiters:
    """Those who wait. One look at the outbox serves all of them."""

    def __init__(self, pool: AsyncConnectionPool[Conn]) -> None:
        self._pool = pool
        self._waiters: set[_Waiter] = set()
        self._looking: asyncio.Task[None] | None = None

    async def until_applied(self, seqs: Collection[int], seconds: float) -> bool:
        """Wait until all facts of these numbers are applied, but no longer than so many seconds. Whether they are."""
        if len(self._waiters) >= MOST:
            return False
        waiter = _Waiter(set(seqs), True, asyncio.Event())
        self._waiters.add(waiter)
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        try:
            await asyncio.wait_for(waiter.done.wait(), seconds)
            return waiter.all_applied
        except TimeoutError:
            return False
        finally:
            self._waiters.discard(waiter)

    async def _look(self) -> None:
        while self._waiters:
            try:
                async with borrowed(self._pool) as conn:
                    fates = await ledger.fates(conn, set().union(*(waiter.seqs for waiter in self._waiters)))
            except Unavailable as error:
                log.warning("whether facts are applied can't be told: %s", error)
                fates = {}
            for waiter in list(self._waiters):
                self._settle(waiter, fates)
            await asyncio.sleep(LOOK_EVERY)

    @staticmethod
    def _settle(waiter: _Waiter, fates: dict[int, bool]) -> None:
        ended = waiter.seqs & fates.keys()
        waiter.all_applied = waiter.all_applied and all(fates[seq] for seq in ended)
        waiter.seqs -= ended
        if not waiter.seqs:
            waiter.done.set()
