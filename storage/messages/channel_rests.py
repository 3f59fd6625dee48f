"""Channels that rest, for those who look: why, since when, and how many messages wait."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final

from schemas.masking import masked
from storage.database import Conn

_NOTE: Final = """
INSERT INTO channel_rests (channel, kinds, reason, until) VALUES (%s, %s, %s, %s)
ON CONFLICT (channel) DO UPDATE SET reason = excluded.reason, until = excluded.until,
    kinds = ARRAY(SELECT DISTINCT unnest(channel_rests.kinds || excluded.kinds) ORDER BY 1)
"""
_LISTED: Final = """
SELECT r.reason, (SELECT count(*)::int FROM messages m WHERE m.status = 'requested' AND m.kind = ANY(r.kinds)
                  AND coalesce(m.not_before, m.requested_at) <= now())
FROM channel_rests r ORDER BY r.channel
"""


async def note(conn: Conn, channel: str, kinds: Collection[str], reason: str, until: datetime) -> None:
    """The channel rests until then, longer each time: `since` stays that of the first. What a mail server says often
    names the address that it refused."""
    await conn.execute(_NOTE, [channel, sorted(kinds), masked(reason), until])


async def over(conn: Conn, channel: str) -> None:
    """The channel works again."""
    await conn.execute("DELETE FROM channel_rests WHERE channel = %s", [channel])


async def listed(conn: Conn) -> list[tuple[str, int]]:
    """Why channels rest, and how many messages are due that wait for each."""
    return [(reason, count) for reason, count in await (await conn.execute(_LISTED)).fetchall()]
