"""Large campaigns' targets are counted beside the work: what stood before, from a snapshot.

The snapshot is taken while the campaign's exclusive lock is held for a moment: whatever committed before is in it, and
whatever commits later adds its difference to the target itself. So the two sums are all, and nothing is in both.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from schemas.errors import ConcurrentChange, DatabaseUnavailable
from schemas.fields import FUNNEL
from storage import messages
from storage.campaigns import tallies, targets
from storage.campaigns.targets import Row
from storage.database import Conn, connect, translated
from storage.journeys import journeys
from streams.apply import Applied
from streams.campaigns import NOTHING, reach_milestones
from streams.counting import add_up, target_of
from streams.domain.campaign import DEFAULT_TIMEZONE, Target
from streams.domain.measures import Contribution, contribution, milestones
from streams.persisting import Persistence

log = logging.getLogger(__name__)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
Count = tuple[Target, int, Contribution]  # what was counted, the number of the count, its days


class Tallier:
    """Counts what is to be counted. `write` is a connection for short transactions; `told` learns of what they did."""

    def __init__(self, database_url: str, write: Persistence, *, told: Callable[[Applied], None]) -> None:
        self._database_url, self._write, self._told = database_url, write, told

    async def look(self) -> None:
        """Count what is to be counted now, campaign by campaign. An outage is waited out."""
        for campaign in await self._write.persist(tallies.due):
            try:
                await self._count(campaign)
            except (DatabaseUnavailable, ConcurrentChange) as error:
                log.warning("%s; the targets of %s are counted later", error, campaign)

    async def _count(self, campaign: str) -> None:
        reader = await connect(self._database_url, name="counter")
        try:
            with translated():
                if not await tallies.only_one(reader, campaign):
                    return
                await tallies.repeatable(reader)
                async with reader.transaction():
                    # Once: a snapshot that is taken stays, so that another try needs another transaction.
                    begun = await self._write.attempt(lambda conn: _begin(conn, reader, campaign))
                    counts = [await _count(reader, each) for each in begun]
        finally:
            await reader.close()
        self._told(await self._write.persist(lambda conn: _finish(conn, campaign, counts)))


async def _begin(conn: Conn, reader: Conn, campaign: str) -> list[tuple[Row, str]]:
    async with conn.transaction():
        await targets.lock(conn, {campaign: True})
        rows = await tallies.begin(conn, campaign)
        zones = await targets.time_zones(conn, [campaign])
        await tallies.hold_snapshot(reader)
    return [(row, zones.get(campaign, DEFAULT_TIMEZONE)) for row in rows]


async def _count(reader: Conn, begun: tuple[Row, str]) -> Count:
    row, zone = begun[0], ZoneInfo(begun[1])
    target = target_of(row)
    if target.measure in FUNNEL and target.employers is None:
        quarters = await tallies.by_quarters(reader, target.campaign, target.measure, target.attributes, target.fairs)
        return target, row["tally"], _by_days(quarters, zone)
    days: Contribution = {}
    async for _, journey in journeys.scan(reader, target.campaign):
        add_up(days, contribution(journey, milestones(journey), target, zone))
    return target, row["tally"], days


def _by_days(quarters: dict[int, int], zone: ZoneInfo) -> Contribution:
    days: dict[date, Decimal] = {}
    for quarter, count in quarters.items():
        moment = _EPOCH + timedelta(microseconds=quarter * tallies.QUARTER)
        add_up(days, {moment.astimezone(zone).date(): Decimal(count)})
    return days


async def _finish(conn: Conn, campaign: str, counts: list[Count]) -> Applied:
    reached = []
    async with conn.transaction():
        # Alone: a batch that has looked at the targets before would note no milestone of this one.
        await targets.lock(conn, {campaign: True})
        for target, tally, days in sorted(counts, key=lambda count: count[0].target):
            if done := await tallies.finish(conn, (campaign, target.target), tally, days):
                row, number = done
                reached.append((target_of(row), NOTHING, number))
        asked = await messages.request(conn, await reach_milestones(conn, reached))
    return Applied(facts=0, messages=asked)
