"""Who may do what only one may do at a time: a row that its holder renews, and that another may take once it lapsed.

A lock of a connection's would be kept by whoever stands still. `Lease` is synchronous, like the relay.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from psycopg import Connection

from schemas.errors import Fenced
from storage.database import Conn, translated

RELAY: Final = "relay"
TELLER: Final = "teller"  # of the workers, the one that tells on topics what comes of targets and messages
DRAIN: Final = "drain"  # of the workers, one into which facts pour
UPKEEP: Final = "upkeep"  # of the workers, the one that does beside its work what one is enough for

_TAKE: Final = """
INSERT INTO leases AS l (name, holder, fence, expires_at)
VALUES (%(name)s, %(holder)s, 1, now() + make_interval(secs => %(seconds)s))
ON CONFLICT (name) DO UPDATE
SET holder = excluded.holder, fence = l.fence + 1, expires_at = excluded.expires_at
WHERE l.expires_at < now() OR l.holder = excluded.holder
RETURNING fence
"""
_IS_HELD: Final = "SELECT EXISTS (SELECT FROM leases WHERE name = %s AND expires_at > now())"
_RENEW: Final = """
UPDATE leases SET expires_at = now() + make_interval(secs => %s) WHERE name = %s AND fence = %s RETURNING 1
"""
_RELEASE: Final = "UPDATE leases SET expires_at = '-infinity' WHERE name = %s AND fence = %s"


class Lease:
    """One lease, on one connection. Every method raises DatabaseUnavailable when Postgres is away."""

    def __init__(
        self,
        connection: Connection[Any],
        name: str,
        *,
        holder: str,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`holder` is the name of who asks, unlike any other's; it lapses `seconds` after the last renewal."""
        self._connection, self._name, self._holder, self._seconds = connection, name, holder, seconds
        self._clock, self._renew_at = clock, 0.0
        self.fence = 0

    def take(self) -> bool:
        """Whether we hold it from now on."""
        asked = {"name": self._name, "holder": self._holder, "seconds": self._seconds}
        with translated():
            row = self._connection.execute(_TAKE, asked).fetchone()
        self.fence = row[0] if row else 0
        return row is not None

    def keep(self) -> None:
        """Hold it for longer, where a tenth of its time has passed since that was done. To be called in each round:
        whoever stood still asks before he goes on. Raises Fenced when another took it meanwhile."""
        if self._clock() >= self._renew_at:
            self.renew()

    def renew(self) -> None:
        """Hold it for longer. Raises Fenced when another took it meanwhile."""
        self._renew_at = self._clock() + self._seconds / 10
        with translated():
            row = self._connection.execute(_RENEW, [self._seconds, self._name, self.fence]).fetchone()
        if row is None:
            raise Fenced(f"another {self._name} leads by now")

    def release(self) -> None:
        """Let another take it at once."""
        with translated():
            self._connection.execute(_RELEASE, [self._name, self.fence])


async def hold(conn: Conn, name: str, *, holder: str, seconds: float) -> bool:
    """Whether `holder` has the lease for so many seconds from now on, taken or renewed."""
    cursor = await conn.execute(_TAKE, {"name": name, "holder": holder, "seconds": seconds})
    return await cursor.fetchone() is not None


async def is_held(conn: Conn, name: str) -> bool:
    """Whether somebody has the lease."""
    row = await (await conn.execute(_IS_HELD, [name])).fetchone()
    return bool(row and row[0])
