"""The Faust app: an agent on `yinfeng.facts` that applies micro-batches, and what is announced of them."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import faust
from yarl import URL

from schemas.settings import Settings
from schemas.topics import FACTS, FACTS_GROUP, TOPICS
from storage.announcements import Standing, standing
from streams.announce import Announcer
from streams.applier import Applier
from streams.intake import read_ahead
from streams.transport import ChunkedTransport

log = logging.getLogger(__name__)

CHUNKS = 8  # messages of a batch, each of many records
POURING_FOR = 0.5  # seconds after a large batch
FAIRS_INTERVAL = 1.0  # seconds between looks whether a fair has ended


def make_app(settings: Settings) -> faust.App:
    """A Faust app for these settings (database and Kafka named), without agents as yet."""
    broker = [URL(f"kafka://{address}") for address in (settings.kafka or "").split(",")]
    app = faust.App(
        FACTS_GROUP,
        broker=broker,
        datadir=str(settings.home / "faust"),
        store="memory://",
        key_serializer="raw",
        value_serializer="raw",
        topic_partitions=TOPICS[FACTS][0],
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
        consumer_auto_offset_reset="earliest",
        broker_session_timeout=settings.group_session_timeout,
        broker_rebalance_timeout=settings.group_session_timeout,
        broker_heartbeat_interval=settings.group_session_timeout / 3,
        broker_commit_interval=1.0,
        # A batch that a rebalance interrupts is applied again elsewhere, or found applied: no need to hold it up.
        stream_wait_empty=False,
        stream_buffer_maxsize=2 * CHUNKS,
        producer_acks=-1,
    )
    app.chunk_size = max(1, settings.batch_size // CHUNKS)
    app.read_ahead = {FACTS: read_ahead}
    app.transport = ChunkedTransport(broker, app)
    return app


def attach(app: faust.App, settings: Settings, *, ready: Callable[[], None]) -> Callable[[], bool]:
    """Give the app its agent, its announcer and its look at the clock; `ready` is called when partitions are here.

    Returns what tells whether facts are pouring in, so that other work can stand back.
    """
    pouring = Pouring(settings.batch_size)
    applier = Applier(settings.database_url or "", clock=_now)
    watcher = Applier(settings.database_url or "", clock=_now)

    async def publish(topic: str, key: str, value: bytes, headers: dict[str, str]) -> None:
        await app.producer.send_and_wait(topic, key.encode(), value, None, None, _raw(headers))

    async def read() -> Standing:
        return await watcher.persist(standing)

    announcer = Announcer(read, publish, interval=settings.progress_interval, clock=_now)

    async def apply_facts(stream: faust.StreamT[Any]) -> None:
        async for chunks in stream.take(CHUNKS, within=settings.batch_within):
            applied = await applier.apply([message for chunk in chunks for message in chunk])
            pouring.note(applied.facts)
            announcer.note(applied)

    async def announce() -> None:
        await announcer.run()

    async def count_fairs() -> None:
        announcer.note(await watcher.count_fairs())

    async def close() -> None:
        await applier.close()
        await watcher.close()

    async def assigned(_: Any, *args: Any, **kwargs: Any) -> None:
        ready()

    topic = app.topic(FACTS, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")
    app.agent(topic, name="facts")(apply_facts)
    app.task(announce)
    app.timer(FAIRS_INTERVAL)(count_fairs)
    app.on_partitions_assigned.connect(assigned, weak=False)
    app.on_before_shutdown.connect(_closing(close), weak=False)
    return pouring


class Pouring:
    """Whether facts are pouring in: the last batch was a large one, and not long ago."""

    def __init__(self, batch_size: int) -> None:
        self._large = batch_size // 4
        self._until = 0.0

    def note(self, facts: int) -> None:
        """A batch of so many facts was applied."""
        self._until = time.monotonic() + POURING_FOR if facts >= self._large else 0.0

    def __call__(self) -> bool:
        return time.monotonic() < self._until


def _raw(headers: dict[str, str]) -> list[tuple[str, bytes]]:
    return [(name, text.encode()) for name, text in headers.items()]


def _closing(close: Callable[[], Any]) -> Callable[..., Any]:
    async def handle(_: Any, *args: Any, **kwargs: Any) -> None:
        await close()

    return handle


def _now() -> datetime:
    return datetime.now(UTC)
