"""What comes of targets and messages, told on topics by one worker: the one that holds the lease.

What happens once (a milestone, a target at risk, what became of a message) was written down by the transaction in which
it happened, and its row goes once the broker has it: told after a restart too, and told again with the same id when a
worker dies in between. How far targets have come is read as it stands, and only of those that changed.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from schemas.cloudevents import STRUCTURED
from schemas.emitted import EMITTED, PROGRESSED, SOURCE
from schemas.errors import Unavailable
from schemas.topics import OUTCOMES, PROGRESS
from storage import leases
from storage.campaigns import announcements
from storage.campaigns.announcements import Announcement
from storage.database import Conn, Horizon, connect, translated
from streams.announce import Publish
from streams.domain.requests import plain_number

log = logging.getLogger(__name__)

LEASE: Final = 10.0  # seconds after which another worker takes over from one that stands still
KEEP_EVERY: Final = 2.0  # seconds between renewals
LOOK_EVERY: Final = 1.0  # seconds between looks where nobody rings: messages change without a word
RETRY: Final = 2.0  # seconds
AT_ONCE: Final = 500  # events under way to the broker
SHARE: Final = 0.2  # of the time is spent on telling, at most: where targets are many it is done less often


class Teller:
    """Tells on one connection. Its methods raise Unavailable when Postgres or the broker is away; then make another."""

    def __init__(self, conn: Conn, publish: Publish, *, clock: Callable[[], datetime]) -> None:
        self._conn, self._publish, self._clock = conn, publish, clock
        self._since: Horizon | None = None
        self._revisions: dict[tuple[str, str], int] = {}

    async def tell(self) -> None:
        """Tell all that there is to tell: what became of messages last, so that nothing else waits for its topic."""
        with translated():
            await self._tell_once(PROGRESS)
            await self._tell_progress()
            await self._tell_once(OUTCOMES)

    async def _tell_once(self, topic: str) -> None:
        """Tell what was written down for a topic, the oldest first."""
        types = [row.name for row in EMITTED.values() if row.topic == topic]
        more = True
        while more:
            waiting = await announcements.next_ones(self._conn, types, AT_ONCE)
            await self._all(topic, [(each.key, _once(each)) for each in waiting])
            await announcements.told(self._conn, [each.seq for each in waiting])
            more = len(waiting) == AT_ONCE

    async def _tell_progress(self) -> None:
        rows, horizon = await announcements.changed(self._conn, self._since)
        fresh = [row for row in rows if self._revisions.get(_key(row)) != row["revision"]]
        for start in range(0, len(fresh), AT_ONCE):
            await self._all(PROGRESS, [("/".join(_key(row)), self._progress(row)) for row in fresh[start:][:AT_ONCE]])
        self._revisions |= {_key(row): row["revision"] for row in fresh}
        self._since = horizon

    async def _all(self, topic: str, events: Iterable[tuple[str, bytes]]) -> None:
        """Publish events, (key, value) each, side by side."""
        headers = {"content-type": STRUCTURED}
        await asyncio.gather(*(self._publish(topic, key, value, headers) for key, value in events))

    def _progress(self, row: Mapping[str, Any]) -> bytes:
        """Its id names what it tells: told again after a crash, or by another worker, it is a duplicate. A revision
        alone would not do: a database that was put back counts on from an older one."""
        numbers = {"goal": plain_number(row["goal"]), "progress": plain_number(row["progress"])}
        data = {**row, **numbers, "due_on": row["due_on"].isoformat()}
        told = sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:16]
        id = f"{PROGRESSED}:{'/'.join(_key(row))}:{row['revision']}:{told}"
        return _event(PROGRESSED, id, self._clock(), data)


class Telling:
    """A worker's part in it: to hold the lease, or to stand by. `holder` names this worker, unlike any other."""

    def __init__(
        self,
        database_url: str,
        publish: Publish,
        *,
        holder: str,
        interval: float,
        clock: Callable[[], datetime],
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database_url, self._publish, self._holder = database_url, publish, holder
        self._interval, self._clock, self._timer = interval, clock, timer

    async def run(self) -> None:
        """Tell until cancelled. What is away is waited for."""
        while True:
            try:
                async with await connect(self._database_url, name="worker") as conn:
                    await announcements.listen(conn)
                    await self._lead(conn)
            except Unavailable as error:
                log.warning("%s; telling again in %.0f s", error, RETRY)
            await asyncio.sleep(RETRY)

    async def _lead(self, conn: Conn) -> None:
        """Tell for as long as the lease is held; returns when another has it."""
        teller = Teller(conn, self._publish, clock=self._clock)
        held_until = 0.0
        while True:
            began = self._timer()
            if began >= held_until:
                with translated():
                    if not await leases.hold(conn, leases.TELLER, holder=self._holder, seconds=LEASE):
                        return
                held_until = began + KEEP_EVERY
            await teller.tell()
            took = self._timer() - began
            await asyncio.sleep(max(self._interval, took * (1 / SHARE - 1)))
            await announcements.heard(conn, LOOK_EVERY)


def _once(each: Announcement) -> bytes:
    return _event(each.type, each.id, each.at, each.data)


def _event(kind: str, id: str, at: datetime, data: Mapping[str, Any]) -> bytes:
    event = {
        "specversion": "1.0",
        "id": id,
        "source": SOURCE,
        "type": kind,
        "time": at.isoformat(),
        "datacontenttype": "application/json",
        "data": data,
    }
    return json.dumps(event, ensure_ascii=False).encode()


def _key(row: Mapping[str, Any]) -> tuple[str, str]:
    return row["campaign"], row["target"]
