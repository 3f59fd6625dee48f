"""Who goes that was never more than a form."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from storage import messages
from storage.access import own_pages
from storage.database import Conn
from storage.journeys import addresses, unconfirmed
from storage.ledger import dead_letters
from storage.vault.process import vault

LAPSED_AT_ONCE: Final = 500
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


async def let_lapse(conn: Conn, days: int, now: datetime) -> int:
    """Take away some of the signups that nobody confirmed for so many days; of whom nothing else is known, all that was
    kept. Returns of how many persons."""
    async with conn.transaction():
        lapsed = await unconfirmed.lapse(conn, days, LAPSED_AT_ONCE)
        unknown = await vault().keys.discard(conn, lapsed) if lapsed else []
        if unknown:
            await messages.forget(conn, dict.fromkeys(unknown, (now - _EPOCH) // timedelta(microseconds=1)))
            await dead_letters.forget(conn, unknown)
            await addresses.forget(conn, unknown)
            await own_pages.forget(conn, unknown)
    return len(unknown)
