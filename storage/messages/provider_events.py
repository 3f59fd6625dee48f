"""What providers told of messages, each event once: for as long as one may be told again. For the metrics they are
counted by day as they come: to count millions at every look would cost more than it tells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from storage.arrays import columns
from storage.database import Conn

Finding = Literal["ours", "unknown", "foreign"]
DAYS_KEPT: Final = 30

_NOTE = """
INSERT INTO provider_events (event, fingerprint, name, message, finding)
SELECT * FROM unnest(%b::text[], %b::text[], %b::text[], %b::bigint[], %b::text[])
ON CONFLICT DO NOTHING RETURNING fingerprint
"""
_TODAY = "(now() AT TIME ZONE 'UTC')::date"
_COUNT = f"""
INSERT INTO provider_event_days AS d (day, name, finding, number)
SELECT {_TODAY}, * FROM unnest(%s::text[], %s::text[], %s::bigint[])
ON CONFLICT (day, name, finding) DO UPDATE SET number = d.number + excluded.number
"""
_COUNTED = f"""
SELECT name, finding, sum(number)::bigint FROM provider_event_days WHERE day > {_TODAY} - {DAYS_KEPT} GROUP BY 1, 2
"""
_FORGET_COUNTS = f"DELETE FROM provider_event_days WHERE day <= {_TODAY} - {DAYS_KEPT}"


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
    values = [
        [each.event for each in ordered],
        [each.fingerprint for each in ordered],
        [each.name for each in ordered],
        [each.message for each in ordered],
        [each.finding for each in ordered],
    ]
    cursor = await conn.execute(_NOTE, values)
    return {fingerprint for (fingerprint,) in await cursor.fetchall()}


async def count(conn: Conn, events: Iterable[Noted]) -> None:
    """Count events that were not known. Others who count wait for this transaction's end, so that it comes last."""
    numbers = sorted(Counter((each.name, each.finding) for each in events).items())
    if numbers:
        rows = [(name, finding, number) for (name, finding), number in numbers]
        await conn.execute(_COUNT, columns(rows, 3))


async def counted(conn: Conn) -> dict[tuple[str, Finding], int]:
    """How many were told in the last days, by name and finding."""
    rows = await (await conn.execute(_COUNTED)).fetchall()
    return {(name, finding): number for name, finding, number in rows}


async def prune(conn: Conn) -> int:
    """Forget events that are too old to be told again. Returns how many."""
    await conn.execute(_FORGET_COUNTS)
    query = "DELETE FROM provider_events WHERE received_at < now() - make_interval(days => %s)"
    return (await conn.execute(query, [DAYS_KEPT])).rowcount
