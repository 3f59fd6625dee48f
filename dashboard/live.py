"""Targets as they change, for all who watch: one reader for each web process, however many pages are open.

Postgres has the truth. The reader looks there when it is told that something changed (see `dashboard/doorbell.py`)
and twice a second besides, so that a word that is lost delays a page and misleads none. It reads all targets and
tells what differs: revisions alone would not do, since transactions take them in one order and commit in another.

One change alone is told at once. Where changes follow one another it looks every 20 ms at most, and less often where
many listen: telling them takes half of the time at most, so that others are served too.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterator
from contextlib import suppress
from decimal import Decimal
from typing import Any, Final, NamedTuple

from dashboard.telling import (
    News,
    Reads,
    Round,
    Row,
    StreamAudience,
    Subscription,
    TellingKey,
    Told,
    reads_all,
    revision_of,
)
from schemas.errors import Unavailable
from schemas.pace import crossed

log = logging.getLogger(__name__)

POLL: Final = 0.5  # seconds between looks when nobody rings
GATHER: Final = 0.02  # seconds between looks when many ring
SHARE: Final = 0.5  # of the time goes into looking and telling, at most
MAX_GONE: Final = 1000  # withdrawn targets remembered for pages that reconnect
DRAWING: Final = 20  # milliseconds that a page takes to be drawn anew
MAX_SPREAD: Final = 10_000  # milliseconds
SLICE: Final = 250  # listeners told until others take their turn


class Reshaped(NamedTuple):
    """The latest change of what is drawn of a campaign's targets, among those that the same readers read."""

    row: Row
    order: int


class Hub:
    """Keeps what stands, and tells subscribers what changes. `read` gives all targets (see storage.campaigns.reads),
    each with `today`, the day where its campaign is. `name` tells this hub's marks from those of any other."""

    def __init__(self, read: Callable[[], Awaitable[list[Row]]], *, poll: float = POLL, name: str = "hub") -> None:
        self._read, self._poll, self.name = read, poll, name
        self._standing: dict[TellingKey, Told] = {}
        self._gone: dict[TellingKey, Told] = {}
        self._reshaped: dict[TellingKey, Reshaped] = {}
        self._highest, self._looked = 0, False
        self._bell = asyncio.Event()
        self._closed = False
        self._audiences: dict[StreamAudience, set[Subscription]] = {}
        self._news: list[News] = []

    def ring(self) -> None:
        """Something may have changed: look at once."""
        self._bell.set()

    @property
    def mark(self) -> str:
        """What a page keeps that reads the tables after this: all that was told until now is in it."""
        return self.mark_of(self._highest) if self._looked else ""

    def mark_of(self, revision: int) -> str:
        """The mark of a page that has been told of this revision."""
        return f"{self.name}:{revision}"

    def subscribe(
        self,
        campaign: str | None = None,
        last: int | None = None,
        *,
        among: Collection[str] | None = None,
        reads: Reads = reads_all,
    ) -> Subscription:
        """All targets that stand (of one campaign, or of those `among` some) and that the subscriber `reads`, or those
        that changed after revision `last`; then every change."""
        audience = StreamAudience(campaign, None if among is None else frozenset(among), reads)
        subscription = Subscription(audience, last)
        if self._looked:
            self._fill(subscription)
        self._audiences.setdefault(audience, set()).add(subscription)
        return subscription

    def follow(
        self, campaign: str | None, mark: str, *, among: Collection[str] | None = None, reads: Reads = reads_all
    ) -> Subscription:
        """Every change after a page's mark. Where that is none of this hub's, nobody knows what the page lacks: it is
        told to be drawn anew."""
        name, _, revision = mark.partition(":")
        last = revision_of(revision) if name == self.name else None
        known = last is not None and last <= self._highest
        subscription = self.subscribe(campaign, last if known else self._highest, among=among, reads=reads)
        if not known:
            subscription.put(("",), self._redraw("", self._highest))
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """It is told no more."""
        subscription.close()
        members = self._audiences.get(subscription.audience, set())
        members.discard(subscription)
        if not members:
            self._audiences.pop(subscription.audience, None)

    def dismiss(self) -> None:
        """End every stream, so that a server that stops need not wait for them."""
        for subscription in self._everybody():
            subscription.close()

    def close(self) -> None:
        """End `run` at its next turn. To be called before its task is cancelled: a connection pool that is
        waited for can swallow the cancellation."""
        self._closed = True

    async def run(self) -> None:
        """Look and tell until closed or cancelled."""
        timer = asyncio.get_running_loop().time
        while not self._closed:
            self._bell.clear()
            began = timer()
            try:
                for _ in self.telling(await self._read()):
                    await asyncio.sleep(0)
            except Unavailable as error:
                log.warning("live targets: %s; looking again in %g s", error, self._poll)
            await asyncio.sleep(0)  # those whom news waits for take their turn now: it counts as ours
            took = timer() - began
            if not self._closed:
                await self._rest(max(GATHER - took, took * (1 / SHARE - 1)))

    async def _rest(self, least: float) -> None:
        """Until somebody rings, but so many seconds at least, and no longer than between two looks unasked."""
        with suppress(TimeoutError):
            async with asyncio.timeout(max(self._poll, least)):
                await asyncio.sleep(least)
                await self._bell.wait()

    def tell(self, rows: list[Row]) -> None:
        """Tell subscribers in what these rows differ from the rows before."""
        for _ in self.telling(rows):
            pass

    def telling(self, rows: list[Row]) -> Iterator[None]:
        """The same, with a pause after each slice of them. Who comes in a pause has these rows already."""
        self._compare(rows)
        news, self._news = self._news, []
        at = asyncio.get_running_loop().time()
        told = [
            (Round(wanted, at), list(members))
            for audience, members in self._audiences.items()
            if (wanted := audience.wanted(news))
        ]
        for round, members in told:
            for start in range(0, len(members), SLICE):
                for subscription in members[start : start + SLICE]:
                    subscription.tell(round)
                yield

    def _compare(self, rows: list[Row]) -> None:
        now = {(row["campaign"], row["target"]): row for row in sorted(rows, key=lambda row: row["revision"])}
        before, first = self._highest, not self._looked
        for key in self._standing.keys() - now.keys():
            self._withdraw(key, before + 1)
        for key, row in now.items():
            if key not in self._standing or self._standing[key].row != row:
                self._change(key, row, row["revision"] if first else max(row["revision"], before + 1))
        if first:
            self._looked = True
            for subscription in self._everybody():
                self._fill(subscription)

    def _everybody(self) -> list[Subscription]:
        return [subscription for members in self._audiences.values() for subscription in members]

    def _withdraw(self, key: TellingKey, order: int) -> None:
        self._take_away(key, self._standing.pop(key).row, order)

    def _take_away(self, key: TellingKey, old: Row, order: int) -> None:
        """Tell those who read the target as it was that it is gone."""
        told = Told("withdrawn", key[0], {"campaign": key[0], "target": key[1]}, order, target=old)
        named = (*key, *_readers(old))
        self._gone.pop(named, None)
        self._gone[named] = told
        while len(self._gone) > MAX_GONE:
            del self._gone[next(iter(self._gone))]
        self._put(key, told)
        self._reshape(old, order)

    def _change(self, key: TellingKey, row: Row, order: int) -> None:
        old = self._standing.get(key)
        told = self._standing[key] = Told("progress", key[0], row, order, row["revision"], row)
        moved = old is not None and _readers(old.row) != _readers(row)
        if old and moved:
            self._take_away(key, old.row, order)  # whoever reads it still is told of it in its place
        self._highest = max(self._highest, row["revision"])
        if not self._looked:
            return
        self._put(key, told)
        if old is None or moved or any(old.row[name] != row[name] for name in SHAPE):
            self._reshape(row, order)
        elif percent := _reached(old.row, row):
            self._put((*key, "reached"), Told("reached", key[0], {**row, "percent": percent}, order, target=row))

    def _reshape(self, row: Row, order: int) -> None:
        """Tell those who read a target that what is drawn of its campaign's is another now."""
        campaign = row["campaign"]
        self._reshaped[campaign, *_readers(row)] = Reshaped(row, order)
        self._put((campaign,), self._redraw(campaign, order, row))

    def _redraw(self, campaign: str, order: int, target: Row | None = None) -> Told:
        """Not all pages ask at once."""
        spread = min(MAX_SPREAD, DRAWING * sum(map(len, self._audiences.values())))
        return Told("redraw", campaign, {"spread": spread}, order, target=target)

    def _fill(self, subscription: Subscription) -> None:
        """Put what a client that comes lacks."""
        last, gone = subscription.last, [(key[:2], told) for key, told in self._gone.items()]
        if last is None or last > self._highest:  # new here, or from a platform that is no more
            last, gone = -1, []
        shapes = [((key[0],), self._redraw(key[0], each.order, each.row)) for key, each in self._reshaped.items()]
        for key, told in [*gone, *self._snapshot(), *shapes]:
            if told.order > last and subscription.audience.wants(told):
                subscription.put(key, told)

    def _put(self, key: TellingKey, told: Told) -> None:
        self._news.append((key, told))

    def _snapshot(self) -> list[tuple[TellingKey, Told]]:
        return sorted(self._standing.items(), key=lambda item: (item[1].order, item[1].revision))


def say_if_broken(task: asyncio.Task[None]) -> None:
    """For `add_done_callback`: nobody waits for a task that runs for ever."""
    if not task.cancelled() and (error := task.exception()):
        log.critical("live pages have stopped", exc_info=error)


def _readers(row: Row) -> tuple[str, ...]:
    """What tells who reads a target."""
    return (row["measure"], *sorted(row["where"].get("employer", ())))


def _reached(old: Row, row: Row) -> int | None:
    """The highest milestone that this change reached; none while what stood before is still being counted."""
    numbers: list[Any] = [old["progress"], row["progress"], row["goal"]]
    before, after, goal = (Decimal(str(number)) for number in numbers)
    return None if row["counting"] else max(crossed(before, after, goal), default=None)


SHAPE: Final = ("title", "measure", "goal", "due_on", "starts_on")  # what pages order targets and draw charts by
