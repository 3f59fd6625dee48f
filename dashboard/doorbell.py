"""The topic `yinfeng.progress` as a doorbell: what it says is that something changed. It is rung, never believed:
the numbers are read from Postgres (see `dashboard/live.py`), so that a lost or old record can mislead nobody.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from schemas.kafka import KafkaAccess
from schemas.topics import PROGRESS

log = logging.getLogger(__name__)

FIRST_DELAY: Final = 0.5  # seconds before another try
MAX_DELAY: Final = 10.0
# A broker that came back with an empty topic may leave a consumer waiting for an offset that is far off.
# In so long a silence nothing is lost by asking anew where the end is.
SILENCE: Final = 15.0
# Seconds; short, in case a broker holds a fetch to its end whatever came in meanwhile.
FETCH_WAIT: Final = 0.05


async def listen(kafka: KafkaAccess, ring: Callable[[], None]) -> None:
    """Ring at each record from now on, until cancelled; while the broker is away, try again with back-off."""
    delay = FIRST_DELAY
    while True:
        try:
            await _follow(kafka, ring)
            delay = FIRST_DELAY
        except (KafkaError, OSError) as error:
            log.warning("%s can't be followed: %s; trying again in %g s", PROGRESS, error, delay)
            await asyncio.sleep(delay)
            delay = min(delay * 2, MAX_DELAY)


async def _follow(kafka: KafkaAccess, ring: Callable[[], None]) -> None:
    """Ring until the topic is silent. Without a group: every web process hears every record."""
    consumer = AIOKafkaConsumer(
        PROGRESS,
        bootstrap_servers=kafka.servers,
        **kafka.security.options(),
        client_id="yinfeng-web",
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="latest",
        fetch_max_wait_ms=int(FETCH_WAIT * 1000),
    )
    try:
        await consumer.start()
        ring()
        while await consumer.getmany(timeout_ms=int(SILENCE * 1000)):
            ring()
    finally:
        await consumer.stop()
