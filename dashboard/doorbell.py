"""A word by Postgres' NOTIFY that targets may have changed. It is heard, never believed: the numbers are read from the
tables (see `dashboard/live.py`), so that a word that is lost delays a page by half a second and misleads none.

The topic `yinfeng.progress` says the same to others. A page does not wait for it: a fact would go through the broker
twice before it is seen, and pages would stand still with the broker.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from schemas.errors import Unavailable
from storage.campaigns import announcements
from storage.database import connect

log = logging.getLogger(__name__)

FIRST_DELAY: Final = 0.5  # seconds before another try
MAX_DELAY: Final = 10.0
SILENCE: Final = 5.0  # seconds without a word after which the server is asked whether it is there


async def listen(database_url: str, ring: Callable[[], None]) -> None:
    """Ring at each word from now on, until cancelled; while Postgres is away, try again with back-off."""
    delay = FIRST_DELAY
    while True:
        try:
            async with await connect(database_url, name="web") as conn:
                await announcements.listen(conn)
                ring()  # for what was missed
                delay = FIRST_DELAY
                while True:
                    if await announcements.heard(conn, SILENCE):
                        ring()
        except Unavailable as error:
            log.warning("changes of targets can't be heard: %s; trying again in %g s", error, delay)
            await asyncio.sleep(delay)
            delay = min(delay * 2, MAX_DELAY)
