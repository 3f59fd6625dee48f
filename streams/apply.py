"""A micro-batch of facts, applied in one transaction: position, ledger, journeys, targets, message requests, seats.

The order of the steps carries the promises. Campaigns are locked before anything of theirs is read, so that what
another worker committed is seen: shared to add to targets, exclusive to retract or to change who has a seat. What a
campaign says of itself waits for nobody: where batches are under way on it, its targets are counted beside the work
(see streams/tallying.py). What all batches of a campaign add to comes last: its rows are held from there to the commit,
and whoever adds to them waits so long.
Where no target comes to a milestone, nothing is left to do then: additions and commit are one message to
Postgres, which holds their rows no longer than it takes itself.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from schemas.errors import ConcurrentChange
from schemas.facts import Fact
from schemas.messages import MessageRequest
from storage import messages
from storage.access import own_pages
from storage.campaigns import breakdowns, seats, targets
from storage.campaigns.targets import Moved, TargetKey
from storage.database import Conn, dispense_with_the_disk, supposing, translated
from storage.journeys import addresses, documents, journeys, unconfirmed
from storage.journeys.journeys import Stored
from storage.journeys.merging import of_persons
from storage.ledger import dead_letters, ledger
from storage.ledger.dead_letters import DeadLetter
from storage.ledger.ledger import JourneyKey
from storage.messages import seat_words
from storage.together import commit_with, together
from storage.vault.at_hand import AtHand
from storage.vault.process import vault
from streams import merging
from streams.campaigns import NOTHING, count_anew, reach_milestones, refold_campaign, refold_employers, refold_openings
from streams.counting import Board, load_board
from streams.domain.campaign import OF_FAIRS, Target
from streams.domain.fold import IRREVOCABLE, RETRACTION, stands
from streams.domain.merging import TYPES
from streams.effects import Effects, change_journeys, knows_erasures
from streams.foreseen import Begun, Place, begin, is_plain, likely_of
from streams.intake import NOTHING_NEW, Incoming, Supposed, Taken, said_by_ledger, take_in


@dataclass(slots=True)
class Applied:
    """What a batch did: how many facts it applied, the ids of new messages, the new dead letters."""

    facts: int = 0
    messages: list[int] = field(default_factory=list)
    dead_letters: list[DeadLetter] = field(default_factory=list)


async def apply_batch(
    conn: Conn,
    incoming: Sequence[Incoming],
    *,
    now: datetime,
    place: Place | None = None,
    supposed: Supposed = NOTHING_NEW,
) -> Applied:
    """Apply what came from Kafka, and move the position over it. Without a place it came from no log. Raises
    NotNew where what was `supposed` to be new is not.

    Raises ConcurrentChange, DatabaseUnavailable or UnusableValue, and Fenced when the batch does not begin where its
    partitions stand; then nothing was written.
    """
    with translated(), supposing(supposed.tables()):
        async with AsyncExitStack() as transaction:
            at_hand, said = AtHand(), said_by_ledger(incoming)
            likely = likely_of(incoming, said)
            begun = await begin(conn, said, likely, place=place, transaction=transaction, at_hand=at_hand)
            taken = await take_in(conn, incoming, said, begun.claimed, now=now, at_hand=at_hand, supposed=supposed)
            if taken.letters or not all(map(is_plain, taken.facts)):
                await vault().drawing.enter(conn, at_hand)
            letters = await dead_letters.bury(conn, taken.letters) if taken.letters else []
            asked = await _apply(conn, taken, begun, now, at_hand) if taken.facts else []
            return Applied(len(taken.facts), asked, letters)


async def _apply(conn: Conn, taken: Taken, begun: Begun, now: datetime, at_hand: AtHand) -> list[int]:
    """Messages of a doubtful beginning may have gone before the database was restored. The transaction is committed
    here where nothing comes after what all batches add to."""
    facts, foreseen, doubtful = taken.facts, begun.foreseen, begun.doubtful
    is_foreseen = foreseen.covers(facts)
    gone: list[Fact] = []
    alone: Collection[str] = ()
    if not is_foreseen:
        alone = await _lock(conn, facts)
        gone = await _retract(conn, facts)
    board = foreseen.board if is_foreseen else await load_board(conn, {fact.campaign for fact in facts})
    retracted = await ledger.retracted(conn, doubted) if (doubted := _of(facts, board.retracting)) else set()
    standing = [fact for fact in facts if stands(fact, retracted)] if retracted else facts
    anew = await _refold_campaigns(conn, board, [*facts, *gone], alone)  # a fact that never stood is a change too
    stored = foreseen.stored if is_foreseen else None
    changes = await change_journeys(conn, board, standing, gone, at_hand=at_hand, foreseen=stored)
    asked = await _write(conn, changes, gone, taken, doubtful=doubtful)
    await seats.resize(conn, [campaign for campaign in anew if campaign in alone])
    await seats.change(conn, changes.moved)
    if said := merging.words([*standing, *gone]):
        await seat_words.learn(conn, await of_persons(conn, merging.named(said)))
    if not anew and not board.comes_to_milestone(changes.totals):
        added = (breakdowns.addition(changes.spread), targets.addition(changes.totals))
        await commit_with(conn, *added, chained=begun.is_outermost)
        return asked
    async with together(conn) as ask:
        ask(breakdowns.add(conn, changes.spread))
        moved = ask(targets.add(conn, changes.totals))
    reached = await _reach(conn, board, moved.result()) + await _count_anew(conn, board, anew, now)
    return asked + await messages.request(conn, reached, doubtful=doubtful)


async def _write(conn: Conn, changes: Effects, gone: list[Fact], taken: Taken, *, doubtful: bool) -> list[int]:
    """Store journeys and what is told of persons, and ask for messages. Returns the ids of those that are to go."""
    if changes.are_plain and not gone:
        async with together(conn) as ask:
            if taken.can_be_undone:
                ask(dispense_with_the_disk(conn))
            ask(journeys.store(conn, changes.journeys))
            ask(changes.persons.keep(conn))
            asked = ask(
                messages.request(
                    conn,
                    changes.asked,
                    numbers=taken.numbers,
                    doubtful=doubtful,
                    supposed_new=taken.supposed_new,
                )
            )
        return asked.result()
    if taken.can_be_undone:
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
    return again + await messages.request(conn, changes.asked, numbers=taken.numbers, doubtful=doubtful)


async def group_anew(conn: Conn, word: Fact) -> None:
    """Let those of whom a word on merging speaks, and all who are one person with them, be so by what stands of that
    now. Within a transaction."""
    await targets.lock(conn, {word.campaign: True})
    board = await load_board(conn, {word.campaign})
    changes = await change_journeys(conn, board, [], [word], at_hand=AtHand(), foreseen=None)
    await _write(conn, changes, [word], Taken([], [], {}, can_be_undone=False), doubtful=False)
    await seats.change(conn, changes.moved)
    await seat_words.learn(conn, await of_persons(conn, merging.named([word])))
    await breakdowns.add(conn, changes.spread)
    moved = await targets.add(conn, changes.totals)
    await messages.request(conn, await _reach(conn, board, moved), doubtful=False)


def _of(facts: list[Fact], campaigns: Collection[str]) -> list[Fact]:
    return [fact for fact in facts if fact.campaign in campaigns] if campaigns else []


async def _retract(conn: Conn, facts: list[Fact]) -> list[Fact]:
    keys = {(f.campaign, f.data["source"], f.data["id"]) for f in facts if f.type == RETRACTION}
    if not keys:
        return []
    return [fact for fact in await ledger.retract(conn, keys) if fact.type not in IRREVOCABLE]


async def _lock(conn: Conn, facts: Sequence[Fact]) -> set[str]:
    """Hold the campaigns of these facts, and return those that are held exclusively. What a campaign says of itself
    alone waits for no batch that is under way on it."""
    if all(fact.candidate is None and fact.type not in EXCLUSIVE for fact in facts):
        return await targets.lock_own(conn, {fact.campaign for fact in facts})
    exclusive = {fact.campaign for fact in facts if fact.candidate is None or fact.type in EXCLUSIVE}
    await targets.lock(conn, {fact.campaign: fact.campaign in exclusive for fact in facts})
    return exclusive


async def _refold_campaigns(
    conn: Conn, board: Board, moved: list[Fact], alone: Collection[str]
) -> dict[str, list[Target]]:
    own = [fact for fact in moved if fact.candidate is None and fact.type != RETRACTION]
    for type, (key, refold) in LISTED.items():
        listed: dict[str, set[str]] = {}
        for fact in own:
            if fact.type == type:
                listed.setdefault(fact.campaign, set()).add(fact.data[key])
        for campaign, named in sorted(listed.items()):
            await refold(conn, campaign, named)
    campaigns = sorted({fact.campaign for fact in own if fact.type not in LISTED})
    return {
        campaign: await refold_campaign(conn, campaign, board, is_alone=campaign in alone) for campaign in campaigns
    }


async def forget_erased(conn: Conn, stored: Mapping[JourneyKey, Stored]) -> None:
    """Take the contents out of messages to those who were erased, and all that knows them again."""
    own = {key: row.journey.own(key[1]) for key, row in stored.items() if knows_erasures(row.journey)}
    cuts = {key: each.cut for key, each in own.items() if each.cut is not None}
    if cuts:
        await messages.forget(conn, cuts)
    erased = [key for key in cuts if own[key].erased]
    if erased:
        await addresses.forget(conn, erased)
        await own_pages.forget(conn, erased)
        await unconfirmed.forget(conn, erased)
        await documents.forget(conn, erased)


async def _reach(conn: Conn, board: Board, moved: Mapping[TargetKey, Moved]) -> list[MessageRequest]:
    """Raises ConcurrentChange where a goal is another one by now: its milestones are to be looked at anew."""
    if any(board.target(key).goal != each.goal for key, each in moved.items()):
        raise ConcurrentChange("a target's goal was changed meanwhile")
    return await reach_milestones(conn, [(board.target(key), each.before, each.after) for key, each in moved.items()])


async def _count_anew(conn: Conn, board: Board, anew: dict[str, list[Target]], now: datetime) -> list[MessageRequest]:
    requests: list[MessageRequest] = []
    for campaign, wanted in anew.items():
        numbers = await count_anew(conn, campaign, wanted, board, now)
        steady = [t for t in board.targets.get(campaign, []) if (campaign, t.target) not in board.uncounted]
        numbers |= await targets.numbers(conn, campaign, [target.target for target in steady])
        reached = [(target, NOTHING, numbers[target.target]) for target in (*wanted, *steady)]
        requests += await reach_milestones(conn, reached)
    return requests


# What changes more than the journey of whom it names, and what changes who has a seat.
EXCLUSIVE: Final = TYPES | {RETRACTION} | OF_FAIRS
# What a campaign has many of, each by itself: the key in its facts' data, and what folds those that are named.
LISTED: Final[Mapping[str, tuple[str, Callable[[Conn, str, set[str]], Awaitable[None]]]]] = {
    "employer.set": ("employer", refold_employers),
    "opening.set": ("opening", refold_openings),
}
