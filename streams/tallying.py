"""Targets that were set while others were at work on a campaign, or of large ones, are counted beside the work.

From the commit on that set such a target, each batch that begins adds its difference. Those that were under way then
may know nothing of it, or count it by what it was before: their end is waited for, and nobody waits for us. Then a
snapshot is taken. It holds what stands, and what was added to the target until then; the difference of the two is what
is missing, whatever is added later. So nobody is held up, and nothing is counted twice or left out.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from schemas.errors import ConcurrentChange, DatabaseUnavailable
from schemas.fields import FUNNEL
from storage import messages
from storage.campaigns import tallies, targets
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
LOOK_AGAIN: Final = 0.05  # seconds between looks whether those who were under way have ended
AT_ONCE: Final = 8  # campaigns that are waited for, or counted
PATIENCE: Final = 30.0  # seconds: longer than any transaction that applies facts may take
Count = tuple[Target, int, Contribution]  # what was counted, the number of the count, what is missing by days


class Tallier:
    """Counts what is to be counted. `ask` is a connection for short questions; `told` learns of what was done."""

    def __init__(self, database_url: str, ask: Persistence, *, told: Callable[[Applied], None]) -> None:
        self._database_url, self._ask, self._told = database_url, ask, told
        self._counts: dict[str, asyncio.Task[None]] = {}
        self._gave_up: dict[str, int] = {}  # the campaigns that are counted later, in the order of that
        self._turn = asyncio.Lock()

    async def begin(self) -> None:
        """Begin to count what is to be counted now, each campaign by itself: one that waits for somebody keeps no other
        waiting, also none whose target is set later. Of more than can be counted at once, those come last that had to
        give up. An outage is waited out. Raises what ended a count before."""
        for task in [task for task in self._counts.values() if task.done()]:
            task.result()
        self._counts = {campaign: task for campaign, task in self._counts.items() if not task.done()}
        due = await self._ask.persist(tallies.due)
        self._gave_up = {campaign: nth for campaign, nth in self._gave_up.items() if campaign in due}
        for campaign in sorted(due, key=lambda campaign: self._gave_up.get(campaign, 0)):
            if campaign not in self._counts and len(self._counts) < AT_ONCE:
                self._counts[campaign] = asyncio.create_task(self._count_alone(campaign, due[campaign]))

    async def look(self) -> None:
        """Count what is to be counted now, and return once it is done."""
        await self.begin()
        await asyncio.gather(*self._counts.values())

    async def stop(self) -> None:
        """Give up what is being counted: it is begun anew."""
        for task in self._counts.values():
            task.cancel()
        await asyncio.gather(*self._counts.values(), return_exceptions=True)

    async def _count_alone(self, campaign: str, wanted: Collection[int]) -> None:
        """Who is waited for costs little; what is counted takes a processor, and is counted one after the other."""
        try:
            if not await self._others_have_ended(campaign):
                self._give_up(campaign, "a transaction on it does not end")
                return
            async with self._turn:
                await self._count(campaign, wanted)
        except (DatabaseUnavailable, ConcurrentChange) as error:
            self._give_up(campaign, str(error))

    def _give_up(self, campaign: str, why: str) -> None:
        self._gave_up[campaign] = max(self._gave_up.values(), default=0) + 1
        log.warning("the targets of %s are counted later: %s", campaign, why)

    async def _others_have_ended(self, campaign: str) -> bool:
        """Wait until those have ended who hold this campaign now; False where somebody does not."""
        under_way = await self._ask.persist(lambda conn: tallies.holders(conn, [campaign]))
        for _ in range(round(PATIENCE / LOOK_AGAIN)):
            if not under_way:
                return True
            await asyncio.sleep(LOOK_AGAIN)
            under_way &= await self._ask.persist(lambda conn: tallies.holders(conn, [campaign]))
        return False

    async def _count(self, campaign: str, wanted: Collection[int]) -> None:
        reader = await connect(self._database_url, name="counter")
        try:
            with translated():
                if not await tallies.only_one(reader, campaign):
                    return
                async with tallies.one_snapshot(reader):
                    counts = await _missing(reader, campaign, wanted)
                # In the session of the snapshot: what that held of batches that did not wait for the disk, a crash
                # of Postgres would have undone, and the session with it.
                done = await _finish(reader, campaign, counts)
        finally:
            await reader.close()
        self._told(done)


async def _missing(reader: Conn, campaign: str, wanted: Collection[int]) -> list[Count]:
    """What is missing in these uncounted targets of a campaign, by their tallies, all by one snapshot. One that was set
    anew meanwhile has another tally: who was under way then may still be."""
    rows, added = await tallies.under_way(reader, campaign, wanted)
    zone = ZoneInfo((await targets.time_zones(reader, [campaign])).get(campaign, DEFAULT_TIMEZONE))
    counts = []
    for row in rows:
        target = target_of(row)
        days = await _count(reader, target, zone)
        add_up(days, {day: -amount for day, amount in added.get((campaign, target.target), {}).items()})
        counts.append((target, row["tally"], days))
    return counts


async def _count(reader: Conn, target: Target, zone: ZoneInfo) -> Contribution:
    if target.measure in FUNNEL and target.employers is None:
        quarters = await tallies.by_quarters(reader, target.campaign, target.measure, target.attributes, target.fairs)
        return _by_days(quarters, zone)
    days: Contribution = {}
    async for _, journey in journeys.scan(reader, target.campaign):
        add_up(days, contribution(journey, milestones(journey), target, zone))
    return days


def _by_days(quarters: dict[int, int], zone: ZoneInfo) -> Contribution:
    days: Contribution = {}
    for quarter, count in quarters.items():
        moment = _EPOCH + timedelta(microseconds=quarter * tallies.QUARTER)
        add_up(days, {moment.astimezone(zone).date(): Decimal(count)})
    return days


async def _finish(conn: Conn, campaign: str, counts: list[Count]) -> Applied:
    reached = []
    async with conn.transaction():
        await targets.lock_beside(conn, campaign)
        for target, tally, days in sorted(counts, key=lambda count: count[0].target):
            if done := await tallies.finish(conn, (campaign, target.target), tally, days):
                row, number = done
                reached.append((target_of(row), NOTHING, number))
        asked = await messages.request(conn, await reach_milestones(conn, reached))
    return Applied(facts=0, messages=asked)
