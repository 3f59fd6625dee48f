"""How many messages there are of each kind, channel and status.

Few are counted when somebody asks. Of many, workers count some at a time, beside their work, and keep what came of it:
so whoever asks is told at once, and nothing that changes a message waits for a number.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from storage.arrays import columns
from storage.database import Conn
from storage.statistics import estimate

MessageCounts = dict[tuple[str, str, str], int]  # by kind, channel ("" for none yet), status

FEW: Final = 50_000  # some ten milliseconds
PORTION: Final = 25_000
AGAIN: Final = 30.0  # seconds after which what was counted is counted again

_ALL: Final = "SELECT kind, coalesce(channel, ''), status, count(*) FROM messages GROUP BY 1, 2, 3"
_ESTIMATE: Final = f"SELECT {estimate('messages')}"
_KEPT: Final = "SELECT kind, channel, status, number, extract(epoch FROM now() - at)::float FROM message_counts"
_SOME: Final = """
SELECT kind, coalesce(channel, ''), status, count(*), max(id)
FROM (SELECT id, kind, channel, status FROM messages WHERE id > %s ORDER BY id LIMIT %s) AS portion GROUP BY 1, 2, 3
"""
_KEEP: Final = """
INSERT INTO message_counts (kind, channel, status, number)
SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::bigint[])
"""


@dataclass(frozen=True, slots=True)
class MessageNumbers:
    """What was found, and how many seconds ago."""

    numbers: MessageCounts
    age: float = 0.0


@dataclass(frozen=True, slots=True)
class PartCount:
    """What was counted of messages up to `after`."""

    after: int = 0
    numbers: Counter[tuple[str, str, str]] = field(default_factory=Counter)


async def count(conn: Conn) -> MessageNumbers:
    """How many there are; of many, how many there were when they were counted last. Many that were never counted are
    counted through."""
    if await _are_many(conn) and (kept := await (await conn.execute(_KEPT)).fetchall()):
        return MessageNumbers({(row[0], row[1], row[2]): row[3] for row in kept}, age=kept[0][4])
    rows = await (await conn.execute(_ALL)).fetchall()
    return MessageNumbers({(kind, channel, status): number for kind, channel, status, number in rows})


async def count_some(conn: Conn, part: PartCount | None) -> PartCount | None:
    """Count a portion more, from the beginning where nothing was counted yet. Once all are counted it is kept; returns
    None then, and where there is nothing to do: there are few, or they were counted a moment ago."""
    if part is None and (not await _are_many(conn) or await _are_fresh(conn)):
        return None
    part = part or PartCount()
    rows = await (await conn.execute(_SOME, [part.after, PORTION])).fetchall()
    found = Counter({(kind, channel, status): number for kind, channel, status, number, _ in rows})
    numbers = part.numbers + found
    if found.total() == PORTION:
        return PartCount(max(last for *_, last in rows), numbers)
    await _keep(conn, numbers)
    return None


async def _keep(conn: Conn, numbers: MessageCounts) -> None:
    async with conn.transaction():
        await conn.execute("DELETE FROM message_counts")
        await conn.execute(_KEEP, columns([(*key, number) for key, number in sorted(numbers.items())], 4))


async def _are_many(conn: Conn) -> bool:
    row = await (await conn.execute(_ESTIMATE)).fetchone()
    return row is not None and row[0] > FEW


async def _are_fresh(conn: Conn) -> bool:
    row = await (await conn.execute(f"{_KEPT} LIMIT 1")).fetchone()
    return row is not None and row[4] < AGAIN
