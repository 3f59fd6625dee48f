"""A campaign's breakdowns counted from its journeys, beside the work, where an earlier version kept none.

As with targets (see streams/tallying.py) the snapshot is taken while the campaign's exclusive lock is held for a
moment: what committed before is in it, and what commits later adds its own difference.
"""

from __future__ import annotations

import logging
from datetime import datetime

from schemas.errors import ConcurrentChange, DatabaseUnavailable
from storage.campaigns import breakdowns, tallies, targets
from storage.database import Conn, connect, translated
from storage.journeys import journeys
from streams.counting import CellTotals, note_cells
from streams.domain.breakdown import cells
from streams.domain.measures import milestones
from streams.persisting import Persistence

log = logging.getLogger(__name__)


class BreakdownCounter:
    """Counts what is to be counted. `write` is a connection for short transactions."""

    def __init__(self, database_url: str, write: Persistence) -> None:
        self._database_url, self._write = database_url, write

    async def look(self) -> None:
        """Count what is to be counted now, campaign by campaign. An outage is waited out."""
        for campaign in await self._write.persist(breakdowns.due):
            try:
                await self._count(campaign)
            except (DatabaseUnavailable, ConcurrentChange) as error:
                log.warning("%s; the breakdowns of %s are counted later", error, campaign)

    async def _count(self, campaign: str) -> None:
        reader = await connect(self._database_url, name="counter")
        try:
            with translated():
                if not await breakdowns.only_one(reader, campaign):
                    return
                async with tallies.one_snapshot(reader):
                    # Once: a snapshot that is taken stays, so that another try needs another transaction.
                    began = await self._write.attempt(lambda conn: _begin(conn, reader, campaign))
                    counted = await _count(reader, campaign)
            await self._write.persist(lambda conn: _finish(conn, campaign, began, counted))
        finally:
            await reader.close()


async def _begin(conn: Conn, reader: Conn, campaign: str) -> datetime:
    async with conn.transaction():
        await targets.lock(conn, {campaign: True})
        began = await breakdowns.begin(conn, campaign)
        await tallies.hold_snapshot(reader)
    return began


async def _count(reader: Conn, campaign: str) -> CellTotals:
    counted: CellTotals = {}
    async for _, journey in journeys.scan(reader, campaign):
        note_cells(counted, campaign, [], cells(journey, milestones(journey)))
    return counted


async def _finish(conn: Conn, campaign: str, began: datetime, counted: CellTotals) -> None:
    async with conn.transaction():
        await targets.lock(conn, {campaign: False})
        await breakdowns.finish(conn, campaign, began, counted)
