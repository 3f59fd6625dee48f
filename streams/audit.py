"""The proof: every derived row drawn anew from the facts, and compared with what is stored.

Journeys and what is drawn from them, whom the vault knows, targets and their days, breakdowns, milestones, campaigns,
fairs, employers, seats, openings, retractions, and messages: each reason has its message. It shares the fold with the
worker, but none of the incremental path: no merging, no differences. Which facts are retracted and who is one person is
taken as noted, and that is compared with the facts apart. A journey that another version of Yinfeng wrote waits to be
drawn anew, and is not compared yet.

It may run while facts come in, and holds no snapshot for long: candidates are compared slice by slice, each slice in a
snapshot of its own. What each adds to the targets is kept; at the end, in one more snapshot, those who changed
meanwhile are compared again, and the sums with the targets as they stand in that very snapshot.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from psycopg import IsolationLevel

from schemas.facts import Fact
from storage import auditing
from storage.auditing import StoredJourney
from storage.campaigns import targets
from storage.database import Conn, Horizon, translated
from storage.ledger import ledger
from streams import merging
from streams.comparing import (
    CellCount,
    Reasons,
    Report,
    compare_breakdowns,
    compare_campaign,
    compare_journey,
    compare_milestones,
    compare_targets,
)
from streams.counting import add_up
from streams.domain.breakdown import cells
from streams.domain.campaign import DEFAULT_TIMEZONE, Campaign, fold_campaign
from streams.domain.fold import fold, stands
from streams.domain.measures import Contribution, contribution, fairs_held, milestones
from streams.domain.requests import candidate_requests
from streams.effects import lasting

SLICE: Final = 4000  # facts compared in one snapshot: about a tenth of a second
FEW: Final = 1000  # candidates who changed meanwhile, compared together with the targets
ROUNDS: Final = 5  # after so many, those who changed are compared however many they are
TRIES: Final = 3  # where a campaign's targets are set anew while they are counted, it is begun again

Pause = Callable[[], Awaitable[None]]
Share = tuple[int, date, Decimal]  # what a candidate adds: to which target, on which day, how much


async def _no_pause() -> None:
    await asyncio.sleep(0)


async def audit(conn: Conn, *, size: int = SLICE, pause: Pause = _no_pause) -> Report:
    """Compare everything, `size` facts at a time; `pause` comes between slices. Raises DatabaseUnavailable."""
    report = Report()
    with translated():
        await conn.set_isolation_level(IsolationLevel.REPEATABLE_READ)
        report.unapplied = await ledger.count_pending(conn)
        for seq in await auditing.astray(conn):
            report.differs(f"outbox: number {seq} is none of the ledger's")
        for campaign in await ledger.campaigns(conn):
            await _audit_campaign(conn, campaign, report, size, pause)
    return report


async def _audit_campaign(conn: Conn, campaign: str, report: Report, size: int, pause: Pause) -> None:
    for left in reversed(range(TRIES)):
        found = Report(campaigns=1)
        work = _Work(conn, campaign, found, size, pause)
        if await work.compare() or not left:
            break
    report.add(found)
    for source, id in await auditing.retractions_apart(conn, campaign):
        report.differs(f"retraction {campaign}: of {source} {id} is noted or said, but not both")
    for one, other in await auditing.merges_apart(conn, campaign):
        report.differs(f"merge {campaign}: of {one} and {other} the facts say otherwise than it is noted")
    async with conn.transaction():
        for seat in await auditing.seats(conn, campaign):
            report.differs(f"seats {campaign}/{seat}")
    for stranger in await auditing.strangers(conn, campaign):
        report.differs(f"journey {campaign}/{stranger}: the vault knows a person who has none")
    for message in await auditing.unfounded(conn, campaign):
        report.differs(f"message {message}: the fact that asked for it is not in the ledger")
    for message in await auditing.sent_twice(conn, campaign):
        report.differs(f"message {message}: it went more than once, and nobody let it")


@dataclass(frozen=True, slots=True)
class _Own:
    """What a campaign's own facts say in one snapshot."""

    facts: list[Fact]
    stands_now: Campaign

    @property
    def zone(self) -> ZoneInfo:
        particulars = self.stands_now.particulars
        return ZoneInfo(particulars.timezone if particulars else DEFAULT_TIMEZONE)


class _Work:
    """The comparison of one campaign."""

    def __init__(self, conn: Conn, campaign: str, report: Report, size: int, pause: Pause) -> None:
        self._conn, self._campaign, self._report, self._size, self._pause = conn, campaign, report, size, pause
        self._counted: list[Contribution] = []
        self._shares: dict[str, tuple[Share, ...]] = {}  # of each candidate who adds to any target
        self._alike: dict[tuple[Share, ...], tuple[Share, ...]] = {}  # most add the same as many others
        self._seen: set[str] = set()
        self._cells = CellCount()

    async def compare(self) -> bool:
        """Whether the targets stayed what they were, so that their numbers could be compared."""
        async with self._snapshot():
            own, horizon = await self._own(), await auditing.horizon(self._conn)
        self._targets, self._zone = list(own.stands_now.targets.values()), own.zone
        self._counted = [{} for _ in self._targets]
        await self._slices()
        horizon = await self._catch_up(horizon)
        async with self._snapshot():
            await self._again(await auditing.changed(self._conn, self._campaign, horizon))
            return await self._compare_sums()

    def _snapshot(self) -> AbstractAsyncContextManager[Any]:
        return self._conn.transaction()

    async def _own(self) -> _Own:
        facts = await ledger.facts_of_campaign(self._conn, self._campaign)
        return _Own(facts, fold_campaign(facts, await ledger.retracted(self._conn, facts)))

    async def _slices(self) -> None:
        after: str = ""
        upto: str | None = ""
        while upto is not None:
            async with self._snapshot():
                upto = await auditing.bound(self._conn, self._campaign, after, self._size)
                facts = await auditing.facts_between(self._conn, self._campaign, after, upto)
                stored = await auditing.journeys_between(self._conn, self._campaign, after, upto)
                await self._compare(*self._not_yet(facts, stored))
            after = upto or after
            await self._pause()

    async def _catch_up(self, horizon: Horizon) -> Horizon:
        """Compare those again who changed since, until they are few enough to be compared together with the sums."""
        for _ in range(ROUNDS):
            async with self._snapshot():
                later = await auditing.horizon(self._conn)
                changed = await auditing.changed(self._conn, self._campaign, horizon)
            if len(changed) <= FEW:
                break
            for start in range(0, len(changed), FEW):
                async with self._snapshot():
                    await self._again(changed[start : start + FEW])
                await self._pause()
            horizon = later
        return horizon

    async def _again(self, candidates: list[str]) -> None:
        keys = [(self._campaign, candidate) for candidate in candidates]
        facts = await ledger.facts_of_candidates(self._conn, keys) if keys else {}
        stored = await auditing.journeys_of(self._conn, self._campaign, candidates)
        await self._compare({candidate: told for (_, candidate), told in facts.items()}, stored)

    def _not_yet(
        self, facts: dict[str, list[Fact]], stored: dict[str, StoredJourney]
    ) -> tuple[dict[str, list[Fact]], dict[str, StoredJourney]]:
        """Without those who were compared in an earlier slice, with somebody who is the same person."""
        return (
            {candidate: told for candidate, told in facts.items() if candidate not in self._seen},
            {candidate: journey for candidate, journey in stored.items() if candidate not in self._seen},
        )

    async def _complete(self, facts: dict[str, list[Fact]], stored: dict[str, StoredJourney]) -> merging.Groups:
        """Read whoever is one person with some of these as well. Returns their groups."""
        known = {(self._campaign, candidate) for candidate in facts.keys() | stored.keys()}
        groups = {
            key: group for key, group in (await merging.standing(self._conn, known)).items() if len(group.members) > 1
        }
        if missing := groups.keys() - known:
            told = await ledger.facts_of_candidates(self._conn, missing)
            facts |= {candidate: said for (_, candidate), said in told.items()}
            stored |= await auditing.journeys_of(self._conn, self._campaign, [each for _, each in sorted(missing)])
        return groups

    async def _compare(self, facts: dict[str, list[Fact]], stored: dict[str, StoredJourney]) -> None:
        """Compare some candidates, within a snapshot: all their facts, and all their journeys."""
        groups = await self._complete(facts, stored)
        retracted = await ledger.retracted(self._conn, [fact for told in facts.values() for fact in told])
        standing_facts = {
            (self._campaign, candidate): [fact for fact in facts.get(candidate, []) if stands(fact, retracted)]
            for candidate in facts.keys() | stored.keys() | {member for _, member in groups}
        }
        carried = merging.fold_groups(groups, standing_facts)
        reasons = Reasons(self._conn, self._campaign, self._report)
        for candidate in sorted(facts.keys() | stored.keys()):
            told = facts.get(candidate, [])
            if candidate not in self._seen:
                self._report.facts += len(told)
                self._report.journeys += 1
                self._seen.add(candidate)
            key = (self._campaign, candidate)
            journey = carried[key] if key in carried else fold(standing_facts[key])
            compare_journey(self._report, key, stored.get(candidate), journey)
            standing = milestones(journey)
            self._count(candidate, [contribution(journey, standing, each, self._zone) for each in self._targets])
            self._cells.count(candidate, cells(journey, standing))
            told = lasting(candidate, journey, standing_facts[key])
            await reasons.expect(request for fact in told for request in candidate_requests(fact))
        await reasons.settle()

    def _count(self, candidate: str, contributions: Iterable[Contribution]) -> None:
        """Count what a candidate adds, instead of what was counted of them before."""
        shares = tuple((nth, day, amount) for nth, days in enumerate(contributions) for day, amount in days.items())
        for nth, day, amount in self._shares.pop(candidate, ()):
            add_up(self._counted[nth], {day: -amount})
        for nth, day, amount in shares:
            add_up(self._counted[nth], {day: amount})
        if shares:
            self._shares[candidate] = self._alike.setdefault(shares, shares)

    async def _compare_sums(self) -> bool:
        """Compare the campaign's own rows, and its targets with what was counted; False where they are others now than
        those that were counted."""
        own = await self._own()
        stands_now, rows = own.stands_now, await targets.targets_of(self._conn, [self._campaign])
        by_name = {row["target"]: row for row in rows}
        same = list(stands_now.targets.values()) == self._targets and own.zone == self._zone
        counted = dict(zip(stands_now.targets, self._counted, strict=True)) if same else {}
        for name, target in stands_now.targets.items():
            if target.measure == "fairs_held":
                as_of = by_name[name]["as_of"] if name in by_name else datetime.now(UTC)
                counted[name] = fairs_held(stands_now.fairs.values(), target, as_of, own.zone)
        self._report.facts += len(own.facts)
        reasons = Reasons(self._conn, self._campaign, self._report)
        await compare_targets(
            self._conn, self._report, self._campaign, stands_now=stands_now, rows=by_name, counted=counted
        )
        await compare_campaign(self._conn, self._report, self._campaign, stands_now)
        whole = {name: days for name, days in counted.items() if name not in by_name or by_name[name]["tally"] is None}
        await compare_milestones(self._conn, reasons, own.facts, stands_now, whole)
        await reasons.settle()
        await compare_breakdowns(self._conn, self._report, self._campaign, self._cells)
        return same
