"""The Faust app: an agent on `yinfeng.facts` that shares chunks out to lanes, and what is announced of their work."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import socket
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import faust
from aiokafka.errors import KafkaError
from faust.exceptions import NotReady, ProducerSendError
from yarl import URL

from schemas.errors import BrokerUnavailable
from schemas.kafka import Security
from schemas.settings import Settings
from schemas.topics import FACTS, FACTS_GROUP, TOPICS
from storage.bell import Bell
from storage.campaigns import announcements
from storage.ledger.positions import Log
from streams import raw_records
from streams.announce import Announcer, Publish
from streams.applier import Applier, FairCounter
from streams.apply import Applied
from streams.breakdowns import BreakdownCounter
from streams.draining import Draining
from streams.flow import Flow
from streams.lanes import Lanes
from streams.persisting import Persistence
from streams.placing import Placer
from streams.tallying import Tallier
from streams.telling import Telling
from streams.transport import NoTables, PlacedTransport
from streams.upkeep import Losses, Upkeep

log = logging.getLogger(__name__)

LANES = 3
CHUNKS = 8  # of a whole batch
FETCH_BYTES = 4 * 1024 * 1024  # of a partition at a time: more than the largest record that its topic takes
# aiokafka leaves the group when nobody polls for so long, and then waits for a poll before it joins again; Faust waits
# for the join before it polls. A worker that waited long for Postgres stood still for good. Whether a worker gets on is
# told by its pulse; the group need only know that it lives.
NEVER = 10 * 365 * 86400.0  # seconds
PARTITIONS_SEEN = 15  # seconds
PUBLISH_WITHIN = 20.0  # seconds
TALLY_INTERVAL = 0.5  # seconds between looks whether a large campaign has a target to count
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
        consumer_max_fetch_size=FETCH_BYTES,
        broker_credentials=_credentials(settings.kafka_access.security),
        broker_session_timeout=settings.group_session_timeout,
        broker_rebalance_timeout=settings.group_session_timeout,
        broker_heartbeat_interval=settings.group_session_timeout / 3,
        broker_max_poll_interval=NEVER,
        broker_commit_interval=1.0,
        # Partitions that are added are seen so soon; by default it would take five minutes.
        consumer_metadata_max_age_ms=PARTITIONS_SEEN * 1000,
        producer_metadata_max_age_ms=PARTITIONS_SEEN * 1000,
        # A batch that a rebalance interrupts is applied again elsewhere, or found applied: no need to hold it up.
        stream_wait_empty=False,
        stream_buffer_maxsize=4 * LANES * settings.batch_size,  # never filled: the flow's limit comes first
        producer_acks=-1,
        TableManager=NoTables,
    )
    raw_records.install()
    app.facts_topic = FACTS
    app.facts_flow = Flow(limit=2 * LANES * settings.batch_size, chunk_size=_chunk_size(settings), together=CHUNKS)
    app.transport = PlacedTransport(broker, app)
    return app


def _chunk_size(settings: Settings) -> int:
    return max(1, settings.batch_size // CHUNKS)


def _credentials(security: Security) -> faust.SASLCredentials | faust.SSLCredentials | None:
    """What Faust hands to its clients. Raises OSError when a file of TLS can't be used."""
    if security.mechanism:
        return faust.SASLCredentials(
            username=security.username,
            password=security.password,
            ssl_context=security.ssl_context(),
            mechanism=security.mechanism,
        )
    context = security.ssl_context()
    return faust.SSLCredentials(context) if context else None


def attach(
    app: faust.App,
    settings: Settings,
    *,
    identify: Callable[[], Awaitable[Log]],
    ready: Callable[[], None],
    pulse: Callable[[str | None], None],
    end: Callable[[Exception], Awaitable[None]],
    applied: Callable[[Applied], None],
    lost_senders: Losses,
) -> None:
    """Give the app its agent, its announcer and its look at the clock.

    `identify` tells which log the facts' topic is now, `ready` is called when partitions are here, `pulse` whenever
    reading or applying gets on, `applied` of what each batch did, `end` ends the process for an error that no record's
    values have led to. `lost_senders` tells how many senders of mails were lost, and what is amiss with them.
    """
    url = settings.database_url or ""
    batches = [Persistence(url, name="worker", jitter=_jitter, pulse=pulse) for _ in range(LANES)]
    # Used each second, so that a crash of the database is noticed soon: of what was committed without waiting for the
    # disk it may have undone some, of which nothing else would tell where no fact follows.
    watching = Persistence(url, name="worker", jitter=_jitter, anew=app.facts_flow.restart)
    fairs = FairCounter(watching, clock=_now)
    most = settings.batch_size - _chunk_size(settings) + 1  # with which another chunk makes no more than a batch
    lanes = Lanes(app.facts_flow, [Applier(batch, clock=_now) for batch in batches], most=most)
    holder = f"{socket.gethostname()}:{os.getpid()}"
    upkeep = Upkeep(settings, holder=holder, works=batches, aside=watching, lost_senders=lost_senders)
    app.identify, app.pulse = identify, pulse
    app.placer = Placer(watching.attempt)

    draining = Draining(watching, holder=holder, batch_size=settings.batch_size, chunk_size=_chunk_size(settings))
    announcer = Announcer(publisher(app), interval=settings.progress_interval)
    telling = Telling(url, publisher(app), holder=holder, interval=settings.progress_interval, clock=_now)

    # Nothing that takes long is done on its connection: pages wait for it.
    ringing = Persistence(url, name="worker", jitter=_jitter)
    bell = Bell(lambda: ringing.attempt(announcements.ring))

    def told(done: Applied) -> None:
        bell.ring()
        applied(done)
        draining.note_applied(done.facts)
        upkeep.note(done.facts)
        announcer.note(done)

    async def share_out(stream: faust.StreamT[Any]) -> None:
        async for chunk in stream:
            lanes.put(chunk)
            draining.note_read(len(chunk.records), app.facts_flow.waiting)

    tallier = Tallier(url, watching, told=announcer.note)
    counter = BreakdownCounter(url, watching)

    async def count_fairs() -> None:
        announcer.note(await fairs.count())  # once a second: pages see it by themselves

    async def close() -> None:
        await lanes.stop()
        await tallier.stop()
        await asyncio.gather(*(each.close() for each in (*batches, watching, ringing)))

    async def assigned(_: Any, *args: Any, **kwargs: Any) -> None:
        ready()

    topic = app.topic(FACTS, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")
    app.agent(topic, name="facts")(share_out)
    lanes.attach(app, told, end)
    for runs_on in (announcer, telling, draining):
        app.task(runs_on.run)
    app.timer(FAIRS_INTERVAL)(count_fairs)
    app.timer(TALLY_INTERVAL)(tallier.begin)
    app.timer(TALLY_INTERVAL)(counter.look)  # by itself: it waits for whoever holds a campaign, and counts for long
    upkeep.attach(app)
    app.on_partitions_assigned.connect(assigned, weak=False)
    app.on_before_shutdown.connect(_closing(close), weak=False)


def publisher(app: faust.App) -> Publish:
    """Puts one record on a topic. Raises BrokerUnavailable."""

    async def publish(topic: str, key: str, value: bytes, headers: dict[str, str]) -> None:
        try:
            sent = app.producer.send_and_wait(topic, key.encode(), value, None, None, _raw(headers))
            await asyncio.wait_for(sent, PUBLISH_WITHIN)
        except (KafkaError, ProducerSendError, NotReady, TimeoutError) as error:
            raise BrokerUnavailable(f"Kafka does not take what is told: {error or type(error).__name__}") from error

    return publish


def _raw(headers: dict[str, str]) -> list[tuple[str, bytes]]:
    return [(name, text.encode()) for name, text in headers.items()]


def _closing(close: Callable[[], Any]) -> Callable[..., Any]:
    async def handle(_: Any, *args: Any, **kwargs: Any) -> None:
        await close()

    return handle


def _now() -> datetime:
    return datetime.now(UTC)


def _jitter() -> float:
    return random.uniform(0.5, 1.5)  # noqa: S311 - spreads retries, guards nothing
