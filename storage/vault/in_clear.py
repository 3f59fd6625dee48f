"""What an earlier version left in the clear: counted, and sealed in portions while the platform runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from schemas.catalogue import CATALOGUE
from schemas.sealed import personal_fields
from storage.database import Conn
from storage.ledger import ledger
from storage.ledger.ledger import read_event
from storage.vault.process import vault
from storage.vault.sealing import PLAIN_ATTRIBUTES, personal

PORTION: Final = 1000
_FIELDS: Final = sorted({field for type in CATALOGUE for field in personal_fields(type)})
_ATTRIBUTES: Final = sorted(PLAIN_ATTRIBUTES)
# Nearly all that may have something personal in it: what has, is looked at one by one.
_FACTS: Final = """
SELECT seq, event::text FROM facts
WHERE seq > %s AND (event->'data' ?| %b OR event - %b::text[] <> '{}') ORDER BY seq LIMIT %s
"""
_HELD: Final = "SELECT seq, event::text FROM facts WHERE seq = ANY(%b) ORDER BY seq FOR UPDATE"
_JOURNEYS: Final = "SELECT count(*) FROM journeys WHERE drawn IS DISTINCT FROM version"
# Of those alone that facts asked for: of others, "reason" is what HR said of a fair.
_PARAMS: Final = """
UPDATE messages SET params = params - %(fields)b::text[] WHERE id = ANY(ARRAY(
    SELECT id FROM messages WHERE fact IS NOT NULL AND candidate IS NOT NULL AND params ?| %(fields)b
    ORDER BY id LIMIT %(limit)s))
"""
_MESSAGES_LEFT: Final = """
SELECT count(*) FROM messages WHERE fact IS NOT NULL AND candidate IS NOT NULL AND params ?| %(fields)b
"""


@dataclass(frozen=True, slots=True)
class InClear:
    """How much is there that could be read without a key."""

    facts: int
    journeys: int
    messages: int

    def __bool__(self) -> bool:
        return bool(self.facts or self.journeys or self.messages)


async def seal_facts(conn: Conn, after: int) -> tuple[int, int] | None:
    """Seal a portion of the facts behind this number. Returns the last number that was looked at and how many were
    sealed; None where no more come."""
    rows = await (await conn.execute(_FACTS, [after, _FIELDS, _ATTRIBUTES, PORTION])).fetchall()
    if not rows:
        return None
    clear = [seq for seq, event in rows if personal(read_event(event).event)]
    async with conn.transaction():
        # They may have been sealed or emptied since they were looked at.
        held = await (await conn.execute(_HELD, [clear])).fetchall()
        facts = [(seq, read_event(event)) for seq, event in held]
        sealed = await vault().seal(conn, [fact for _, fact in facts])
        await ledger.rewrite(conn, [(seq, fact) for (seq, _), fact in zip(facts, sealed, strict=True)])
    return rows[-1][0], len(clear)


async def empty_messages(conn: Conn) -> int:
    """Take what is personal out of a portion of messages' parameters; what they tell is read from their facts."""
    return (await conn.execute(_PARAMS, {"fields": _FIELDS, "limit": PORTION})).rowcount


async def count(conn: Conn) -> InClear:
    """Look at everything. Nothing is to be found once all is sealed."""
    return InClear(await _facts(conn), await _count_journeys(conn), await _messages(conn))


async def _facts(conn: Conn) -> int:
    found, after = 0, 0
    while rows := await (await conn.execute(_FACTS, [after, _FIELDS, _ATTRIBUTES, PORTION])).fetchall():
        found += sum(bool(personal(read_event(event).event)) for _, event in rows)
        after = rows[-1][0]
    return found


async def _count_journeys(conn: Conn) -> int:
    """Those that another version stored last: they may say who somebody is."""
    row = await (await conn.execute(_JOURNEYS)).fetchone()
    return int(row[0]) if row else 0


async def _messages(conn: Conn) -> int:
    row = await (await conn.execute(_MESSAGES_LEFT, {"fields": _FIELDS})).fetchone()
    return int(row[0]) if row else 0
