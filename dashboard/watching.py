"""The hub on a real server: it reads from the pool and hears the doorbell, as long as the web app lives."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from psycopg_pool import AsyncConnectionPool

from dashboard.doorbell import listen
from dashboard.live import Hub
from storage import reads
from storage.database import Conn, borrowed

log = logging.getLogger(__name__)


def make_hub(pool: AsyncConnectionPool[Conn]) -> Hub:
    """A hub that reads all targets from the pool."""

    async def read() -> list[dict[str, Any]]:
        async with borrowed(pool) as conn:
            return await reads.all_targets(conn)

    return Hub(read)


@asynccontextmanager
async def watching(hub: Hub, database_url: str) -> AsyncIterator[None]:
    """Keep the hub running and rung until the block ends."""
    tasks = [asyncio.create_task(hub.run()), asyncio.create_task(listen(database_url, hub.ring))]
    for task in tasks:
        task.add_done_callback(_say_if_broken)
    try:
        yield
    finally:
        hub.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)  # what broke was said when it did


def _say_if_broken(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()):
        log.critical("live targets have stopped", exc_info=error)
