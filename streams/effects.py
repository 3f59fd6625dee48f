"""What a batch makes of journeys, before any of it is written: each is read, changed, and held against what it was."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from schemas.facts import Fact
from schemas.journey import Journey, Stamp
from schemas.messages import MessageRequest
from schemas.sealed import personal_names
from storage.campaigns import seats
from storage.campaigns.seats import LineChange
from storage.database import Conn
from storage.journeys import journeys
from storage.journeys.journeys import Stored
from storage.ledger import ledger
from storage.ledger.ledger import JourneyKey
from storage.vault.at_hand import AtHand
from streams import merging
from streams.counting import Board, CellTotals, Totals, note_cells, note_difference
from streams.domain.breakdown import cells
from streams.domain.fold import SIGNUP, fold, is_before, merge, stands
from streams.domain.measures import milestones
from streams.domain.requests import candidate_requests
from streams.domain.seats import lines, moves
from streams.persons import Persons


@dataclass(slots=True)
class Effects:
    """What a batch makes of journeys, before any of it is written: what it adds to targets and breakdowns (`totals`,
    `spread`), who moves in lines, which messages are asked for, and who may be told now what waited (`reached`: for an
    address; `agreed`: for consent to go abroad; `merged`: for what is known of them as one person)."""

    persons: Persons
    journeys: dict[JourneyKey, tuple[Stored, dict[str, int]]] = field(default_factory=dict)
    totals: Totals = field(default_factory=dict)
    spread: CellTotals = field(default_factory=dict)
    moved: list[LineChange] = field(default_factory=list)
    asked: list[MessageRequest] = field(default_factory=list)
    reached: list[JourneyKey] = field(default_factory=list)
    agreed: list[JourneyKey] = field(default_factory=list)
    merged: list[JourneyKey] = field(default_factory=list)

    @property
    def are_plain(self) -> bool:
        """Whether they change no message that there is already, and nobody's key: then none of what is written waits
        for anything else."""
        if self.reached or self.agreed or self.merged or not self.persons.are_only_named:
            return False
        return not any(knows_erasures(row.journey) for row, _ in self.journeys.values())


async def change_journeys(
    conn: Conn,
    board: Board,
    standing: list[Fact],
    gone: list[Fact],
    *,
    at_hand: AtHand,
    foreseen: Mapping[JourneyKey, Stored] | None,
) -> Effects:
    """Read the journeys, but for those that were `foreseen`, and change them."""
    by_key: dict[JourneyKey, list[Fact]] = {}
    for fact in standing:
        if fact.candidate is not None:
            by_key.setdefault((fact.campaign, fact.candidate), []).append(fact)
    taken_from = {(f.campaign, f.candidate) for f in gone if f.candidate is not None}
    said = merging.words([*standing, *gone])
    if foreseen is not None:
        stored = {key: foreseen[key] for key in by_key}
    else:
        stored = await journeys.load(conn, by_key.keys() | taken_from | merging.named(said))
    groups = await merging.regroup(conn, stored, said)
    partial = {key for key, row in stored.items() if not row.whole}
    refolded = await refold(conn, taken_from | partial | groups.keys())
    # What was written to the person went to one address: it may be the other's.
    await merging.end_links(conn, merging.parted(stored, groups) if said else [], groups, refolded)
    anew = merging.fold_groups(groups, refolded)
    stood = await seats.standing(conn, partial) if partial else {}
    changes = Effects(Persons(at_hand))
    for key, row in stored.items():
        changes.persons.before(key, row.journey)
        stood_at = milestones(row.journey) if row.version else {}
        before = board.contributions(key[0], row.journey, stood_at) if row.version else []
        was_in = cells(row.journey, stood_at) if row.version else []
        was = stood.get(key, {}) if key in partial else lines(row.journey) if row.version else {}
        told = merging.of_group(groups, key, by_key)
        _advance(row, told, refolded.get(key), anew.get(key))
        changes.moved += seat_changes(key, was, row.journey, told)
        now_stands = milestones(row.journey)
        after = board.contributions(key[0], row.journey, now_stands)
        note_difference(changes.totals, board.targets.get(key[0], []), before, after)
        note_cells(changes.spread, key[0], was_in, cells(row.journey, now_stands))
        changes.journeys[key] = (row, now_stands)
        changes.persons.after(key, row.journey, merging.of_group(groups, key, refolded) if key in refolded else told)
    _note_messages(changes, by_key, groups, merging.named(said))
    return changes


def _note_messages(
    changes: Effects, by_key: Mapping[JourneyKey, list[Fact]], groups: merging.Groups, named: Collection[JourneyKey]
) -> None:
    """Whom these facts let be told something, or ask to tell something. `named`: who is said to be one person, or not
    any more."""
    changes.merged = merging.together(groups, named)
    # Of whom nothing was known, nothing waited for an address.
    known = [(key, facts) for key, facts in by_key.items() if changes.journeys[key][0].version]
    told_by = [key for key, facts in known if _brings_address(facts)]
    changes.reached = merging.together(groups, [*told_by, *changes.merged])
    agreed = [key for key, facts in known if any(map(_lets_go_abroad, facts))]
    changes.agreed = merging.together(groups, [*agreed, *changes.merged])
    changes.asked = [
        request
        for key, facts in by_key.items()
        for fact in lasting(key[1], changes.journeys[key][0].journey, facts)
        for request in candidate_requests(fact)
    ]


def seat_changes(
    key: JourneyKey, was: Mapping[str, Stamp], journey: Journey, facts: Sequence[Fact]
) -> list[LineChange]:
    """What these facts move in the lines of fairs, of a candidate who stood so."""
    return [
        LineChange((*key, move.fair), move.at, joins=move.fair not in was, anew=move.anew)
        for move in moves(was, journey, facts)
    ]


def _advance(row: Stored, facts: list[Fact], refolded: list[Fact] | None, carried: Journey | None) -> None:
    if carried is not None:
        row.journey = carried
        return
    if refolded is not None:
        row.journey = fold(refolded)
        return
    for fact in facts:
        merge(row.journey, fact)


def lasting(candidate: str, journey: Journey, facts: list[Fact]) -> list[Fact]:
    """A candidate's facts without what was said before their erasure."""
    if journey.cut is None and not journey.members:
        return facts
    cut = journey.own(candidate).cut
    return facts if cut is None else [fact for fact in facts if not is_before(fact.stamp, cut)]


async def refold(conn: Conn, keys: Collection[JourneyKey]) -> dict[JourneyKey, list[Fact]]:
    """All facts of these candidates that stand."""
    if not keys:
        return {}
    found = await ledger.facts_of_candidates(conn, keys)
    retracted = await ledger.retracted(conn, [fact for facts in found.values() for fact in facts])
    return {key: [fact for fact in facts if stands(fact, retracted)] for key, facts in found.items()}


def knows_erasures(journey: Journey) -> bool:
    return journey.cut is not None or bool(journey.members)


def _brings_address(facts: list[Fact]) -> bool:
    return any(fact.type == SIGNUP and "email" in personal_names(fact.event) for fact in facts)


def _lets_go_abroad(fact: Fact) -> bool:
    return fact.type == "consent.given" and fact.data["purpose"] == "abroad"
