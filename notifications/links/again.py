"""Who signs up twice has the ticket again: the mail that told of it goes once more."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

from psycopg_pool import AsyncConnectionPool

from schemas.errors import ConcurrentChange, TooMany, Unavailable
from schemas.messages import MOVED_UP, SIGNUP_CONFIRMATION, WAITLISTED
from storage.access import throttles
from storage.database import Conn, borrowed
from storage.messages import by_link, statuses
from storage.messages.statuses import StatusChange

log = logging.getLogger(__name__)

TELLS: Final = (SIGNUP_CONFIRMATION, MOVED_UP, WAITLISTED)
REST: Final = timedelta(minutes=5)  # between two mails that somebody else may have asked for
WENT: Final = frozenset({"sent", "delivered", "dropped", "bounced"})


def make_send_again(pool: AsyncConnectionPool[Conn]) -> Callable[[str, str, str | None], Awaitable[None]]:
    """What lets the latest mail about a signup go once more, where one went. It raises nothing: who waits for an answer
    is not to learn of it."""

    async def send_again(campaign: str, candidate: str, fair: str | None) -> None:
        try:
            async with borrowed(pool) as conn:
                found = await by_link.told(conn, campaign, candidate, TELLS, fair)
                if found is None:
                    return
                await throttles.attempt(conn, f"again:{campaign}:{candidate}", 1, REST)
                async with conn.transaction():
                    known = (await statuses.lock(conn, [found])).get(found)
                    if known is not None and known.status in WENT and not known.forgotten:
                        note = "resent: its reader signed up again"
                        await statuses.move(conn, [StatusChange(found, "requested", "resent", None, note)])
        except TooMany:
            log.info("a ticket went again a moment ago")
        except (Unavailable, ConcurrentChange) as error:
            log.warning("no ticket goes again: %s", error)

    return send_again
