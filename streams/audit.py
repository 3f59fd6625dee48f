"""The proof: every journey folded anew from its facts, every target counted anew, and compared with what is stored.

One snapshot of the database (REPEATABLE READ), so it may run while facts come in. It shares the fold with the worker,
but none of the incremental path: no merging, no differences, no stored retractions.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from psycopg import IsolationLevel

from schemas.facts import Fact
from schemas.journey import Journey
from storage import journeys, ledger, targets
from storage.database import Conn, translated
from streams.counting import add_up, target_of
from streams.domain.campaign import DEFAULT_TIMEZONE, Campaign, Target, fold_campaign
from streams.domain.fold import fold, retractions, stands
from streams.domain.measures import Contribution, contribution, fairs_held, milestones

NOTHING_KNOWN = Journey()  # of candidates whose facts were all retracted, stored or not
MAX_NAMED = 100  # differences that are named; the rest is counted


@dataclass(slots=True)
class Report:
    """What was compared, and what differs (at most MAX_NAMED lines; `drift` counts all)."""

    campaigns: int = 0
    facts: int = 0
    journeys: int = 0
    targets: int = 0
    unapplied: int = 0
    drift: int = 0
    differences: list[str] = field(default_factory=list)

    def differs(self, what: str) -> None:
        self.drift += 1
        if len(self.differences) < MAX_NAMED:
            self.differences.append(what)


async def audit(conn: Conn) -> Report:
    """Compare everything. Raises DatabaseUnavailable."""
    report = Report()
    with translated():
        await conn.set_isolation_level(IsolationLevel.REPEATABLE_READ)
        async with conn.transaction():
            report.unapplied = await ledger.count_pending(conn)
            for campaign in await ledger.campaigns(conn):
                await _audit_campaign(conn, campaign, report)
    return report


async def _audit_campaign(conn: Conn, campaign: str, report: Report) -> None:
    report.campaigns += 1
    retracted = retractions(await ledger.applied_retractions(conn, campaign))
    own = await ledger.facts_of_campaign(conn, campaign)
    report.facts += len(own)
    stands_now = fold_campaign(fact for fact in own if stands(fact, retracted))
    rows = {row["target"]: row for row in await targets.targets_of(conn, [campaign])}
    zone = ZoneInfo(stands_now.particulars.timezone if stands_now.particulars else DEFAULT_TIMEZONE)
    counted: dict[str, Contribution] = {name: {} for name in stands_now.targets}
    async for candidate, facts, stored in _side_by_side(_by_candidate(conn, campaign), journeys.scan(conn, campaign)):
        report.facts += len(facts)
        report.journeys += 1
        journey = fold(fact for fact in facts if stands(fact, retracted))
        if (stored or NOTHING_KNOWN) != journey:
            report.differs(f"journey {campaign}/{candidate}: stored {stored} but its facts say {journey}")
        standing = milestones(journey)
        for name, target in stands_now.targets.items():
            add_up(counted[name], contribution(journey, standing, target, zone))
    for name, target in stands_now.targets.items():
        if target.measure == "fairs_held":
            as_of = rows[name]["as_of"] if name in rows else datetime.now(UTC)
            counted[name] = fairs_held(stands_now.fairs.values(), target, as_of, zone)
    await _compare_targets(conn, report, campaign, stands_now=stands_now, rows=rows, counted=counted)


async def _by_candidate(conn: Conn, campaign: str) -> AsyncIterator[tuple[str, list[Fact]]]:
    candidate: str | None = None
    facts: list[Fact] = []
    async for fact in ledger.scan_candidates(conn, campaign):
        if fact.candidate != candidate:
            if candidate is not None:
                yield candidate, facts
            candidate, facts = fact.candidate, []
        facts.append(fact)
    if candidate is not None:
        yield candidate, facts


async def _side_by_side(
    facts: AsyncIterator[tuple[str, list[Fact]]], stored: AsyncIterator[tuple[str, Journey]]
) -> AsyncIterator[tuple[str, list[Fact], Journey | None]]:
    """Both come in the order of candidates; a candidate that only one of them has is given all the same."""
    ours, theirs = await anext(facts, None), await anext(stored, None)
    while ours is not None or theirs is not None:
        if theirs is None or (ours is not None and ours[0] < theirs[0]):
            assert ours is not None
            yield ours[0], ours[1], None
            ours = await anext(facts, None)
        elif ours is None or theirs[0] < ours[0]:
            yield theirs[0], [], theirs[1]
            theirs = await anext(stored, None)
        else:
            yield ours[0], ours[1], theirs[1]
            ours, theirs = await anext(facts, None), await anext(stored, None)


async def _compare_targets(
    conn: Conn,
    report: Report,
    campaign: str,
    *,
    stands_now: Campaign,
    rows: dict[str, dict[str, object]],
    counted: dict[str, Contribution],
) -> None:
    stored_days = await targets.days_of(conn, [campaign])
    report.targets += len(rows)
    for name in sorted(rows.keys() - stands_now.targets.keys()):
        report.differs(f"target {campaign}/{name}: stored, but no fact sets it")
    for name, target in sorted(stands_now.targets.items()):
        if name not in rows:
            report.differs(f"target {campaign}/{name}: set by a fact, but not stored")
            continue
        _compare_target(report, target, rows[name], counted[name], stored_days.get((campaign, name), {}))


def _compare_target(
    report: Report, target: Target, row: dict[str, object], counted: Contribution, stored_days: Contribution
) -> None:
    name, number = f"target {target.campaign}/{target.target}", sum(counted.values(), Decimal(0))
    if target_of(row) != target:
        report.differs(f"{name}: its stored definition differs from the facts'")
    if row["progress"] != number:
        report.differs(f"{name}: stored {row['progress']} but its facts make {number}")
    if stored_days != {day: amount for day, amount in counted.items() if amount}:
        report.differs(f"{name}: its days differ from the facts'")
