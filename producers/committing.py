"""Facts of requests that arrive together are committed together: one statement and one wait for the disk serve all.

What waits is taken at once. So a request alone waits for nobody; those that come while a commit is under way are the
next group, and groups grow as fast as requests come. Each request has its own answer, whatever becomes of the others: a
group that is refused, or that would have to wait for somebody's lock, is halved until what is at fault stands alone.
Where a commit takes long, the next goes beside it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from psycopg_pool import AsyncConnectionPool

from schemas.errors import ConcurrentChange, StatementTooLong, Unavailable, UnusableValue
from schemas.facts import Fact
from storage.database import Conn, borrowed
from storage.ledger import ledger
from storage.ledger.ledger import Identity
from storage.vault.accepting import accept, accept_all

FEW: Final = 100  # facts; a request with more of them, or of more bytes, would keep others waiting
FEW_BYTES: Final = 64 * 1024
MOST: Final = 1000  # facts in one group
MOST_BYTES: Final = 4 * 1024 * 1024
MOST_WAITING: Final = 10_000  # requests
PATIENCE: Final = 0.1  # seconds that a group waits for a lock, and the next group for this one

_TAKE_APART: Final = (ConcurrentChange, UnusableValue, StatementTooLong)


@dataclass(slots=True, eq=False)
class _Request:
    """Facts unique by identity, who posted them, their bytes, and where the answer goes."""

    facts: Sequence[Fact]
    posted_by: str
    size: int
    answer: asyncio.Future[dict[Identity, int]]


class Committing:
    """Commits facts to the ledger, for all requests of a process."""

    def __init__(self, pool: AsyncConnectionPool[Conn]) -> None:
        self._pool = pool
        self._waiting: deque[_Request] = deque()
        self._task: asyncio.Task[None] | None = None
        self._under_way: set[asyncio.Task[None]] = set()

    async def append(self, facts: Sequence[Fact], *, posted_by: str, size: int) -> dict[Identity, int]:
        """Commit the facts of a request that has `size` bytes; they must be unique by identity. Returns those that
        were new, with their numbers. Raises what `storage.database.translated` does."""
        if len(facts) > FEW or size > FEW_BYTES:
            return await self._alone(facts, posted_by)
        if len(self._waiting) >= MOST_WAITING:
            raise Unavailable("too many requests wait to be committed")
        request = _Request(facts, posted_by, size, asyncio.get_running_loop().create_future())
        self._waiting.append(request)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())
        return await request.answer

    async def _run(self) -> None:
        while self._waiting:
            if group := self._take():
                await asyncio.wait({self._begin(group)}, timeout=PATIENCE)

    def _begin(self, group: Sequence[_Request]) -> asyncio.Task[None]:
        task = asyncio.create_task(self._commit(group))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return task

    def _take(self) -> list[_Request]:
        """Those that wait, as many as one group may have, without those whose clients have gone."""
        group: list[_Request] = []
        facts, size = 0, 0
        while self._waiting and facts < MOST and size < MOST_BYTES:
            request = self._waiting.popleft()
            if not request.answer.done():
                group.append(request)
                facts, size = facts + len(request.facts), size + request.size
        return group

    async def _commit(self, group: Sequence[_Request]) -> None:
        """Commit a group, and answer each. Raises nothing but CancelledError."""
        try:
            answers = await self._together(group)
        except _TAKE_APART as error:
            if len(group) == 1:
                _fail(group, error)
            else:
                half = len(group) // 2
                self._begin(group[:half])
                self._begin(group[half:])
        except Exception as error:
            _fail(group, error)
        except asyncio.CancelledError:
            for request in group:
                request.answer.cancel()
            raise
        else:
            for request, answer in zip(group, answers, strict=True):
                if not request.answer.done():
                    request.answer.set_result(answer)

    async def _together(self, group: Sequence[_Request]) -> list[dict[Identity, int]]:
        """What was new of each request. Of those that say the same, it is new of the first."""
        if len(group) == 1:
            return [await self._alone(group[0].facts, group[0].posted_by)]
        first: dict[Identity, tuple[Fact, _Request]] = {}
        for request in group:
            for fact in request.facts:
                first.setdefault(fact.identity, (fact, request))
        facts, posted_by = [fact for fact, _ in first.values()], [request.posted_by for _, request in first.values()]
        async with borrowed(self._pool) as conn, conn.transaction():
            await ledger.wait_for_locks(conn, PATIENCE)
            numbers = await accept_all(conn, facts, posted_by)
        answers: dict[_Request, dict[Identity, int]] = {request: {} for request in group}
        for identity, number in numbers.items():
            answers[first[identity][1]][identity] = number
        return list(answers.values())

    async def _alone(self, facts: Sequence[Fact], posted_by: str) -> dict[Identity, int]:
        async with borrowed(self._pool) as conn:
            return await accept(conn, facts, posted_by=posted_by)


def _fail(group: Sequence[_Request], error: Exception) -> None:
    for request in group:
        if not request.answer.done():
            request.answer.set_exception(error)
