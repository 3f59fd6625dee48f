"""The state of the whole in a few numbers, for `yinfeng status` and `/metrics`."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from storage.database import Conn

_COUNTS = """
SELECT pg_stat_get_live_tuples('facts'::regclass),
       (SELECT count(*) FROM pending),
       coalesce((SELECT extract(epoch FROM now() - min(f.received_at)) FROM
                 (SELECT seq FROM pending ORDER BY seq LIMIT 1) p JOIN facts f USING (seq)), 0)::float,
       (SELECT count(*) FROM dead_letters)
"""


@dataclass(frozen=True, slots=True)
class Overview:
    """`unapplied_age` in seconds; `messages` by (kind, status); `targets` as (campaign, target, progress, goal).

    `facts` is Postgres's own count, some seconds old: counting millions at every look would cost more than it tells.
    """

    facts: int
    unapplied: int
    unapplied_age: float
    dead_letters: int
    messages: dict[tuple[str, str], int]
    targets: list[tuple[str, str, Decimal, Decimal]]


async def overview(conn: Conn) -> Overview:
    """Read it."""
    counts = await (await conn.execute(_COUNTS)).fetchone()
    assert counts is not None
    messages = await (await conn.execute("SELECT kind, status, count(*) FROM messages GROUP BY 1, 2")).fetchall()
    targets = await (
        await conn.execute("SELECT campaign, target, progress, goal FROM targets ORDER BY 1, 2")
    ).fetchall()
    facts, unapplied, unapplied_age, dead = counts
    by_status = {(kind, status): count for kind, status, count in messages}
    return Overview(facts, unapplied, unapplied_age, dead, by_status, targets)
