"""A micro-batch of facts, applied in one transaction: position, ledger, journeys, targets, message requests, seats.

The order of the steps carries the promises. Campaigns are locked before anything of theirs is read, so that what
another worker committed is seen: shared to add to targets, exclusive to recount them or to retract. What all batches
of a campaign add to comes last: its rows are held from there to the commit, and whoever adds to them waits so long.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final

from schemas.facts import Fact
from schemas.journey import Journey, Stamp
from schemas.messages import MessageRequest
from schemas.sealed import personal_names
from storage import messages
from storage.access import own_pages
from storage.campaigns import breakdowns, seats, targets
from storage.campaigns.seats import LineChange
from storage.campaigns.targets import TargetKey
from storage.database import Conn, dispense_with_the_disk, translated
from storage.journeys import addresses, documents, journeys, unconfirmed
from storage.journeys.journeys import Stored
from storage.journeys.merging import of_persons
from storage.ledger import dead_letters, ledger
from storage.ledger.dead_letters import DeadLetter
from storage.ledger.ledger import JourneyKey
from storage.messages import seat_words
from storage.together import together
from storage.vault.persons import AtHand
from streams import merging
from streams.campaigns import NOTHING, count_anew, reach_milestones, refold_campaign, refold_employers, refold_openings
from streams.counting import Board, CellTotals, Totals, load_board, note_cells, note_difference
from streams.domain.breakdown import cells
from streams.domain.campaign import Target
from streams.domain.fold import IRREVOCABLE, RETRACTION, SIGNUP, fold, is_before, merge, stands
from streams.domain.measures import milestones
from streams.domain.merging import TYPES
from streams.domain.requests import candidate_requests
from streams.domain.seats import lines, moves
from streams.foreseen import Begun, Place, begin, likely_of
from streams.intake import Incoming, Taken, said_by_ledger, take_in
from streams.persons import Persons


@dataclass(slots=True)
class Applied:
    """What a batch did: how many facts it applied, the ids of new messages, the new dead letters."""

    facts: int = 0
    messages: list[int] = field(default_factory=list)
    dead_letters: list[DeadLetter] = field(default_factory=list)


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
        return not any(_knows_erasures(row.journey) for row, _ in self.journeys.values())


async def apply_batch(
    conn: Conn, incoming: Sequence[Incoming], *, now: datetime, place: Place | None = None
) -> Applied:
    """Apply what came from Kafka, and move the position over it. Without a place it came from no log.

    Raises ConcurrentChange, DatabaseUnavailable or UnusableValue, and Fenced when the batch does not begin where its
    partitions stand; then nothing was written.
    """
    with translated():
        async with AsyncExitStack() as transaction:
            at_hand, said = AtHand(), said_by_ledger(incoming)
            likely = likely_of(incoming, said)
            begun = await begin(conn, said, likely, place=place, transaction=transaction, at_hand=at_hand)
            taken = await take_in(conn, incoming, said, begun.claimed, now=now, at_hand=at_hand)
            letters = await dead_letters.bury(conn, taken.letters) if taken.letters else []
            asked = await _apply(conn, taken, begun, now, at_hand) if taken.facts else []
            return Applied(len(taken.facts), asked, letters)


async def _apply(conn: Conn, taken: Taken, begun: Begun, now: datetime, at_hand: AtHand) -> list[int]:
    """Messages of a doubtful beginning may have gone before the database was restored."""
    facts, foreseen, doubtful = taken.facts, begun.foreseen, begun.doubtful
    is_foreseen = foreseen.covers(facts)
    gone: list[Fact] = []
    if not is_foreseen:
        exclusive = {fact.campaign for fact in facts if fact.candidate is None or fact.type in EXCLUSIVE}
        await targets.lock(conn, {fact.campaign: fact.campaign in exclusive for fact in facts})
        gone = await _retract(conn, facts)
    board = foreseen.board if is_foreseen else await load_board(conn, {fact.campaign for fact in facts})
    retracted = await ledger.retracted(conn, doubted) if (doubted := _of(facts, board.retracting)) else set()
    standing = [fact for fact in facts if stands(fact, retracted)] if retracted else facts
    anew = await _refold_campaigns(conn, board, [*facts, *gone])  # a fact that never stood counts as a change too
    stored = foreseen.stored if is_foreseen else None
    changes = await _change_journeys(conn, board, standing, gone, at_hand=at_hand, foreseen=stored)
    asked = await _write(conn, changes, gone, can_be_undone=taken.can_be_undone, doubtful=doubtful)
    await seats.resize(conn, anew)
    await seats.change(conn, changes.moved)
    if said := merging.words([*standing, *gone]):
        await seat_words.learn(conn, await of_persons(conn, merging.named(said)))
    async with together(conn) as ask:
        ask(breakdowns.add(conn, changes.spread))
        moved = ask(targets.add(conn, changes.totals))
    reached = await _reach(conn, board, moved.result()) + await _count_anew(conn, board, anew, now)
    return asked + await messages.request(conn, reached, doubtful=doubtful)


async def _write(conn: Conn, changes: Effects, gone: list[Fact], *, can_be_undone: bool, doubtful: bool) -> list[int]:
    """Store journeys and what is told of persons, and ask for messages. Returns the ids of those that are to go."""
    if changes.are_plain and not gone:
        async with together(conn) as ask:
            if can_be_undone:
                ask(dispense_with_the_disk(conn))
            ask(journeys.store(conn, changes.journeys))
            ask(changes.persons.keep(conn))
            asked = ask(messages.request(conn, changes.asked, doubtful=doubtful))
        return asked.result()
    if can_be_undone:
        await dispense_with_the_disk(conn)
    await journeys.store(conn, changes.journeys)
    await changes.persons.keep(conn)
    await forget_erased(conn, {key: row for key, (row, _) in changes.journeys.items()})
    await messages.release(conn, changes.reached)
    await messages.release_abroad(conn, changes.agreed)
    await messages.reconsider(conn, [*changes.persons.shown_again, *changes.merged], ())
    again = await messages.reconsider(
        conn,
        {(fact.campaign, fact.candidate) for fact in gone if fact.candidate is not None},
        {fact.campaign for fact in gone if fact.candidate is None},
    )
    return again + await messages.request(conn, changes.asked, doubtful=doubtful)


def _of(facts: list[Fact], campaigns: Collection[str]) -> list[Fact]:
    return [fact for fact in facts if fact.campaign in campaigns] if campaigns else []


async def _retract(conn: Conn, facts: list[Fact]) -> list[Fact]:
    keys = {(f.campaign, f.data["source"], f.data["id"]) for f in facts if f.type == RETRACTION}
    if not keys:
        return []
    return [fact for fact in await ledger.retract(conn, keys) if fact.type not in IRREVOCABLE]


async def _refold_campaigns(conn: Conn, board: Board, moved: list[Fact]) -> dict[str, list[Target]]:
    own = [fact for fact in moved if fact.candidate is None and fact.type != RETRACTION]
    for type, (key, refold) in LISTED.items():
        listed: dict[str, set[str]] = {}
        for fact in own:
            if fact.type == type:
                listed.setdefault(fact.campaign, set()).add(fact.data[key])
        for campaign, named in sorted(listed.items()):
            await refold(conn, campaign, named)
    campaigns = sorted({fact.campaign for fact in own if fact.type not in LISTED})
    return {campaign: await refold_campaign(conn, campaign, board) for campaign in campaigns}


async def _change_journeys(
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
    cut = journey.own(candidate).cut
    return facts if cut is None else [fact for fact in facts if not is_before(fact.stamp, cut)]


async def refold(conn: Conn, keys: Collection[JourneyKey]) -> dict[JourneyKey, list[Fact]]:
    """All facts of these candidates that stand."""
    if not keys:
        return {}
    found = await ledger.facts_of_candidates(conn, keys)
    retracted = await ledger.retracted(conn, [fact for facts in found.values() for fact in facts])
    return {key: [fact for fact in facts if stands(fact, retracted)] for key, facts in found.items()}


async def forget_erased(conn: Conn, stored: Mapping[JourneyKey, Stored]) -> None:
    """Take the contents out of messages to those who were erased, and all that knows them again."""
    own = {key: row.journey.own(key[1]) for key, row in stored.items() if _knows_erasures(row.journey)}
    cuts = {key: each.cut for key, each in own.items() if each.cut is not None}
    if cuts:
        await messages.forget(conn, cuts)
    erased = [key for key in cuts if own[key].erased]
    if erased:
        await addresses.forget(conn, erased)
        await own_pages.forget(conn, erased)
        await unconfirmed.forget(conn, erased)
        await documents.forget(conn, erased)


def _knows_erasures(journey: Journey) -> bool:
    return journey.cut is not None or bool(journey.members)


def _brings_address(facts: list[Fact]) -> bool:
    return any(fact.type == SIGNUP and "email" in personal_names(fact.event) for fact in facts)


def _lets_go_abroad(fact: Fact) -> bool:
    return fact.type == "consent.given" and fact.data["purpose"] == "abroad"


async def _reach(conn: Conn, board: Board, moved: Mapping[TargetKey, tuple[Decimal, Decimal]]) -> list[MessageRequest]:
    whole = {key: between for key, between in moved.items() if key not in board.uncounted}
    return await reach_milestones(conn, [(board.target(key), before, after) for key, (before, after) in whole.items()])


async def _count_anew(conn: Conn, board: Board, anew: dict[str, list[Target]], now: datetime) -> list[MessageRequest]:
    requests: list[MessageRequest] = []
    for campaign, wanted in anew.items():
        numbers = await count_anew(conn, campaign, wanted, board, now)
        steady = [t for t in board.targets.get(campaign, []) if (campaign, t.target) not in board.uncounted]
        numbers |= await targets.numbers(conn, campaign, [target.target for target in steady])
        reached = [(target, NOTHING, numbers[target.target]) for target in (*wanted, *steady)]
        requests += await reach_milestones(conn, reached)
    return requests


EXCLUSIVE: Final = TYPES | {RETRACTION}  # what changes more than the journey of whom it names
# What a campaign has many of, each by itself: the key in its facts' data, and what folds those that are named.
LISTED: Final[Mapping[str, tuple[str, Callable[[Conn, str, set[str]], Awaitable[None]]]]] = {
    "employer.set": ("employer", refold_employers),
    "opening.set": ("opening", refold_openings),
}
