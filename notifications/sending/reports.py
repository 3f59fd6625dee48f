"""Reports of mail that came back, taken in from their mailbox, round by round: by one worker at a time, beside the
sender, which never waits for it. What is the matter with the mailbox is said in `yinfeng status`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from psycopg_pool import AsyncConnectionPool

from notifications.channels import provider_events
from notifications.channels.afterwards import ProviderEvent
from notifications.channels.delivery_reports import read_report
from notifications.channels.report_mailbox import Reading, ReadUpTo, ReportMailbox
from schemas.errors import ConcurrentChange, DatabaseUnavailable, MailboxUnavailable
from schemas.mail_server import parse_mailbox
from schemas.settings import Settings
from storage.database import Conn, borrowed
from storage.messages import report_mailboxes

log = logging.getLogger(__name__)

ROUND_SECONDS: Final = 120.0  # for one reading, whatever the server does
LONGEST_PAUSE: Final = 900.0  # seconds, where it can't be read again and again
_DOUBLINGS: Final = 4


class Reports:
    """Reads one mailbox every so many seconds, until closed. `holder` names this reader among others."""

    def __init__(self, pool: AsyncConnectionPool[Conn], mailbox: ReportMailbox, *, holder: str, every: float) -> None:
        self._pool, self._mailbox, self._holder, self._every = pool, mailbox, holder, every
        self._closing = asyncio.Event()

    async def run(self) -> None:
        """Read until closed. After a fault it goes on, later each time."""
        faults = 0
        while not self._closing.is_set():
            try:
                faults = 0 if await self.look() else faults + 1
            except (DatabaseUnavailable, ConcurrentChange) as error:
                log.warning("%s; what came back is read later", error)
            except Exception:
                faults += 1
                log.exception("reading what came back failed; it is tried again")
            with suppress(TimeoutError):
                async with asyncio.timeout(min(self._every * 2 ** min(faults, _DOUBLINGS), LONGEST_PAUSE)):
                    await self._closing.wait()

    def close(self) -> None:
        """Begin nothing more, and break off what is under way: what was read and not yet told is read again."""
        self._closing.set()
        self._mailbox.break_off()

    async def look(self) -> bool:
        """Read the mailbox to its end, if nobody else does; returns whether it could be read."""
        while not self._closing.is_set():
            async with borrowed(self._pool) as conn:
                stands = await report_mailboxes.take(
                    conn, self._mailbox.name, holder=self._holder, seconds=2 * ROUND_SECONDS
                )
            if stands is None:
                return True
            try:
                if not await self._some(ReadUpTo(*stands) if stands[0] else None):
                    return True
            except MailboxUnavailable as error:
                await self._say(str(error))
                return False
        return True

    async def _some(self, place: ReadUpTo | None) -> bool:
        """Read some of it, take in what it tells, then put it away. Returns whether there is more."""
        reading = await self._in_time(place)
        by_number = {number: _read(number, report) for number, report in reading.reports}
        told = [each for tells in by_number.values() for each in tells]
        async with borrowed(self._pool) as conn, conn.transaction():
            where = reading.place
            if not await report_mailboxes.advance(
                conn, self._mailbox.name, where.validity, where.next, holder=self._holder
            ):
                return False
            fresh = await provider_events.take(conn, told) if told else 0
            if not reading.more:
                await report_mailboxes.read_through(conn, self._mailbox.name)
        if told:
            log.info("%d reports told of mail that came back, %d of them new", len(told), fresh)
        ours = [number for number, tells in by_number.items() if tells]
        await asyncio.to_thread(self._mailbox.settle, reading.place.validity, ours)
        return reading.more

    async def _in_time(self, place: ReadUpTo | None) -> Reading:
        reading = asyncio.ensure_future(asyncio.to_thread(self._mailbox.read, place))
        done, _ = await asyncio.wait([reading], timeout=ROUND_SECONDS)
        if not done:
            self._mailbox.break_off()
        return await reading

    async def _say(self, trouble: str) -> None:
        log.warning("what came back can't be read: %s", trouble)
        async with borrowed(self._pool) as conn:
            await report_mailboxes.troubled(conn, self._mailbox.name, trouble)


def make_reports(settings: Settings, pool: AsyncConnectionPool[Conn], holder: str) -> Reports | None:
    """The reader of the mailbox that the settings name, if they do."""
    if settings.imap_url is None:
        return None
    mailbox = ReportMailbox(
        parse_mailbox(settings.imap_url.get_secret_value()),
        folder=settings.imap_folder,
        handled=settings.imap_handled,
        timeout=settings.imap_timeout,
    )
    return Reports(pool, mailbox, holder=holder, every=settings.imap_every)


def _read(number: int, report: bytes) -> Sequence[ProviderEvent]:
    """What it tells. One that nobody foresaw is passed over: it must not hold up those after it."""
    try:
        return read_report(report)
    except Exception:
        log.exception("the report %d can't be read; it stays where it is", number)
        return ()
