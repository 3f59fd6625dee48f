"""Kafka messages that are no facts, and facts that could not be applied, each kept with the reason, sealed: under the
key of the person whom they seem to speak of, or the campaign's, or the platform's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

import msgspec
from psycopg.rows import class_row, dict_row

from schemas.errors import NotFound
from schemas.facts import fact_key
from storage.arrays import columns
from storage.database import Conn
from storage.ledger.ledger import JourneyKey
from storage.ledger.speaking_of import said_at, whose_is
from storage.vault.keeping import Keeper
from storage.vault.keys import LONG_AGO
from storage.vault.process import vault


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A message as it lay on its topic, and why it could not be used. `id` is None until it is stored; `sealed` and
    `about`, what others may see of it, are known then."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes
    headers: dict[str, str]
    reason: str
    id: int | None = None
    at: datetime | None = None
    sealed: bytes = b""
    about: str = ""


class _Inside(msgspec.Struct, array_like=True):
    """What is sealed of a letter."""

    key: bytes | None
    value: bytes
    headers: dict[str, str]
    reason: str


_BURY: Final = """
INSERT INTO dead_letters (topic, partition, "offset", digest, value, headers, reason, campaign, candidate, sealed)
SELECT t, p, o, d, '', '{}', '', c, n, s
FROM unnest(%b::text[], %b::int[], %b::bigint[], %b::bytea[], %b::text[], %b::text[], %b::bytea[])
     AS u(t, p, o, d, c, n, s)
ON CONFLICT DO NOTHING
"""
_ROWS: Final = """
SELECT id, topic, partition, "offset", key, value, headers, reason, at, sealed, coalesce(campaign, '') AS campaign,
       coalesce(candidate, '') AS candidate
FROM dead_letters
"""
_CLEAR: Final = """
SELECT id, topic, partition, "offset", key, value, headers, reason, at FROM dead_letters
WHERE sealed IS NULL ORDER BY id LIMIT %s FOR UPDATE
"""
_SEAL: Final = """
UPDATE dead_letters d SET key = NULL, value = '', headers = '{}', reason = '', digest = u.digest,
    campaign = u.campaign, candidate = u.candidate, sealed = u.sealed
FROM unnest(%b::bigint[], %b::bytea[], %b::text[], %b::text[], %b::bytea[])
     AS u(id, digest, campaign, candidate, sealed)
WHERE d.id = u.id
"""
_ABOUT: Final = """
DELETE FROM dead_letters WHERE (campaign, candidate) IN (SELECT * FROM unnest(%s::text[], %s::text[]))
"""
# Of an earlier version: in the clear, by their keys alone.
_KEYED: Final = "DELETE FROM dead_letters WHERE key = ANY(%b::bytea[])"
_PURPOSE: Final = "letter"


async def bury(conn: Conn, letters: Sequence[DeadLetter]) -> list[DeadLetter]:
    """Store dead letters; one that is stored already is left as it is. Returns them with what others may see. Of who
    was erased it is kept that there was one, unless it says that it was said later."""
    whose = [whose_is(letter.key, letter.value) for letter in letters]
    keeper = await _keeper(conn, whose, letters)
    buried = [_buried(keeper, key, letter) for key, letter in zip(whose, letters, strict=True)]
    rows = [
        [each.topic for each in buried],
        [each.partition for each in buried],
        [each.offset for each in buried],
        [keeper.digest(_PURPOSE, each.value) for each in buried],
        [campaign for campaign, _ in whose],
        [candidate for _, candidate in whose],
        [each.sealed for each in buried],
    ]
    await conn.execute(_BURY, rows)
    return buried


async def listed(conn: Conn, *, after: int = 0, limit: int = 100) -> list[DeadLetter]:
    """Dead letters in order, after the given id."""
    return await _read(conn, f"{_ROWS} WHERE id > %s ORDER BY id LIMIT %s", [after, limit])


async def about(conn: Conn, key: JourneyKey, *, hidden: bool = False) -> list[DeadLetter]:
    """Those that seem to speak of a person; of who is restricted for `hidden` alone (see storage.vault.persons)."""
    told = fact_key(*key).encode()
    return await _read(
        conn, f"{_ROWS} WHERE (campaign, candidate) = (%s, %s) OR key = %s ORDER BY id", [*key, told], hidden=hidden
    )


async def fetch(conn: Conn, id: int) -> DeadLetter:
    """One dead letter. Raises NotFound."""
    found = await _read(conn, f"{_ROWS} WHERE id = %s", [id], hidden=True)
    if not found:
        raise NotFound(f"there is no dead letter {id}; `yinfeng dead-letters list` shows them")
    return found[0]


async def drop(conn: Conn, ids: Sequence[int]) -> int:
    """Delete dead letters for good. Returns how many there were."""
    cursor = await conn.execute("DELETE FROM dead_letters WHERE id = ANY(%s)", [list(ids)])
    return cursor.rowcount


async def forget(conn: Conn, persons: Iterable[JourneyKey]) -> None:
    """Delete those that speak of these persons."""
    wanted = sorted(persons)
    await conn.execute(_ABOUT, columns(wanted, 2))
    await conn.execute(_KEYED, [[fact_key(*person).encode() for person in wanted]])


async def count(conn: Conn) -> int:
    """How many dead letters there are."""
    cursor = await conn.execute("SELECT count(*) FROM dead_letters")
    row = await cursor.fetchone()
    return int(row[0]) if row else 0


async def count_clear(conn: Conn) -> int:
    """How many an earlier version kept in the clear."""
    row = await (await conn.execute("SELECT count(*) FROM dead_letters WHERE sealed IS NULL")).fetchone()
    return int(row[0]) if row else 0


async def seal_some(conn: Conn, limit: int) -> int:
    """Seal some of those that an earlier version kept in the clear, or the relay has set aside. Within a transaction;
    returns how many."""
    async with conn.cursor(row_factory=class_row(DeadLetter)) as cursor:
        await cursor.execute(_CLEAR, [limit])
        letters = await cursor.fetchall()
    whose = [whose_is(letter.key, letter.value) for letter in letters]
    keeper = await _keeper(conn, whose, letters)
    rows = [
        [each.id for each in letters],
        [keeper.digest(_PURPOSE, each.value) for each in letters],
        [campaign for campaign, _ in whose],
        [candidate for _, candidate in whose],
        [_buried(keeper, key, each).sealed for key, each in zip(whose, letters, strict=True)],
    ]
    await conn.execute(_SEAL, rows)
    return len(letters)


async def _keeper(conn: Conn, whose: Sequence[JourneyKey], letters: Sequence[DeadLetter]) -> Keeper:
    """Seals letters of these persons. A life that begins with one of them gets its key here."""
    latest: dict[JourneyKey, datetime] = {}
    for key, letter in zip(whose, letters, strict=True):
        latest[key] = max(said_at(letter.value, letter.headers), latest.get(key, LONG_AGO))
    return await vault().keeper(conn, latest, said=latest)


def _buried(keeper: Keeper, whose: JourneyKey, letter: DeadLetter) -> DeadLetter:
    inside = _Inside(letter.key, letter.value, letter.headers, letter.reason)
    campaign, candidate = whose
    lives = keeper.is_of_this_life(whose, said_at(letter.value, letter.headers))
    sealed = keeper.seal(whose, _PURPOSE, msgspec.json.encode(inside)) if lives else None
    return replace(letter, sealed=sealed or b"", about=fact_key(campaign, candidate or None))


async def _read(conn: Conn, query: str, values: Sequence[Any], *, hidden: bool = False) -> list[DeadLetter]:
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(query, values)
        rows = await cursor.fetchall()
    whose = {(row["campaign"], row["candidate"]) for row in rows if row["sealed"]}
    reader = await vault().reader(conn, whose, hidden=hidden)
    return [_opened(reader, row) for row in rows]


def _opened(reader: Keeper, row: dict[str, Any]) -> DeadLetter:
    whose, sealed = (row.pop("campaign"), row.pop("candidate")), row.pop("sealed")
    if sealed is None:
        return DeadLetter(**row)
    opened = reader.open(whose, _PURPOSE, sealed) if sealed else None
    if opened is None:
        return DeadLetter(**{**row, "reason": "its person was erased, or is restricted"})
    inside = msgspec.json.decode(opened, type=_Inside)
    return DeadLetter(**{**row, **msgspec.structs.asdict(inside)})
