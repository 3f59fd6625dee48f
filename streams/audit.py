"""The proof: every derived row drawn anew from the facts, and compared with what is stored.

Journeys and what is drawn from them, targets and their days, milestones, campaigns, fairs, seats, openings,
retractions, and messages: each reason has its message. One snapshot of the database (REPEATABLE READ), so it may run
while facts come in. It shares the fold with the worker, but none of the incremental path: no merging, no differences,
no stored retractions. A journey that another version of Yinfeng wrote waits to be drawn anew, and is not compared yet.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from psycopg import IsolationLevel

from schemas.facts import Fact
from schemas.journey import Journey
from schemas.messages import MessageRequest
from storage import auditing, ledger, targets
from storage.auditing import StoredJourney
from storage.database import Conn, translated
from storage.journeys import employers
from streams.counting import add_up, target_of
from streams.domain.campaign import DEFAULT_TIMEZONE, Campaign, Target, fold_campaign, make_target
from streams.domain.fold import fold, retractions, stands
from streams.domain.measures import Contribution, contribution, fairs_held, milestones
from streams.domain.requests import candidate_requests, crossed, milestone_request
from streams.domain.seats import lines

NOTHING_KNOWN = Journey()  # of candidates whose facts were all retracted, stored or not
PORTION = 5000  # reasons looked up at a time
MAX_NAMED = 100  # differences that are named; the rest is counted


@dataclass(slots=True)
class Report:
    """What was compared, and what differs (at most MAX_NAMED lines; `drift` counts all). `uncounted`: targets whose
    number is not whole as yet, so that only their definition was compared; `behind`: journeys that wait to be drawn
    anew."""

    campaigns: int = 0
    facts: int = 0
    journeys: int = 0
    targets: int = 0
    uncounted: int = 0
    behind: int = 0
    unapplied: int = 0
    reasons: int = 0
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
            for seq in await auditing.astray(conn):
                report.differs(f"outbox: number {seq} is none of the ledger's")
            for campaign in await ledger.campaigns(conn):
                await _audit_campaign(conn, campaign, report)
    return report


async def _audit_campaign(conn: Conn, campaign: str, report: Report) -> None:
    report.campaigns += 1
    retracted = retractions(await ledger.applied_retractions(conn, campaign))
    own = await ledger.facts_of_campaign(conn, campaign)
    report.facts += len(own)
    stands_now = fold_campaign(own, retracted)
    rows = {row["target"]: row for row in await targets.targets_of(conn, [campaign])}
    zone = ZoneInfo(stands_now.particulars.timezone if stands_now.particulars else DEFAULT_TIMEZONE)
    counted: dict[str, Contribution] = {name: {} for name in stands_now.targets}
    reasons = Reasons(conn, campaign, report)
    ours, theirs = _by_candidate(conn, campaign), auditing.journeys(conn, campaign)
    async for candidate, facts, stored in _side_by_side(ours, theirs):
        report.facts += len(facts)
        report.journeys += 1
        standing_facts = [fact for fact in facts if stands(fact, retracted)]
        journey = fold(standing_facts)
        _compare_journey(report, f"journey {campaign}/{candidate}", stored, journey)
        standing = milestones(journey)
        for name, target in stands_now.targets.items():
            add_up(counted[name], contribution(journey, standing, target, zone))
        if not journey.erased:
            await reasons.expect(request for fact in standing_facts for request in candidate_requests(fact))
    for name, target in stands_now.targets.items():
        if target.measure == "fairs_held":
            as_of = rows[name]["as_of"] if name in rows else datetime.now(UTC)
            counted[name] = fairs_held(stands_now.fairs.values(), target, as_of, zone)
    await _compare_targets(conn, report, campaign, stands_now=stands_now, rows=rows, counted=counted)
    await _compare_campaign(conn, report, campaign, stands_now)
    whole = {name: days for name, days in counted.items() if name not in rows or rows[name]["tally"] is None}
    await _compare_milestones(conn, reasons, own, stands_now, whole)
    await _compare_the_rest(conn, report, campaign, {(source, id) for _, source, id in retracted})
    await reasons.settle()


def _compare_journey(report: Report, what: str, stored: StoredJourney | None, journey: Journey) -> None:
    kept = stored or StoredJourney(NOTHING_KNOWN, None, {}, [])
    drawn = {
        "name": (kept.name, journey.attribute("name")),
        "standing": (kept.standing, milestones(journey)),
        "employers": (kept.employers, sorted(employers(journey))),
        "places in line": (kept.seats, lines(journey)),
    }
    if kept.behind:
        report.behind += 1
        return
    if kept.journey != journey:
        report.differs(f"{what}: stored {stored and stored.journey} but its facts say {journey}")
    for name, (there, told) in drawn.items():
        if there != told:
            report.differs(f"{what}: its {name} is {there} but its facts say {told}")


async def _compare_campaign(conn: Conn, report: Report, campaign: str, stands_now: Campaign) -> None:
    particulars = stands_now.particulars
    row = {**asdict(particulars), "closed": stands_now.closed} if particulars else None
    if await auditing.campaign_row(conn, campaign) != row:
        report.differs(f"campaign {campaign}: its particulars differ from the facts'")
    fairs = {name: {**asdict(fair), "employers": list(fair.employers)} for name, fair in stands_now.fairs.items()}
    openings = {name: asdict(opening) for name, opening in stands_now.openings.items()}
    for kind, stored, told in (
        ("fair", await auditing.fairs(conn, campaign), fairs),
        ("opening", await auditing.openings(conn, campaign), openings),
    ):
        for name in sorted(stored.keys() | told.keys()):
            if stored.get(name) != told.get(name):
                report.differs(
                    f"{kind} {campaign}/{name}: stored {stored.get(name)} but its facts say {told.get(name)}"
                )


async def _compare_milestones(
    conn: Conn, reasons: Reasons, own: list[Fact], stands_now: Campaign, counted: dict[str, Contribution]
) -> None:
    """Those must have been reached that the numbers of now are above; each was reached for a goal that was once set."""
    stored = await auditing.milestones(conn, reasons.campaign)
    for name, days in counted.items():
        target, number = stands_now.targets[name], sum(days.values(), Decimal(0))
        for percent in crossed(Decimal(-1), number, target.goal):
            if not any((t, p) == (name, percent) and goal == target.goal for t, goal, p in stored):
                reasons.report.differs(
                    f"milestone {reasons.campaign}/{name}: {percent} % of {target.goal} is not noted"
                )
    ever = {(f.data["target"], Decimal(str(f.data["goal"]))): f for f in own if f.type == "target.set"}
    for name, goal, percent in sorted(stored):
        fact = ever.get((name, goal))
        if fact is None:
            reasons.report.differs(f"milestone {reasons.campaign}/{name}: no fact ever set a goal of {goal}")
        else:
            target = make_target(reasons.campaign, fact.data)
            await reasons.expect([milestone_request(target, percent, Decimal(0))])


async def _compare_the_rest(conn: Conn, report: Report, campaign: str, retracted: set[tuple[str, str]]) -> None:
    for source, id in sorted((await auditing.retractions(conn, campaign)) ^ retracted):
        report.differs(f"retraction {campaign}: of {source} {id} is noted or said, but not both")
    for seat in await auditing.seats(conn, campaign):
        report.differs(f"seats {campaign}/{seat}")
    for message in await auditing.unfounded(conn, campaign):
        report.differs(f"message {message}: the fact that asked for it is not in the ledger")
    for message in await auditing.sent_twice(conn, campaign):
        report.differs(f"message {message}: it went more than once, and nobody let it")


class Reasons:
    """The reasons for messages, each of which must have its message; looked up in portions."""

    def __init__(self, conn: Conn, campaign: str, report: Report) -> None:
        self.campaign, self.report = campaign, report
        self._conn = conn
        self._keys: set[str] = set()

    async def expect(self, requests: Iterable[MessageRequest]) -> None:
        """These must have been asked for."""
        self._keys.update(request.dedupe_key for request in requests)
        if len(self._keys) >= PORTION:
            await self.settle()

    async def settle(self) -> None:
        """Look up those that were expected."""
        self.report.reasons += len(self._keys)
        for key in await auditing.unasked(self._conn, self._keys):
            self.report.differs(f"message of campaign {self.campaign}: the reason {key} has none")
        self._keys.clear()


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
    facts: AsyncIterator[tuple[str, list[Fact]]], stored: AsyncIterator[tuple[str, StoredJourney]]
) -> AsyncIterator[tuple[str, list[Fact], StoredJourney | None]]:
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
    if row["tally"] is not None:
        report.uncounted += 1
        return
    if row["progress"] != number:
        report.differs(f"{name}: stored {row['progress']} but its facts make {number}")
    if stored_days != {day: amount for day, amount in counted.items() if amount}:
        report.differs(f"{name}: its days differ from the facts'")
