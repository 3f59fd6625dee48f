"""Applies batches until they are applied: waits out the database, repeats on conflicts, sets poison aside."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from schemas.errors import InvalidFact, NotNew, StatementTooLong, UnusableValue
from storage import messages
from storage.campaigns import targets
from storage.database import Conn
from storage.ledger import dead_letters, ledger, positions
from storage.ledger.positions import Log
from streams.apply import Applied, apply_batch
from streams.campaigns import count_fairs
from streams.chunks import Chunk, by_subject, halves, records_of, spans_of
from streams.foreseen import FEW, Place
from streams.intake import Incoming, Supposed, read_ahead
from streams.persisting import Persistence

log = logging.getLogger(__name__)

# What a record's own values can lead to, here or in Postgres. Anything else is the fault of the process or around it:
# no memory, no disk, a mistake of ours. Then nothing may be buried, and the position stays.
ABOUT_VALUES: Final = (InvalidFact, UnusableValue, ValueError, ArithmeticError)

WARY: Final = (8, 256)  # large batches that are not supposed to be new: after the first time, at the most


class Novelty:
    """Whether what the next large batch brings is supposed to be new: no fact of it known, or nothing that it asks for
    asked for before. Then Postgres looks for none of it first.

    Where that is found wrong, the batch is repeated, and some of the next ones are not supposed to be; each time in a
    row twice as many, so that a log of which much is known costs a batch that is repeated now and then."""

    def __init__(self) -> None:
        self._wary, self._next = 0, WARY[0]

    def is_supposed(self, records: int) -> bool:
        """Whether a batch of so many records is."""
        return records > FEW and not self._wary

    def refute(self) -> None:
        """It was supposed to be, and is not."""
        self._wary, self._next = self._next, min(2 * self._next, WARY[1])

    def note(self, records: int, *, supposed: bool) -> None:
        """A batch of so many records was applied."""
        if supposed:
            self._next = WARY[0]
        elif records > FEW:
            self._wary = max(0, self._wary - 1)


class Applier:
    """Applies what was read from a log."""

    def __init__(self, persistence: Persistence, *, clock: Callable[[], datetime]) -> None:
        self._persistence, self._clock = persistence, clock
        self._facts_new, self._messages_new = Novelty(), Novelty()

    async def apply(self, at: Log, chunks: Sequence[Chunk]) -> Applied:
        """Apply a batch, however long it takes. Returns once it is committed; what can't be applied is then among the
        dead letters. Raises Fenced when the log's position moved on without us: all of it, or the rest, is another's.

        Any other error is about this process, which had better end: the position stands where the last commit left it.
        """
        if len(parts := by_subject(chunks)) > 1:
            return _joined([await self.apply(at, part) for part in parts])
        incoming = records_of(chunks)
        place = Place(at, spans_of(chunks))
        alone = len(incoming) == 1
        try:
            read_ahead(incoming)
            return await self._persistence.persist(
                lambda conn: self._apply(conn, incoming, place), can_be_less=not alone, of=place.spans
            )
        except StatementTooLong as error:
            return await self._by_halves(at, chunks, error)
        except ABOUT_VALUES as error:
            if alone:
                return await self._set_aside(place, incoming[0], error)
            return await self._by_halves(at, chunks, error)

    async def _apply(self, conn: Conn, incoming: Sequence[Incoming], place: Place) -> Applied:
        facts, asked, records = self._facts_new, self._messages_new, len(incoming)
        supposed = Supposed(facts.is_supposed(records), asked.is_supposed(records))
        try:
            applied = await apply_batch(conn, incoming, now=self._clock(), place=place, supposed=supposed)
        except NotNew as error:
            (facts if error.table == "facts" else asked).refute()
            raise
        facts.note(records, supposed=supposed.facts)
        asked.note(records, supposed=supposed.messages)
        return applied

    async def _by_halves(self, at: Log, chunks: Sequence[Chunk], error: Exception) -> Applied:
        log.warning("a batch can't be applied whole, taking it apart: %s", error)
        return _joined([await self.apply(at, part) for part in halves(chunks)])

    async def _set_aside(self, place: Place, message: Incoming, error: Exception) -> Applied:
        letter = message.dead(f"can't be applied: {type(error).__name__}: {error}")
        log.error("%s %d:%d goes to the dead letters: %s", message.topic, message.partition, message.offset, error)

        async def bury(conn: Conn) -> Applied:
            async with conn.transaction():
                await positions.move(conn, place.log, place.spans)
                await _take_out(conn, message)
                return Applied(dead_letters=await dead_letters.bury(conn, [letter]))

        return await self._persistence.persist(bury, of=place.spans)


class FairCounter:
    """Brings `fairs_held` targets up to the clock."""

    def __init__(self, persistence: Persistence, *, clock: Callable[[], datetime]) -> None:
        self._persistence, self._clock = persistence, clock

    async def count(self) -> Applied:
        """Count what has ended since. Returns the messages that this asked for."""
        return await self._persistence.persist(self._count)

    async def _count(self, conn: Conn) -> Applied:
        now, asked = self._clock(), []
        for campaign in await targets.campaigns_with_fairs_due(conn, now):
            async with conn.transaction():
                await targets.lock_own(conn, [campaign])
                asked += await messages.request(conn, await count_fairs(conn, campaign, now))
        return Applied(messages=asked)


async def _take_out(conn: Conn, message: Incoming) -> None:
    """Take a waiting fact that can't be applied out of the ledger, since nothing counts it and it may be posted again.
    The number in a record is anybody's word: only a record that says what the ledger says there is that fact."""
    text = message.text()
    if message.seq is not None and text is not None:
        await ledger.set_aside(conn, message.seq, text)


def _joined(done: Sequence[Applied]) -> Applied:
    return Applied(
        sum(each.facts for each in done),
        [id for each in done for id in each.messages],
        [letter for each in done for letter in each.dead_letters],
    )
