"""The outbox as the relay sees it: what waits to be published, in order. Synchronous, like the relay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from psycopg import Connection

from schemas.facts import fact_key
from storage.database import translated
from storage.ledger import PENDING_CHANNEL

_LEADER: Final = 0x52454C41
_NEXT: Final = """
SELECT p.seq, f.campaign, f.candidate, f.event::text
FROM pending p JOIN facts f USING (seq)
WHERE p.published_at IS NULL ORDER BY p.seq LIMIT %s
"""
_STALE: Final = """
UPDATE pending SET published_at = NULL WHERE seq IN (
    SELECT seq FROM pending WHERE published_at < now() - make_interval(secs => %s) ORDER BY seq LIMIT %s
)
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

    def lead(self) -> bool:
        """Whether this relay is the one that publishes. Order per key is kept because only one does at a time;
        the lock goes with the connection, and another relay takes over."""
        with translated():
            row = self._connection.execute("SELECT pg_try_advisory_lock(%s)", [_LEADER]).fetchone()
        return bool(row and row[0])

    def listen(self) -> None:
        """From now on, `wait` returns early when facts are accepted."""
        with translated():
            self._connection.execute(f"LISTEN {PENDING_CHANNEL}")

    def wait(self, seconds: float) -> None:
        """Sleep until facts are accepted, or for so long."""
        with translated():
            for _ in self._connection.notifies(timeout=seconds, stop_after=1):
                pass

    def next(self, limit: int) -> list[Waiting]:
        """The oldest facts that were not published yet."""
        with translated():
            rows = self._connection.execute(_NEXT, [limit]).fetchall()
        return [Waiting(seq, fact_key(campaign, candidate), event) for seq, campaign, candidate, event in rows]

    def published(self, seqs: Sequence[int]) -> None:
        """Note that the broker has these."""
        with translated():
            self._connection.execute("UPDATE pending SET published_at = now() WHERE seq = ANY(%s)", [list(seqs)])

    def publish_all_again(self) -> None:
        """Forget what was published: the broker may have lost it. What is applied has left the outbox."""
        with translated():
            self._connection.execute("UPDATE pending SET published_at = NULL WHERE published_at IS NOT NULL")

    def publish_stale_again(self, seconds: float, limit: int) -> int:
        """The same for the oldest, `limit` at most, that nobody has applied for so long. Returns how many."""
        with translated():
            return self._connection.execute(_STALE, [seconds, limit]).rowcount
