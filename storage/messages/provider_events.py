"""What providers told of messages, each event once: for as long as one may be told again, and for the metrics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from storage.database import Conn

Finding = Literal["ours", "unknown", "foreign"]
DAYS_KEPT: Final = 30

_NOTE = """
INSERT INTO provider_events (event, fingerprint, name, message, finding)
SELECT * FROM unnest(%b::text[], %b::text[], %b::text[], %b::bigint[], %b::text[])
ON CONFLICT DO NOTHING RETURNING fingerprint
"""


@dataclass(frozen=True, slots=True)
class Noted:
    """One event by two names of its own, either of which tells that it is known: the provider's, and what it says.

    `finding`: about a message of ours, about one that there isn't, or about none.
    """

    event: str
    fingerprint: str
    name: str
    message: int | None
    finding: Finding


async def note(conn: Conn, events: Sequence[Noted]) -> set[str]:
    """Note events; returns the fingerprints of those that were not known."""
    ordered = sorted(events, key=lambda each: (each.event, each.fingerprint))
    columns = [
        [each.event for each in ordered],
        [each.fingerprint for each in ordered],
        [each.name for each in ordered],
        [each.message for each in ordered],
        [each.finding for each in ordered],
    ]
    cursor = await conn.execute(_NOTE, columns)
    return {fingerprint for (fingerprint,) in await cursor.fetchall()}


async def prune(conn: Conn) -> int:
    """Forget events that are too old to be told again. Returns how many."""
    query = "DELETE FROM provider_events WHERE received_at < now() - make_interval(days => %s)"
    return (await conn.execute(query, [DAYS_KEPT])).rowcount
