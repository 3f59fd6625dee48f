"""Whether facts pour in: then whoever applies them needs the processor more than a sender."""

from __future__ import annotations

from typing import Protocol

from storage import leases
from storage.database import Conn


class Drain(Protocol):
    """How it stood at the last look. `goes_on`: facts pour in over any worker, and mails go out slowly."""

    @property
    def goes_on(self) -> bool: ...

    async def look(self, conn: Conn) -> None:
        """Look how it stands now."""


class DrainSeen:
    """As workers say, by a lease that one of them holds meanwhile."""

    def __init__(self) -> None:
        self.goes_on = False

    async def look(self, conn: Conn) -> None:
        self.goes_on = await leases.is_held(conn, leases.DRAIN)


class NoDrain:
    """Where nobody else needs the processor."""

    goes_on = False

    async def look(self, conn: Conn) -> None:
        """Nothing ever changes."""
