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
_MESSAGES = "SELECT kind, coalesce(channel, ''), status, count(*) FROM messages GROUP BY 1, 2, 3"
_SUPPRESSIONS = "SELECT kind, count(*) FROM suppressions WHERE lifted_at IS NULL GROUP BY 1"
_PROVIDER_EVENTS = "SELECT name, finding, count(*) FROM provider_events GROUP BY 1, 2"


@dataclass(frozen=True, slots=True)
class Overview:
    """`unapplied_age` in seconds; `messages` by (kind, channel or "", status); `suppressions` in force by kind;
    `provider_events` of the last 30 days by (name, finding); `targets` as (campaign, target, progress, goal).

    `facts` is Postgres's own count, some seconds old: counting millions at every look would cost more than it tells.
    """

    facts: int
    unapplied: int
    unapplied_age: float
    dead_letters: int
    messages: dict[tuple[str, str, str], int]
    suppressions: dict[str, int]
    provider_events: dict[tuple[str, str], int]
    targets: list[tuple[str, str, Decimal, Decimal]]


async def overview(conn: Conn) -> Overview:
    """Read it."""
    counts = await (await conn.execute(_COUNTS)).fetchone()
    assert counts is not None
    messages = await (await conn.execute(_MESSAGES)).fetchall()
    suppressed = await (await conn.execute(_SUPPRESSIONS)).fetchall()
    events = await (await conn.execute(_PROVIDER_EVENTS)).fetchall()
    targets = await (
        await conn.execute("SELECT campaign, target, progress, goal FROM targets ORDER BY 1, 2")
    ).fetchall()
    facts, unapplied, unapplied_age, dead = counts
    return Overview(
        facts,
        unapplied,
        unapplied_age,
        dead,
        {(kind, channel, status): number for kind, channel, status, number in messages},
        dict(suppressed),
        {(name, finding): number for name, finding, number in events},
        targets,
    )
