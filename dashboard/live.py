"""Targets as they change, for all who watch: one reader for each web process, however many pages are open.

Postgres has the truth. The reader looks there when it is told that something changed (see `dashboard/doorbell.py`)
and twice a second besides, so that a word that is lost delays a page and misleads none. It reads all targets and
tells what differs: revisions alone would not do, since transactions take them in one order and commit in another.

One change alone is told at once. Where changes follow one another it looks every 20 ms at most, and less often where
many listen: telling them takes half of the time at most, so that others are served too.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from schemas.errors import Unavailable

log = logging.getLogger(__name__)

Key = tuple[str, str]
Row = dict[str, Any]

POLL: Final = 0.5  # seconds between looks when nobody rings
GATHER: Final = 0.02  # seconds between looks when many ring
SHARE: Final = 0.5  # of the time goes into looking and telling, at most
MAX_GONE: Final = 1000  # withdrawn targets remembered for pages that reconnect


@dataclass(frozen=True, slots=True)
class Told:
    """What a page is told of one target: it progressed, or was withdrawn. `data` is JSON; `wire` is the event as it
    goes over the line, made once for all clients.

    A client that has seen revision n lacks what has an order above n: a revision is its own order, unless it was
    committed after higher ones; then, as for a withdrawal, the order is one above all that was told before.
    """

    event: str
    campaign: str
    data: str
    order: int
    revision: int | None = None
    wire: bytes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        id = "" if self.revision is None else f"id: {self.revision}\n"
        object.__setattr__(self, "wire", f"{id}event: {self.event}\ndata: {self.data}\n\n".encode())


class Subscription:
    """One client's news: of each target only the latest, so that a slow client holds no more than all targets once."""

    def __init__(self, campaign: str | None, last: int | None = None, *, among: Collection[str] | None = None) -> None:
        """`last` is the revision that the client has seen."""
        self._campaign, self.last, self._among = campaign, last, among
        self._waiting: dict[Key, Told] = {}
        self._news = asyncio.Event()
        self.closed = False

    def close(self) -> None:
        """Nothing more will be told."""
        self.closed = True
        self._news.set()

    def put(self, key: Key, told: Told) -> None:
        if self._campaign in (None, told.campaign) and (self._among is None or told.campaign in self._among):
            self._waiting.pop(key, None)
            self._waiting[key] = told
            self._news.set()

    async def take(self, within: float | None = None) -> list[Told]:
        """Wait for news, then take all of it, in the order in which it came. Nothing when closed meanwhile, or when
        none came within so many seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                await self._news.wait()
        if not self.closed:
            self._news.clear()
        waiting, self._waiting = self._waiting, {}
        return list(waiting.values())


class Hub:
    """Keeps what stands, and tells subscribers what changes. `read` gives all targets (see storage.reads)."""

    def __init__(self, read: Callable[[], Awaitable[list[Row]]], *, poll: float = POLL) -> None:
        self._read, self._poll = read, poll
        self._standing: dict[Key, tuple[Row, Told]] = {}
        self._gone: dict[Key, Told] = {}
        self._highest, self._looked = 0, False
        self._bell = asyncio.Event()
        self._closed = False
        self._subscribers: set[Subscription] = set()

    def ring(self) -> None:
        """Something may have changed: look at once."""
        self._bell.set()

    def subscribe(
        self, campaign: str | None = None, last: int | None = None, *, among: Collection[str] | None = None
    ) -> Subscription:
        """All targets that stand (of one campaign, or of those `among` some), or those that changed after revision
        `last`; then every change."""
        subscription = Subscription(campaign, last, among=among)
        if self._looked:
            self._fill(subscription)
        self._subscribers.add(subscription)
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        self._subscribers.discard(subscription)

    def dismiss(self) -> None:
        """End every stream, so that a server that stops need not wait for them."""
        for subscription in self._subscribers:
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
                self.tell(await self._read())
            except Unavailable as error:
                log.warning("live targets: %s; looking again in %g s", error, self._poll)
            await asyncio.sleep(0)  # those who were told take their turn now: it counts as ours
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
        before, first = self._highest, not self._looked
        now = {(row["campaign"], row["target"]): row for row in sorted(rows, key=lambda row: row["revision"])}
        for key in self._standing.keys() - now.keys():
            del self._standing[key]
            self._gone[key] = _withdrawn(key, before + 1)
            self._put(key, self._gone[key])
        while len(self._gone) > MAX_GONE:
            del self._gone[next(iter(self._gone))]
        for key, row in now.items():
            if key in self._standing and self._standing[key][0] == row:
                continue
            order = row["revision"] if first else max(row["revision"], before + 1)
            told = _progress(row, order)
            self._standing[key] = (row, told)
            self._gone.pop(key, None)
            self._highest = max(self._highest, row["revision"])
            if not first:
                self._put(key, told)
        if first:
            self._looked = True
            for subscription in self._subscribers:
                self._fill(subscription)

    def _fill(self, subscription: Subscription) -> None:
        """Put what a client that comes lacks."""
        last, gone = subscription.last, list(self._gone.items())
        if last is None or last > self._highest:  # new here, or from a platform that is no more
            last, gone = -1, []
        for key, told in [*gone, *self._snapshot()]:
            if told.order > last:
                subscription.put(key, told)

    def _put(self, key: Key, told: Told) -> None:
        for subscription in self._subscribers:
            subscription.put(key, told)

    def _snapshot(self) -> list[tuple[Key, Told]]:
        told = [(key, told) for key, (_, told) in self._standing.items()]
        return sorted(told, key=lambda item: (item[1].order, item[1].revision))


def _progress(row: Row, order: int) -> Told:
    entry = {name: row[name] for name in ENTRY} | {"due_on": row["due_on"].isoformat()}
    if row["counting"]:
        entry["counting"] = True
    return Told("progress", row["campaign"], json.dumps(entry, ensure_ascii=False), order, row["revision"])


def _withdrawn(key: Key, order: int) -> Told:
    data = json.dumps({"campaign": key[0], "target": key[1]}, ensure_ascii=False)
    return Told("withdrawn", key[0], data, order)


ENTRY: Final = ("campaign", "target", "title", "measure", "goal", "progress", "due_on", "where")
