"""Who is erased; and persons who are so by the register, in a database that does not know it: a copy from before."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final

from schemas.errors import NotFound
from schemas.facts import Fact, validate_event
from storage import messages
from storage.arrays import columns
from storage.database import Conn
from storage.ledger import dead_letters
from storage.ledger.ledger import JourneyKey
from storage.vault.accepting import accept
from storage.vault.process import vault

SOURCE: Final = "/yinfeng/register"
# What a person is called may be the word of one with whom they were merged. The worker draws it anew.
_FORGET_WITH: Final = """
UPDATE vault.person p SET name = NULL, profile = NULL, pinyin = NULL, initials = NULL, sought = NULL, phone = NULL,
    email = NULL, namesake = NULL, drawn = NULL
FROM journeys j JOIN unnest(%s::text[], %s::text[]) AS k(campaign, candidate) USING (campaign, candidate)
WHERE (p.campaign, p.candidate) = (j.campaign, j.merged_into)
"""
# Also where that is accepted, and waits to be applied. Who began another life since has a key.
_GONE: Final = """
SELECT k.campaign, k.candidate FROM unnest(%(campaigns)s::text[], %(candidates)s::text[]) AS k(campaign, candidate)
LEFT JOIN vault.person p USING (campaign, candidate)
WHERE (p.erased_at IS NOT NULL AND p.key IS NULL) OR EXISTS (
    SELECT FROM facts f JOIN pending USING (seq)
    WHERE f.campaign = k.campaign AND f.candidate = k.candidate AND f.type = 'candidate.erased')
"""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


async def erase_again(conn: Conn, erased: Mapping[JourneyKey, datetime]) -> int:
    """Destroy their keys and all that is known of them at once, before anything is served, and say so in facts, which
    the worker applies to their journeys. Within a transaction. Returns how many."""
    cuts = {person: (at - _EPOCH) // timedelta(microseconds=1) for person, at in erased.items()}
    await vault().erase(conn, cuts)
    await conn.execute(_FORGET_WITH, columns(list(cuts), 2))
    await dead_letters.forget(conn, cuts)
    await messages.forget(conn, cuts)
    facts = [_said(person, at) for person, at in erased.items()]
    if facts:
        await accept(conn, facts, posted_by=None)
    return len(facts)


async def gone(conn: Conn, persons: Collection[JourneyKey]) -> set[JourneyKey]:
    """Which of these persons were erased, or are about to be, and began no other life."""
    campaigns, candidates = columns(list(persons), 2)
    cursor = await conn.execute(_GONE, {"campaigns": campaigns, "candidates": candidates})
    return {(campaign, candidate) for campaign, candidate in await cursor.fetchall()}


async def erased_at(conn: Conn, person: JourneyKey) -> datetime:
    """When a person asked to be erased last. Raises NotFound for who never did."""
    query = "SELECT erased_at FROM vault.person WHERE (campaign, candidate) = (%s, %s) AND erased_at IS NOT NULL"
    row = await (await conn.execute(query, list(person))).fetchone()
    if row is None:
        raise NotFound(f"nobody was erased as {person[1]!r} in the campaign {person[0]!r}")
    at: datetime = row[0]
    return at


def _said(person: JourneyKey, at: datetime) -> Fact:
    campaign, candidate = person
    return validate_event(
        {
            "specversion": "1.0",
            "id": sha256(f"{campaign}/{candidate} {at.isoformat()}".encode()).hexdigest(),
            "source": SOURCE,
            "type": "candidate.erased",
            "time": at.isoformat(),
            "data": {"campaign": campaign, "candidate": candidate},
        }
    )
