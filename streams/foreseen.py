"""What a small batch will read is asked for along with its first question, not one after another's answer.

Which facts are new is known only once the ledger has told. Of a batch that the relay published nearly all are: so their
campaigns are locked, and what is known of their candidates is read, before that is known. Where few facts come, the
round trips are most of a batch; where many come, they are little of it, and reading each fact once more would cost
more.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Final

from schemas.facts import Fact
from schemas.sealed import SEALED
from storage.campaigns import targets
from storage.database import Conn, is_in_transaction
from storage.journeys import journeys
from storage.journeys.journeys import Stored
from storage.ledger import ledger, positions
from storage.ledger.events import read_if_event
from storage.ledger.ledger import JourneyKey
from storage.ledger.positions import Log, Span
from storage.together import together
from storage.vault.at_hand import AtHand
from storage.vault.process import vault
from streams.counting import Board, load_board
from streams.domain.fold import IRREVOCABLE, SIGNUP
from streams.domain.merging import TYPES
from streams.intake import Incoming, Said

FEW: Final = 200  # records
NOT_PLAIN: Final = TYPES | IRREVOCABLE  # what changes more than the journey of whom it names, or takes it away


@dataclass(frozen=True, slots=True)
class Place:
    """Where a batch lies: its log, and from where to where it goes in each partition."""

    log: Log
    spans: Mapping[int, Span]


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What was read, once their campaigns were locked (shared), of targets and of these candidates."""

    board: Board = field(default_factory=Board)
    stored: Mapping[JourneyKey, Stored] = field(default_factory=dict)

    def covers(self, facts: Collection[Fact]) -> bool:
        """Whether nothing more need be locked or read for these facts."""
        return all(is_plain(fact) and key_of(fact) in self.stored for fact in facts)


@dataclass(frozen=True, slots=True)
class Begun:
    """`doubtful`: what was read here may have been read before, by a database that was lost. `claimed`: the numbers
    of the facts that left the outbox. `is_outermost`: no other transaction is around it."""

    doubtful: bool
    claimed: set[int]
    foreseen: Foreseen
    is_outermost: bool


async def begin(
    conn: Conn,
    said: Said,
    likely: Sequence[Fact],
    *,
    place: Place | None,
    transaction: AsyncExitStack,
    at_hand: AtHand,
) -> Begun:
    """Begin a transaction that ends with its stack: move the position, claim what the relay published, look at what
    its `likely` facts are about. Raises Fenced when the batch does not begin where its partitions stand. The position
    is first: whoever holds it keeps others from the rest."""
    is_outermost = not is_in_transaction(conn)
    async with together(conn, beginning=transaction) as ask:
        moved = ask(positions.move(conn, place.log, place.spans)) if place else None
        claimed = ask(ledger.claim(conn, list(said)))
        if likely:
            campaigns = {fact.campaign for fact in likely}
            ask(targets.lock(conn, dict.fromkeys(campaigns, False)))
            board = ask(load_board(conn, campaigns))
            stored = ask(journeys.load(conn, {key_of(fact) for fact in likely}))
            if told := {key_of(fact) for fact in likely if fact.type == SIGNUP and SEALED in fact.event}:
                ask(vault().keys.hold(conn, told, at_hand.keys))
                ask(vault().drawing.find_search_keys(conn, {campaign for campaign, _ in told}, at_hand.searched))
    foreseen = Foreseen(board.result(), stored.result()) if likely else Foreseen()
    return Begun(bool(moved and moved.result()), claimed.result(), foreseen, is_outermost)


def likely_of(incoming: Sequence[Incoming], said: Said) -> list[Fact]:
    """The facts of a small batch, if all of it can be foreseen. A text may be a forgery: then what is read and locked
    for it is of no use."""
    if len(said) > FEW or len(said) < len(incoming):
        return []
    facts = [fact for _, text in said if (fact := read_if_event(text))]
    return facts if len(facts) == len(said) and all(map(is_plain, facts)) else []


def key_of(fact: Fact) -> JourneyKey:
    """Whose journey a fact about a candidate changes."""
    assert fact.candidate is not None
    return fact.campaign, fact.candidate


def is_plain(fact: Fact) -> bool:
    """Whether it changes the journey of whom it names, and nothing else."""
    return fact.candidate is not None and fact.type not in NOT_PLAIN
