"""What stands of a campaign, refolded whenever one of its own facts came or went; and targets counted anew."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from schemas.messages import MessageRequest
from schemas.pace import crossed
from storage.campaigns import employers, tallies, targets
from storage.database import Conn
from storage.journeys import journeys
from storage.ledger import ledger
from streams.counting import Board, add_up, target_of
from streams.domain.campaign import Campaign, Target, fold_campaign
from streams.domain.measures import Contribution, contribution, fairs_held, milestones
from streams.domain.requests import milestone_request

COUNTED_AT_ONCE: Final = 5_000  # journeys: as many as take less than a tenth of a second
NOTHING = Decimal(-1)  # below every milestone


async def standing_campaign(conn: Conn, campaign: str) -> Campaign:
    """What a campaign's own applied facts make of it, openings and employers aside."""
    facts = await ledger.facts_but_lists(conn, campaign)
    retracted = await ledger.retracted(conn, facts)
    return fold_campaign(facts, retracted)


async def refold_openings(conn: Conn, campaign: str, named: set[str]) -> None:
    """Store what stands of these openings now. An opening hangs on nothing but its own facts, of which thousands of
    others would hold up a campaign. Needs what a campaign says of itself held."""
    facts = await ledger.facts_of_openings(conn, campaign, named)
    now_stands = fold_campaign(facts, await ledger.retracted(conn, facts)).openings
    rows = [{**asdict(opening), "campaign": campaign} for opening in now_stands.values()]
    await targets.replace_openings(conn, campaign, named, rows)


async def refold_employers(conn: Conn, campaign: str, named: set[str]) -> None:
    """Store what is said of these employers now; like openings, each hangs on nothing but its own facts. Needs what a
    campaign says of itself held."""
    facts = await ledger.facts_of_employers(conn, campaign, named)
    now_stands = fold_campaign(facts, await ledger.retracted(conn, facts)).employers
    rows = [{**asdict(employer), "campaign": campaign} for employer in now_stands.values()]
    await employers.replace(conn, campaign, named, rows)


async def refold_campaign(conn: Conn, campaign: str, board: Board, *, is_alone: bool) -> list[Target]:
    """Store what stands of a campaign now, and take the targets that stand into the board. `is_alone`: the campaign is
    held exclusively; else what it says of itself is.

    Returns those that have to be counted anew (taken off the board, so that nothing is added to them meanwhile). Where
    that would take long, or others are under way, they stay on it, uncounted: they are added to, and counted beside the
    work. Targets whose title, goal or date alone changed stay on the board too.
    """
    now_stands = await standing_campaign(conn, campaign)
    await _store(conn, campaign, now_stands)
    await targets.hold(conn, campaign)
    known = {target.target: target for target in board.targets.get(campaign, [])}
    await targets.drop(conn, campaign, sorted(known.keys() - now_stands.targets.keys()))
    zone = ZoneInfo(now_stands.particulars.timezone) if now_stands.particulars else board.zone(campaign)
    same_zone = zone == board.zone(campaign)
    anew: list[Target] = []
    steady: list[Target] = []
    for target in now_stands.targets.values():
        before = known.get(target.target)
        counts_on = before is not None and same_zone and target.measure != "fairs_held" and target.counts_like(before)
        (steady if counts_on else anew).append(target)
    await _redefine(conn, board, [target for target in steady if target != known[target.target]])
    later = await _count_later(conn, campaign, anew, is_alone=is_alone)
    board.zones[campaign], board.targets[campaign] = zone, [*steady, *later]
    board.uncounted |= {(campaign, target.target) for target in later}
    return [target for target in anew if target not in later]


async def _count_later(conn: Conn, campaign: str, anew: list[Target], *, is_alone: bool) -> list[Target]:
    """Those of these targets that are to be counted beside the work."""
    people = [target for target in anew if target.measure != "fairs_held"]
    if not people or (is_alone and not await tallies.is_large(conn, campaign, COUNTED_AT_ONCE)):
        return []
    for target in people:
        await tallies.put_uncounted(conn, definition(target))
    return people


async def count_anew(
    conn: Conn, campaign: str, wanted: list[Target], board: Board, now: datetime
) -> dict[str, Decimal]:
    """Count targets from the stored journeys and fairs, and store them. Returns their numbers by target id."""
    zone = board.zone(campaign)
    days: dict[str, Contribution] = {target.target: {} for target in wanted}
    people = [target for target in wanted if target.measure != "fairs_held"]
    if people:
        async for _, journey in journeys.scan(conn, campaign):
            standing = milestones(journey)
            for target in people:
                add_up(days[target.target], contribution(journey, standing, target, zone))
    if len(people) < len(wanted):
        fairs = (await standing_campaign(conn, campaign)).fairs.values()
        for target in wanted:
            if target.measure == "fairs_held":
                days[target.target] = fairs_held(fairs, target, now, zone)
    numbers = {}
    for target in wanted:
        numbers[target.target] = sum(days[target.target].values(), Decimal(0))
        await targets.put(conn, _row(target, numbers[target.target], now), days[target.target])
    return numbers


async def count_fairs(conn: Conn, campaign: str, now: datetime) -> list[MessageRequest]:
    """Count the `fairs_held` targets of a campaign as of `now`. Needs what it says of itself held."""
    rows = await targets.targets_of(conn, [campaign])
    wanted = [target_of(row) for row in rows if row["measure"] == "fairs_held"]
    zones = await targets.time_zones(conn, [campaign])
    board = Board(zones={name: ZoneInfo(zone) for name, zone in zones.items()})
    numbers = await count_anew(conn, campaign, wanted, board, now)
    return await reach_milestones(conn, [(target, NOTHING, numbers[target.target]) for target in wanted])


async def reach_milestones(conn: Conn, moved: list[tuple[Target, Decimal, Decimal]]) -> list[MessageRequest]:
    """Note the milestones between (target, before, after). Returns requests for those reached for the first time."""
    found = {
        (target.campaign, target.target, percent): (target, after)
        for target, before, after in moved
        for percent in crossed(before, after, target.goal)
    }
    if not found:
        return []
    rows = [(campaign, name, found[campaign, name, percent][0].goal, percent) for campaign, name, percent in found]
    new = await targets.reach(conn, rows)
    return [milestone_request(found[key][0], key[2], found[key][1]) for key in sorted(new)]


async def _redefine(conn: Conn, board: Board, changed: list[Target]) -> None:
    """One that was counted since the board was read is whole: its milestones are looked at here."""
    for target in changed:
        if await targets.redefine(conn, definition(target)):
            board.uncounted.discard((target.campaign, target.target))


async def _store(conn: Conn, campaign: str, stands_now: Campaign) -> None:
    row = None
    if stands_now.particulars:
        row = {**asdict(stands_now.particulars), "campaign": campaign, "closed": stands_now.closed}
    fairs = [
        {**asdict(fair), "campaign": campaign, "employers": list(fair.employers)} for fair in stands_now.fairs.values()
    ]
    await targets.replace_campaign(conn, campaign, row, fairs)


def definition(target: Target) -> dict[str, Any]:
    """A target as it is stored, but for its number."""
    return {
        "campaign": target.campaign,
        "target": target.target,
        "title": target.title,
        "measure": target.measure,
        "goal": target.goal,
        "due_on": target.due_on,
        "where": target.where,
    }


def _row(target: Target, progress: Decimal, now: datetime) -> dict[str, Any]:
    as_of = now if target.measure == "fairs_held" else None
    return {**definition(target), "progress": progress, "as_of": as_of}
