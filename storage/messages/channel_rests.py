"""Channels that rest, for all senders and for those who look: why, since when, until when, and how many messages wait.

After its rest one sender tries one message ahead, while the others wait for what becomes of it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from schemas.masking import masked
from storage.database import Conn

_NOTE: Final = """
INSERT INTO channel_rests (channel, kinds, reason, until, failures) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (channel) DO UPDATE SET reason = excluded.reason,
    until = CASE WHEN channel_rests.failures >= excluded.failures THEN greatest(channel_rests.until, excluded.until)
            ELSE excluded.until END,
    failures = greatest(channel_rests.failures, excluded.failures),
    kinds = ARRAY(SELECT DISTINCT unnest(channel_rests.kinds || excluded.kinds) ORDER BY 1)
"""
_TURN: Final = """
WITH tried AS (
    UPDATE channel_rests SET until = %(held)s WHERE channel = %(channel)s AND until <= %(now)s RETURNING channel
)
SELECT until, failures, EXISTS (SELECT FROM tried) FROM channel_rests WHERE channel = %(channel)s
"""
_LISTED: Final = """
SELECT r.reason, (SELECT count(*)::int FROM messages m WHERE m.status = 'requested' AND m.kind = ANY(r.kinds)
                  AND coalesce(m.not_before, m.requested_at) <= now())
FROM channel_rests r ORDER BY r.channel
"""


@dataclass(frozen=True, slots=True)
class Rest:
    """A rest of a channel, after so many failures in a row. `tries`: it is over, and who asked is the one to try."""

    until: datetime
    failures: int
    tries: bool


async def turn(conn: Conn, channel: str, now: datetime, *, held: datetime) -> Rest | None:
    """How the channel stands now for one who would send by it; None: in order. Who is to try whether it works again is
    so until `held`, unless `note`, `over` or `put_back` comes before."""
    cursor = await conn.execute(_TURN, {"channel": channel, "now": now, "held": held})
    row = await cursor.fetchone()
    return Rest(*row) if row else None


async def put_back(conn: Conn, channel: str, until: datetime, *, held: datetime) -> None:
    """Whose turn was until `held` did not try it: the next one may. Nothing, where another has the turn by now."""
    await conn.execute("UPDATE channel_rests SET until = %s WHERE channel = %s AND until = %s", [until, channel, held])


async def note(
    conn: Conn, channel: str, kinds: Collection[str], reason: str, until: datetime, *, failures: int = 1
) -> None:
    """The channel rests until then, longer each time: `since` stays that of the first. What a mail server says often
    names the address that it refused."""
    await conn.execute(_NOTE, [channel, sorted(kinds), masked(reason), until, failures])


async def over(conn: Conn, channel: str) -> None:
    """The channel works again."""
    await conn.execute("DELETE FROM channel_rests WHERE channel = %s", [channel])


async def listed(conn: Conn) -> list[tuple[str, int]]:
    """Why channels rest, and how many messages are due that wait for each."""
    return [(reason, count) for reason, count in await (await conn.execute(_LISTED)).fetchall()]
