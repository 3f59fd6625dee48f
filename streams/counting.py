"""Targets with what it takes to count them, and the sum of what a batch of journeys changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, tzinfo
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from schemas.journey import Journey
from schemas.pace import crossed_by
from storage.campaigns import targets
from storage.campaigns.targets import TargetKey
from storage.database import Conn
from streams.domain.breakdown import Cell
from streams.domain.campaign import DEFAULT_TIMEZONE, Target, make_target
from streams.domain.measures import Contribution, contribution, difference

Totals = dict[TargetKey, Contribution]
NOTHING: Final[Contribution] = {}
CellTotals = dict[str, dict[Cell, int]]  # by campaign


@dataclass(slots=True)
class Board:
    """The targets of some campaigns, by campaign, and each campaign's time zone. `uncounted`: those that are added to,
    but whose number is not whole as yet. `retracting`: the campaigns of which anything was ever retracted. `progress`:
    each target's number as it was read; others may have added to it since."""

    targets: dict[str, list[Target]] = field(default_factory=dict)
    uncounted: set[TargetKey] = field(default_factory=set)
    zones: dict[str, tzinfo] = field(default_factory=dict)
    retracting: set[str] = field(default_factory=set)
    progress: dict[TargetKey, Decimal] = field(default_factory=dict)

    def zone(self, campaign: str) -> tzinfo:
        return self.zones.get(campaign) or ZoneInfo(DEFAULT_TIMEZONE)

    def contributions(self, campaign: str, journey: Journey, standing: dict[str, int]) -> list[Contribution]:
        """What a journey adds to each of its campaign's targets, in their order."""
        zone = self.zone(campaign)
        return [contribution(journey, standing, target, zone) for target in self.targets.get(campaign, ())]

    def target(self, key: TargetKey) -> Target:
        return next(target for target in self.targets[key[0]] if target.target == key[1])

    def comes_to_milestone(self, totals: Totals) -> bool:
        """Whether these additions take a target to a milestone, as far as was read of it."""
        return any(
            crossed_by(sum(days.values(), Decimal(0)), at, self.target(key).goal)
            for key, days in totals.items()
            if key not in self.uncounted and (at := self.progress.get(key)) is not None
        )


async def load_board(conn: Conn, campaigns: Iterable[str]) -> Board:
    """The targets of these campaigns as they stand in the database."""
    board = Board()
    for row in await targets.board_of(conn, campaigns):
        campaign = row["campaign"]
        if row["target"] is not None:
            board.targets.setdefault(campaign, []).append(target_of(row))
            board.progress[campaign, row["target"]] = row["progress"]
        if row["tally"] is not None:
            board.uncounted.add((campaign, row["target"]))
        if row["timezone"] is not None:
            board.zones[campaign] = ZoneInfo(row["timezone"])
        if row["retracting"]:
            board.retracting.add(campaign)
    return board


def target_of(row: Mapping[str, Any]) -> Target:
    """A stored target's definition."""
    return make_target(row["campaign"], dict(row))


def note_difference(
    totals: Totals, targets_of_campaign: list[Target], before: list[Contribution], after: list[Contribution]
) -> None:
    """Add to `totals` what one journey changed in each target of its campaign. `before`: nothing, where the journey is
    new."""
    for nth, target in enumerate(targets_of_campaign):
        if changed := difference(before[nth] if before else NOTHING, after[nth]):
            add_up(totals.setdefault((target.campaign, target.target), {}), changed)


def note_cells(totals: CellTotals, campaign: str, before: list[Cell], after: list[Cell]) -> None:
    """Add to `totals` what one journey changed in its campaign's breakdowns."""
    if before == after:
        return
    found = totals.setdefault(campaign, {})
    for cell in after:
        found[cell] = found.get(cell, 0) + 1
    for cell in before:
        found[cell] = found.get(cell, 0) - 1


def add_up(total: Contribution, more: Mapping[date, Decimal]) -> None:
    """Add one contribution to another, day by day."""
    for day, amount in more.items():
        total[day] = total[day] + amount if day in total else amount
