"""What the audit compares: stored rows beside what the facts make of them, each difference named in a report."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from decimal import Decimal

from schemas.facts import Fact
from schemas.journey import Journey
from schemas.messages import MessageRequest
from schemas.pace import crossed
from storage import auditing
from storage.auditing import StoredJourney
from storage.campaigns import breakdowns, targets
from storage.database import Conn
from storage.journeys.tags import employers, offer_ends, tags
from streams.counting import target_of
from streams.domain.breakdown import Cell
from streams.domain.campaign import Campaign, Target, make_target
from streams.domain.measures import Contribution, milestones
from streams.domain.requests import milestone_request
from streams.domain.seats import lines

NOTHING_KNOWN = Journey()  # of candidates whose facts were all retracted, stored or not
PORTION = 5000  # reasons looked up at a time
MAX_NAMED = 100  # differences that are named; the rest is counted
COUNTS = ("campaigns", "facts", "journeys", "targets", "uncounted", "behind", "unapplied", "reasons", "drift")


@dataclass(slots=True)
class Report:
    """What was compared, and what differs (at most MAX_NAMED lines; `drift` counts all). `uncounted`: targets whose
    number is not whole as yet, or who were set anew while they were counted: only their definition was compared.
    `behind`: journeys that wait to be drawn anew."""

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

    def add(self, other: Report) -> None:
        """Take over what another report found."""
        for name in COUNTS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.differences += other.differences[: MAX_NAMED - len(self.differences)]

    def differs(self, what: str) -> None:
        self.drift += 1
        if len(self.differences) < MAX_NAMED:
            self.differences.append(what)


class Reasons:
    """The reasons for messages, each of which must have its message; looked up in portions."""

    def __init__(self, conn: Conn, campaign: str, report: Report) -> None:
        self.campaign, self.report = campaign, report
        self._conn = conn
        self._expected: dict[str, MessageRequest] = {}

    async def expect(self, requests: Iterable[MessageRequest]) -> None:
        """These must have been asked for."""
        self._expected.update((request.dedupe_key, request) for request in requests)
        if len(self._expected) >= PORTION:
            await self.settle()

    async def settle(self) -> None:
        """Look up those that were expected."""
        self.report.reasons += len(self._expected)
        for key in await auditing.unasked(self._conn, self._expected.values()):
            self.report.differs(f"message of campaign {self.campaign}: the reason {key} has none")
        self._expected.clear()


class CellCount:
    """How many count in each cell of a campaign's breakdowns; of each candidate it keeps where they count."""

    def __init__(self) -> None:
        self._numbers: dict[Cell, int] = {}
        self._names: list[Cell] = []
        self._counts: list[int] = []
        self._of: dict[str, array[int]] = {}

    def count(self, candidate: str, cells: Iterable[Cell]) -> None:
        """Count a candidate in these cells, instead of in those before."""
        for number in self._of.pop(candidate, ()):
            self._counts[number] -= 1
        numbers = array("L", [self._number(cell) for cell in cells])
        for number in numbers:
            self._counts[number] += 1
        if numbers:
            self._of[candidate] = numbers

    def totals(self) -> dict[Cell, int]:
        """The cells in which somebody counts."""
        return {name: count for name, count in zip(self._names, self._counts, strict=True) if count}

    def _number(self, cell: Cell) -> int:
        number = self._numbers.setdefault(cell, len(self._names))
        if number == len(self._names):
            self._names.append(cell)
            self._counts.append(0)
        return number


async def compare_breakdowns(conn: Conn, report: Report, campaign: str, counted: CellCount) -> None:
    if await breakdowns.is_due(conn, campaign):
        return
    stored, told = await breakdowns.stored(conn, campaign), counted.totals()
    for cell in sorted(stored.keys() | told.keys()):
        if stored.get(cell, 0) != told.get(cell, 0):
            report.differs(
                f"breakdown {campaign}/{'/'.join(cell)}: stored {stored.get(cell, 0)} but its facts make"
                f" {told.get(cell, 0)}"
            )


def compare_journey(report: Report, key: tuple[str, str], stored: StoredJourney | None, journey: Journey) -> None:
    """Compare the row of one candidate (campaign, candidate) with what the facts make of them."""
    kept, what, standing = (
        stored or StoredJourney(NOTHING_KNOWN, {}, []),
        "journey {}/{}".format(*key),
        milestones(journey),
    )
    drawn = {
        "standing": (kept.standing, standing),
        "employers": (kept.employers, sorted(employers(journey))),
        "tags": (kept.tags, tags(key[1], journey, standing, plain=kept.plain)),
        "open offers' end": (kept.offer_ends, offer_ends(journey)),
        "places in line": (kept.seats, lines(journey)),
        "name and other words in the vault": ((kept.named, kept.reached), ("name" in journey.told, bool(journey.told))),
        "whether the vault hides them": (kept.hidden, journey.hidden is not None),
        "being merged": (kept.merged_into, journey.merged_into),
    }
    if kept.behind:
        report.behind += 1
        return
    if kept.journey != journey:
        report.differs(f"{what}: stored {stored and stored.journey} but its facts say {journey}")
    for name, (there, told) in drawn.items():
        if there != told:
            report.differs(f"{what}: its {name} is {there} but its facts say {told}")


async def compare_campaign(conn: Conn, report: Report, campaign: str, stands_now: Campaign) -> None:
    particulars = stands_now.particulars
    row = {**asdict(particulars), "closed": stands_now.closed} if particulars else None
    if await auditing.campaign_row(conn, campaign) != row:
        report.differs(f"campaign {campaign}: its particulars differ from the facts'")
    fairs = {name: {**asdict(fair), "employers": list(fair.employers)} for name, fair in stands_now.fairs.items()}
    called = {name: asdict(employer) for name, employer in stands_now.employers.items()}
    openings = {name: asdict(opening) for name, opening in stands_now.openings.items()}
    for kind, stored, told in (
        ("fair", await auditing.fairs(conn, campaign), fairs),
        ("employer", await auditing.employers(conn, campaign), called),
        ("opening", await auditing.openings(conn, campaign), openings),
    ):
        for name in sorted(stored.keys() | told.keys()):
            if stored.get(name) != told.get(name):
                report.differs(
                    f"{kind} {campaign}/{name}: stored {stored.get(name)} but its facts say {told.get(name)}"
                )


async def compare_milestones(
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


async def compare_targets(
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
        _compare_target(report, target, rows[name], counted.get(name), stored_days.get((campaign, name), {}))


def _compare_target(
    report: Report, target: Target, row: dict[str, object], counted: Contribution | None, stored_days: Contribution
) -> None:
    """`counted` is None where it was not."""
    name = f"target {target.campaign}/{target.target}"
    if target_of(row) != target:
        report.differs(f"{name}: its stored definition differs from the facts'")
    if row["tally"] is not None or counted is None:
        report.uncounted += 1
        return
    number = sum(counted.values(), Decimal(0))
    if row["progress"] != number:
        report.differs(f"{name}: stored {row['progress']} but its facts make {number}")
    if stored_days != {day: amount for day, amount in counted.items() if amount}:
        report.differs(f"{name}: its days differ from the facts'")
