"""What a worker does beside its work: it says how it gets on, takes away what was kept long enough, persons among it,
notes erasures outside the database, counts messages, lets Postgres count its tables, and seals what an earlier
version left in the clear."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Final

import faust

from schemas.settings import Settings
from storage import beats, leases, statistics
from storage.beats import Beat
from storage.campaigns import terms
from storage.database import Conn
from storage.ledger import retention
from storage.ledger.ledger import JourneyKey
from storage.messages import counting
from storage.messages.counting import PartCount
from storage.revision import latest
from storage.vault import retention as persons
from storage.vault.master import FileMaster
from storage.vault.register import Register, note_all
from streams.catching_up import START, catch_up, draw_persons, part_crowded, tag_journeys
from streams.persisting import Persistence
from streams.retention import carry_out, survey
from streams.sealing import Beside
from streams.unconfirmed import let_lapse

log = logging.getLogger(__name__)

MAY_NOT_ANALYZE: Final = (
    "Postgres does not let this role ANALYZE %s: looking into them is slow until autovacuum comes. Let the role own"
    " them, or (PostgreSQL 17 and later) GRANT MAINTAIN ON %s TO %s"
)
BEAT_EVERY: Final = 5.0  # seconds
NOTE_EVERY: Final = 10.0  # seconds between looks for erasures that the register lacks
SWEEP_EVERY: Final = 20.0  # seconds between portions of what is too old
KEEP_UNTOLD: Final = 7  # days for which an event waits for a broker that takes it: as long as facts are kept there
DRAW_EVERY: Final = 0.2  # seconds between portions of what another version wrote
SEAL_EVERY: Final = 1.0  # seconds between stretches of what may be in the clear
SEAL_AFTER: Final = 3600.0  # seconds from its start on: one of an earlier version that runs beside it can't open them
LOOK_AGAIN: Final = 3600.0  # seconds between looks whether one that runs beside this one wrote more
LOOK_EVERY: Final = 2.0  # seconds between portions of persons whose time is looked at
DO_EVERY: Final = 10.0  # seconds between portions of what is due of them
LEARN_EVERY: Final = 1.0  # seconds between looks whether a table has grown of which Postgres knows nothing
UPKEEP_FOR: Final = 15.0  # seconds after it was heard last, when another does what one is enough for
COUNT_EVERY: Final = 0.5  # seconds between portions of messages that are counted
OF_ACCESS: Final = {"sessions": 1, "access_links": 30, "throttles": 1}  # days
UNCONFIRMED: Final = 7  # days for which a signup waits for its address to be confirmed


Losses = Callable[[], tuple[int, str | None]]  # how many, and what is amiss


class Upkeep:
    """`works` are the connections whose conflicts and outages are told of, `aside` the one to do this on.
    `lost_senders` tells of the senders beside this worker."""

    def __init__(
        self,
        settings: Settings,
        *,
        holder: str,
        works: Sequence[Persistence],
        aside: Persistence,
        timer: Callable[[], float] = time.monotonic,
        register: Register | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        lost_senders: Losses = lambda: (0, None),
    ) -> None:
        self._holder, self._works, self._aside, self._revision = holder, works, aside, latest()
        self._timer, self._clock, self._lost_senders = timer, clock, lost_senders
        self._register = register
        self._make_register: Callable[[], Register] = lambda: Register(
            settings.erasures, FileMaster(settings.master_key)
        )
        self._facts = 0
        self._committed: float | None = None
        self._drawn_until: JourneyKey = START
        self._step = 0
        self._draws_at = 0.0
        self._sealing, self._seals_at = Beside(), timer() + SEAL_AFTER
        self._counted: PartCount | None = None
        self._counts_at = 0.0
        self._looked_until: JourneyKey = START
        self._looks_at = 0.0
        self._terms_of: datetime | None = None
        self._learns_at = -1.0  # never refused
        self._leads, self._asks_at = False, 0.0
        self._days = {
            "dead_letters": settings.keep_dead_letters_days,
            "mails": settings.keep_mails_days,
            "mail_attachments": settings.keep_mails_days,
            "message_attempts": settings.keep_attempts_days,
            "announcements": KEEP_UNTOLD,
            **OF_ACCESS,
        }

    def note(self, facts: int) -> None:
        """A batch was committed, with so many facts."""
        self._facts += facts
        if facts:
            self._committed = self._timer()

    def beat(self) -> Beat:
        """What there is to say now."""
        repeats = [(partition, *counts) for work in self._works for partition, counts in sorted(work.repeats.items())]
        lost, trouble = self._lost_senders()
        return Beat(
            self._holder,
            self._facts,
            sum(work.conflicts for work in self._works),
            sum(work.outages for work in self._works),
            committed=None if self._committed is None else self._timer() - self._committed,
            repeats=repeats,
            revision=self._revision,
            lost_senders=lost,
            sender_trouble=trouble,
        )

    async def seal_some(self, conn: Conn) -> None:
        """Seal some of what is in the clear, from an hour after the start on; then look again each hour."""
        if self._timer() >= self._seals_at and await self._sealing.seal_some(conn) is None:
            self._seals_at = self._timer() + LOOK_AGAIN

    async def learn(self, conn: Conn) -> None:
        """Have Postgres count tables that it knows nothing of; where it would not, say so once, and ask again in an
        hour."""
        if self._timer() < self._learns_at:
            return
        if refused := (await statistics.learn(conn)).refused:
            if self._learns_at < 0:
                log.warning(MAY_NOT_ANALYZE, *[", ".join(refused)] * 2, conn.info.user)
            self._learns_at = self._timer() + LOOK_AGAIN

    async def count(self, conn: Conn) -> None:
        """Count some of the messages, where there are many; once all are counted, again after a while."""
        if self._timer() >= self._counts_at:
            self._counted = await counting.count_some(conn, self._counted)
            self._counts_at = 0.0 if self._counted else self._timer() + counting.AGAIN

    async def look(self, conn: Conn) -> None:
        """Look at the next persons; once all were looked at, an hour later again, or once a campaign keeps them for
        longer or shorter."""
        changed = await terms.changed_at(conn)
        if changed == self._terms_of and self._timer() < self._looks_at:
            return
        if changed != self._terms_of:
            self._terms_of, self._looked_until = changed, START
        after = await survey(conn, self._looked_until)
        self._looked_until = after or START
        self._looks_at = 0.0 if after else self._timer() + LOOK_AGAIN

    async def do(self, conn: Conn) -> None:
        """Do some of what is due, by the clock that is behind of the worker's and the database's: what is erased does
        not come back once a clock is set right."""
        await carry_out(conn, min(self._clock(), await persons.clock(conn)))

    async def sweep(self, conn: Conn) -> None:
        """Take away some of what is too old."""
        await retention.sweep(conn, self._days)
        await let_lapse(conn, UNCONFIRMED, self._clock())

    async def draw_anew(self, conn: Conn) -> None:
        """Draw some of what another version wrote; once nothing is left, look again in an hour."""
        if self._timer() >= self._draws_at:
            after = await STEPS[self._step](conn, self._drawn_until)
            self._drawn_until = after or START
            self._step = self._step if after else (self._step + 1) % len(STEPS)
            self._draws_at = 0.0 if after or self._step else self._timer() + LOOK_AGAIN

    async def alone(self, conn: Conn, work: Callable[[Conn], Awaitable[None]]) -> None:
        """Do this if of all workers it is this one that does what one is enough for."""
        if self._timer() >= self._asks_at:
            self._leads = await leases.hold(conn, leases.UPKEEP, holder=self._holder, seconds=UPKEEP_FOR)
            self._asks_at = self._timer() + BEAT_EVERY
        if self._leads:
            await work(conn)

    async def tell(self, conn: Conn) -> None:
        """Say how this worker gets on."""
        await beats.note(conn, self.beat())
        await beats.hold_open(conn, self._revision)

    async def note_erasures(self, conn: Conn) -> None:
        """Note those that the register lacks."""
        # At the first look: a worker is made while the master key of a new home is not there yet.
        self._register = self._register or self._make_register()
        await note_all(conn, self._register)

    def attach(self, app: faust.App) -> None:
        """Let the app's clock see to it."""
        for every, work in (
            (LEARN_EVERY, self.learn),
            (BEAT_EVERY, self.tell),
            (NOTE_EVERY, self.note_erasures),
        ):
            app.timer(every)(self._persisting(work))
        for every, work in (
            (DRAW_EVERY, self.draw_anew),
            (SEAL_EVERY, self.seal_some),
            (LOOK_EVERY, self.look),
            (DO_EVERY, self.do),
            (COUNT_EVERY, self.count),
            (SWEEP_EVERY, self.sweep),
        ):
            app.timer(every)(self._persisting(partial(self.alone, work=work)))

    def _persisting(self, work: Callable[[Conn], Awaitable[object]]) -> Callable[[], Awaitable[None]]:
        async def persist() -> None:
            await self._aside.persist(work)

        return persist


# What another version of Yinfeng wrote is drawn anew, one after the other: each takes a place after which to go on, and
# returns the next; None when nothing is left.
STEPS: Final[tuple[Callable[[Conn, JourneyKey], Awaitable[JourneyKey | None]], ...]] = (
    catch_up,
    part_crowded,
    tag_journeys,
    draw_persons,
)
