"""The outbox as the relay sees it: what waits to be published, in order. Synchronous, like the relay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from psycopg import Connection

from schemas.facts import fact_key
from schemas.topics import FACTS
from storage.database import translated
from storage.ledger.events import WHOLE
from storage.ledger.ledger import PENDING_CHANNEL
from storage.ledger.positions import Log

UNSIZED: Final = 16 * 1024  # bytes taken for an event that an earlier version accepted without noting its size
NOWHERE: Final = -1  # the partition of a dead letter that never was on a topic; its offset is its ledger number

_NEXT: Final = f"""
SELECT w.seq, f.campaign, f.candidate, {WHOLE}
FROM (
    SELECT p.seq, sum(coalesce(p.size, %(unsized)s)) OVER (ORDER BY p.seq) - coalesce(p.size, %(unsized)s) AS before
    FROM (SELECT seq, size FROM pending WHERE published_at IS NULL ORDER BY seq LIMIT %(rows)s) p
) w JOIN facts f USING (seq)
WHERE w.before < %(bytes)s ORDER BY w.seq
"""
_PUBLISHED: Final = """
WITH noted AS (
    UPDATE topics SET published_at = now()
    WHERE topic = %s AND coalesce(published_at, '-infinity') < now() - interval '1 second'
)
UPDATE pending SET published_at = now() WHERE seq = ANY(%s)
  AND EXISTS (SELECT FROM leases WHERE name = 'relay' AND fence = %s)
"""
_STALE: Final = "SELECT EXISTS (SELECT FROM pending WHERE published_at < now() - make_interval(secs => %s))"
_AGAIN: Final = """
UPDATE pending SET published_at = NULL WHERE seq = ANY(ARRAY(
    SELECT seq FROM pending WHERE published_at <= now() - make_interval(secs => %s) LIMIT %s))
"""
AT_ONCE: Final = 20_000  # rows of a statement, which may not take long
_SET_ASIDE: Final = """
WITH taken AS (DELETE FROM pending WHERE seq = %(seq)s RETURNING seq),
     fact AS (DELETE FROM facts f USING taken WHERE f.seq = taken.seq RETURNING f.seq)
INSERT INTO dead_letters (topic, partition, "offset", digest, key, value, headers, reason)
SELECT %(topic)s, %(nowhere)s, seq, %(digest)s, %(key)s, %(value)s, '{}', %(reason)s FROM fact
ON CONFLICT DO NOTHING
"""
_SEEN: Final = "SELECT cluster, topic, topic_id FROM topics WHERE topic = %s"
_SEE: Final = """
INSERT INTO topics (topic, cluster, topic_id, max_bytes) VALUES (%(topic)s, %(cluster)s, %(topic_id)s, %(max_bytes)s)
ON CONFLICT (topic) DO UPDATE SET cluster = excluded.cluster, topic_id = excluded.topic_id,
    max_bytes = excluded.max_bytes, seen_at = now()
"""
_POSITIONS: Final = """
SELECT partition, next_offset FROM positions WHERE cluster = %s AND topic = %s AND topic_id = %s
"""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A fact to publish: its number in the ledger, its Kafka key, and the event as JSON."""

    seq: int
    key: str
    event: str


class Outbox:
    """The outbox on one connection. Every method raises DatabaseUnavailable when Postgres is away."""

    def __init__(self, connection: Connection[Any]) -> None:
        self._connection = connection

    def listen(self) -> None:
        """From now on, `wait` returns early when facts are accepted. What is noted on this connection waits for no
        disk any more: a note that a crash of Postgres loses means that facts are published again, and claimed once."""
        with translated():
            self._connection.execute("SET synchronous_commit TO off")
            self._connection.execute(f"LISTEN {PENDING_CHANNEL}")

    def wait(self, seconds: float) -> None:
        """Sleep until facts are accepted, or for so long."""
        with translated():
            for _ in self._connection.notifies(timeout=seconds, stop_after=1):
                pass

    def next(self, *, rows: int, size: int) -> list[Waiting]:
        """The oldest facts that were not published yet: so many at most, and no more once they have `size` bytes."""
        asked = {"rows": rows, "bytes": size, "unsized": UNSIZED}
        with translated():
            found = self._connection.execute(_NEXT, asked).fetchall()
        return [Waiting(seq, fact_key(campaign, candidate), event) for seq, campaign, candidate, event in found]

    def published(self, seqs: Sequence[int], *, fence: int) -> None:
        """Note that the broker has these, while the lease of this fence is held."""
        with translated():
            self._connection.execute(_PUBLISHED, [FACTS, list(seqs), fence])

    def set_aside(self, fact: Waiting, reason: str) -> None:
        """Move a fact that can't be published from the ledger to the dead letters: it may be posted again."""
        value = fact.event.encode()
        row = {"seq": fact.seq, "topic": FACTS, "nowhere": NOWHERE, "key": fact.key.encode(), "value": value}
        with translated():
            self._connection.execute(_SET_ASIDE, {**row, "digest": sha256(value).digest(), "reason": reason})

    def has_stale(self, seconds: float) -> bool:
        """Whether anything was published so long ago that has not been applied."""
        with translated():
            row = self._connection.execute(_STALE, [seconds]).fetchone()
        return bool(row and row[0])

    def publish_again(self, *, after: float = 0.0) -> int:
        """Forget that facts were published, so many seconds ago or more: the broker may have lost them. What is applied
        has left the outbox. Returns how many."""
        count, last = 0, AT_ONCE
        while last == AT_ONCE:
            with translated():
                last = self._connection.execute(_AGAIN, [after, AT_ONCE]).rowcount
            count += last
        return count

    def seen(self) -> Log | None:
        """The log to which facts were published last, by any relay."""
        with translated():
            row = self._connection.execute(_SEEN, [FACTS]).fetchone()
        return Log(*row) if row else None

    def see(self, log: Log, max_bytes: int) -> None:
        """Note the log to which facts are published from now on, and the largest record that it takes."""
        asked = {"topic": log.topic, "cluster": log.cluster, "topic_id": log.topic_id, "max_bytes": max_bytes}
        with translated():
            self._connection.execute(_SEE, asked)

    def positions(self, log: Log) -> dict[int, int]:
        """How far each partition has been applied."""
        with translated():
            rows = self._connection.execute(_POSITIONS, [log.cluster, log.topic, log.topic_id]).fetchall()
        return dict(rows)
