"""All that a sender's process does, until it is closed: it sends what is due, looks at fairs and the clock, settles
what is in doubt, and reads what came back."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import socket
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

from notifications.sending import doubts, scheduler
from notifications.sending.channel_routes import CONNECTIONS, make_routes
from notifications.sending.drain import DrainSeen
from notifications.sending.pacing import Pace
from notifications.sending.rendering import Renderer
from notifications.sending.reports import make_reports
from notifications.sending.route import Chance
from notifications.sending.sender import Sender
from notifications.sending.situation import Writer
from schemas.errors import ConcurrentChange, DatabaseUnavailable
from schemas.settings import Settings
from storage.database import borrowed, make_pool

log = logging.getLogger(__name__)

SWEEP_EVERY: Final = 2.0  # seconds
FAIRS_EVERY: Final = 10.0  # seconds


class Running:
    """A sender with all that it needs. `much` is called when more is due than it gets done in a while. `further`: it
    begins beside others, of this version too."""

    def __init__(self, settings: Settings, *, much: Callable[[], None], further: bool = False) -> None:
        self._pool = make_pool(settings.database_url or "", name="sender", size=CONNECTIONS)
        chance = Chance(_now, _jitter, DrainSeen(), much)
        routes = make_routes(settings, chance)
        writer = Writer(settings.mail_from_name, settings.base_url, settings.hr_email, settings.channels)
        owner = f"{socket.gethostname()}:{os.getpid()}:{random.getrandbits(32):08x}"
        pace = Pace(settings.mail_rate, settings.mail_domain_rate)
        self._sender = Sender(
            self._pool, routes, writer, Renderer(), owner=owner, chance=chance, pace=pace, further=further
        )
        self._reports = make_reports(settings, self._pool, owner)
        self._closing = asyncio.Event()

    def wake(self) -> None:
        """There may be something to send."""
        self._sender.wake()

    async def run(self) -> None:
        """Work until closed. An error that it raises is a fault of ours: what it was about did not get on."""
        async with self._pool:
            reading = [self._reports.run()] if self._reports else []
            await asyncio.gather(self._sender.run(interval=SWEEP_EVERY), self._see_to_fairs(), *reading)

    async def leave(self) -> None:
        """Begin nothing more; returns when all that was sent is recorded, however long that takes."""
        await self._sender.leave()

    async def close(self) -> None:
        """Begin nothing more; returns when all that was sent is recorded, or that takes too long."""
        self._closing.set()
        if self._reports:
            self._reports.close()
        await self._sender.close()

    async def _see_to_fairs(self) -> None:
        while not self._closing.is_set():
            try:
                async with borrowed(self._pool) as conn:
                    asked = await scheduler.look(conn, _now()) + await doubts.settle(conn)
                if asked:
                    self._sender.wake()
            except (DatabaseUnavailable, ConcurrentChange) as error:
                log.warning("%s; fairs are looked at later", error)
            with suppress(TimeoutError):
                async with asyncio.timeout(FAIRS_EVERY):
                    await self._closing.wait()


def _now() -> datetime:
    return datetime.now(UTC)


def _jitter() -> float:
    return random.uniform(0.5, 1.5)  # noqa: S311 - spreads retries, guards nothing
