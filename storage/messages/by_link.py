"""What a signed link leads to: the message that it came with, and what was said by links like it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from psycopg.rows import class_row

from schemas.facts import Fact
from storage.database import Conn
from storage.ledger import read_event
from storage.messages.sending import Claimed

_FIND = """
SELECT id, kind, campaign, candidate, params, attempts, recipient FROM messages
WHERE id = %s AND candidate IS NOT NULL AND NOT forgotten
"""
_NEWEST = """
SELECT id, kind, campaign, candidate, params, attempts, source, fact FROM messages
WHERE campaign = %(campaign)s AND candidate = %(candidate)s AND kind = %(kind)s AND NOT forgotten
ORDER BY id DESC LIMIT 1
"""
# Also what waits to be applied: who said something reads it at once.
_SAID = """
SELECT f.event::text, EXISTS (
    SELECT FROM retractions r WHERE (r.campaign, r.source, r.id) = (f.campaign, f.source, f.id)) AS retracted
FROM facts f WHERE f.campaign = %(campaign)s AND f.candidate = %(candidate)s AND f.source = %(source)s
ORDER BY f.seq
"""
RETRACTED: Final = "fact.retracted"


@dataclass(frozen=True, slots=True)
class Linked:
    """A message to a candidate, and the address that it went to, if it has."""

    id: int
    kind: str
    campaign: str
    candidate: str
    params: dict[str, Any]
    attempts: int
    recipient: str | None


async def find(conn: Conn, id: int) -> Linked | None:
    """The message; None where there is none, or nothing of it is left since its candidate was erased."""
    async with conn.cursor(row_factory=class_row(Linked)) as cursor:
        await cursor.execute(_FIND, [id])
        return await cursor.fetchone()


async def newest(conn: Conn, campaign: str, kind: str, candidate: str) -> Claimed | None:
    """The newest message of a kind to a candidate; never a forgotten one."""
    async with conn.cursor(row_factory=class_row(Claimed)) as cursor:
        await cursor.execute(_NEWEST, {"campaign": campaign, "kind": kind, "candidate": candidate})
        return await cursor.fetchone()


@dataclass(frozen=True, slots=True)
class Said:
    """What a source has said of a candidate, the oldest first: what stands, and what was taken back. `count`: how
    often it ever spoke, taking back included."""

    standing: list[Fact]
    taken_back: list[Fact]
    count: int


async def said(conn: Conn, source: str, campaign: str, candidate: str) -> Said:
    """All that this source has said of a candidate."""
    values = {"source": source, "campaign": campaign, "candidate": candidate}
    rows = [(read_event(event), gone) for event, gone in await (await conn.execute(_SAID, values)).fetchall()]
    gone = {fact.identity for fact, retracted in rows if retracted}
    gone |= {(fact.data["source"], fact.data["id"]) for fact, _ in rows if fact.type == RETRACTED}
    facts = [fact for fact, _ in rows if fact.type != RETRACTED]
    return Said(
        [fact for fact in facts if fact.identity not in gone],
        [fact for fact in facts if fact.identity in gone],
        len(rows),
    )
