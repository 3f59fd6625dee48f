"""The state of the whole in a few numbers, for `yinfeng status` and `/metrics`."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from storage import beats
from storage.beats import Beat
from storage.database import Conn
from storage.messages import counting, provider_events, report_mailboxes
from storage.messages.counting import MessageCounts
from storage.messages.provider_events import Finding
from storage.messages.report_mailboxes import MailboxState
from storage.statistics import estimate

_COUNTS = f"""
SELECT {estimate("facts")},
       (SELECT count(*) FROM pending),
       coalesce((SELECT extract(epoch FROM now() - min(f.received_at)) FROM
                 (SELECT seq FROM pending ORDER BY seq LIMIT 1) p JOIN facts f USING (seq)), 0)::float,
       (SELECT count(*) FROM dead_letters)
"""
_GAPS = "SELECT count(*), coalesce(sum(to_offset - from_offset), 0) FROM gaps"
# Of the log that the relay publishes to, where it has seen one.
_POSITIONS = """
SELECT p.partition, p.next_offset, extract(epoch FROM now() - p.moved_at)::float
FROM positions p JOIN topics t USING (cluster, topic, topic_id) ORDER BY p.partition
"""
_SERVER = """
SELECT (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()),
       (SELECT coalesce(max(age(backend_xmin)), 0) FROM pg_stat_activity),
       pg_notification_queue_usage(),
       (SELECT extract(epoch FROM now() - max(published_at))::float FROM topics)
"""
_SUPPRESSIONS = "SELECT kind, count(*) FROM suppressions WHERE lifted_at IS NULL GROUP BY 1"
_RESTS = "SELECT channel, extract(epoch FROM now() - since)::float FROM channel_rests"


@dataclass(frozen=True, slots=True)
class Overview:
    """`unapplied_age` in seconds; `messages` by (kind, channel or "", status), as they were `messages_age` seconds ago;
    `suppressions` in force by kind;
    `provider_events` of the last 30 days by (name, finding); `targets` as (campaign, target, progress, goal).

    `gaps` are how many, and of how many records; `positions` as (partition, next offset, seconds since it moved).
    `oldest_snapshot` in transactions since; `last_published`: seconds since a relay last published.
    `resting`: channels of messages that are of no use now, and for how many seconds.
    `mailboxes`: where mail comes back.

    `facts` is Postgres's own count, some seconds old: counting millions at every look would cost more than it tells. A
    Postgres that was killed has lost it: then it is what it counted last, until a worker has it count anew
    (storage/statistics.py).
    """

    facts: int
    unapplied: int
    unapplied_age: float
    dead_letters: int
    messages: MessageCounts
    messages_age: float
    suppressions: dict[str, int]
    provider_events: dict[tuple[str, Finding], int]
    targets: list[tuple[str, str, Decimal, Decimal]]
    gaps: tuple[int, int]
    positions: list[tuple[int, int, float]]
    workers: list[Beat]
    connections: int
    oldest_snapshot: int
    notification_queue: float
    last_published: float | None
    resting: dict[str, float]
    mailboxes: list[MailboxState]


async def overview(conn: Conn) -> Overview:
    """Read it."""
    counts = await (await conn.execute(_COUNTS)).fetchone()
    assert counts is not None
    messages = await counting.count(conn)
    suppressed = await (await conn.execute(_SUPPRESSIONS)).fetchall()
    rests = await (await conn.execute(_RESTS)).fetchall()
    targets = await (
        await conn.execute("SELECT campaign, target, progress, goal FROM targets ORDER BY 1, 2")
    ).fetchall()
    facts, unapplied, unapplied_age, dead = counts
    gaps = await (await conn.execute(_GAPS)).fetchone()
    positions = await (await conn.execute(_POSITIONS)).fetchall()
    server = await (await conn.execute(_SERVER)).fetchone()
    assert gaps is not None
    assert server is not None
    connections, oldest_snapshot, notification_queue, last_published = server
    return Overview(
        facts,
        unapplied,
        unapplied_age,
        dead,
        messages.numbers,
        messages.age,
        dict(suppressed),
        await provider_events.counted(conn),
        targets,
        (gaps[0], int(gaps[1])),
        positions,
        await beats.read(conn),
        connections,
        oldest_snapshot,
        notification_queue,
        last_published,
        dict(rests),
        await report_mailboxes.listed(conn),
    )
