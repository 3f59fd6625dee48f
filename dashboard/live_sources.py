"""The hub on a real server: it reads from the pool and hears the doorbell, as long as the web app lives."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from psycopg_pool import AsyncConnectionPool

from dashboard.campaign.employer_part import numbers_of
from dashboard.campaign.reading import NONE, read_charts
from dashboard.charting import Charting
from dashboard.doorbell import listen
from dashboard.drawing import Clock
from dashboard.employer_parts import EmployerParts
from dashboard.live import Hub, say_if_broken
from dashboard.pace import day_in
from storage.campaigns import breakdowns, reads
from storage.database import Conn, borrowed

Row = dict[str, Any]


def make_hub(pool: AsyncConnectionPool[Conn], clock: Clock) -> Hub:
    """A hub that reads all targets from the pool."""

    async def read() -> list[Row]:
        async with borrowed(pool) as conn:
            found = await reads.all_targets(conn)
        now = clock()
        days = {zone: day_in(zone, now) for zone in {row["timezone"] for row in found}}
        return [row | {"today": days[row["timezone"]]} for row in found]

    return Hub(read, name=secrets.token_hex(4))


def make_charting(pool: AsyncConnectionPool[Conn], hub: Hub, clock: Clock) -> Charting:
    """Charting that reads from the pool."""

    async def read(campaign: str) -> Row:
        async with borrowed(pool) as conn:
            about = await reads.campaign(conn, campaign)
            return await read_charts(conn, about, clock()) if about else NONE

    return Charting(hub, read)


def make_employer_parts(pool: AsyncConnectionPool[Conn], hub: Hub) -> EmployerParts:
    """Employers' parts, read from the pool."""

    async def read(campaign: str, employer: str) -> str:
        async with borrowed(pool) as conn:
            return numbers_of(await breakdowns.of_employer(conn, campaign, employer))

    return EmployerParts(hub, read)


@asynccontextmanager
async def watching(hub: Hub, database_url: str) -> AsyncIterator[None]:
    """Keep the hub running and rung until the block ends."""
    tasks = [asyncio.create_task(hub.run()), asyncio.create_task(listen(database_url, hub.ring))]
    for task in tasks:
        task.add_done_callback(say_if_broken)
    try:
        yield
    finally:
        hub.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)  # what broke was said when it did
