"""What an earlier version left in the clear: counted, and sealed in portions while the platform runs.

Each table is gone through as its rows are numbered, a stretch at a time: so a worker can do it beside its work.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from storage.database import Conn
from storage.journeys import documents, unconfirmed
from storage.ledger import dead_letters, ledger
from storage.ledger.events import WHOLE, read_event
from storage.messages import in_clear as messages
from storage.vault.emptying import CLEAR_FIELDS, CLEAR_VALUES, MAYBE_CLEAR
from storage.vault.process import vault
from storage.vault.sealing import personal

PORTION: Final = 200  # rows sealed between turns for others: some tens of milliseconds
STRETCH: Final = 5000  # numbers looked at in one transaction
_FACTS: Final = f"""
SELECT seq, {WHOLE} FROM facts f WHERE seq > %(after)s AND seq <= %(upto)s AND {MAYBE_CLEAR} ORDER BY seq
"""
_HELD: Final = f"SELECT seq, {WHOLE} FROM facts f WHERE seq = ANY(%b) ORDER BY seq FOR UPDATE"
_JOURNEYS: Final = "SELECT count(*) FROM journeys WHERE drawn IS DISTINCT FROM version"
# Of those alone that facts asked for: of others, "reason" is what HR said of a fair.
_ASKED: Final = f"""
fact IS NOT NULL AND candidate IS NOT NULL AND params ?| {CLEAR_FIELDS} AND id > %(after)s AND id <= %(upto)s
"""
_PARAMS: Final = f"UPDATE messages SET params = params - {CLEAR_FIELDS} WHERE {_ASKED}"
_PARAMS_LEFT: Final = f"SELECT id FROM messages WHERE {_ASKED}"
_LAST: Final = "SELECT coalesce(max({number}), 0) FROM {table}"


@dataclass(slots=True)
class InClear:
    """How much is there that could be read without a key."""

    facts: int = 0
    journeys: int = 0
    messages: int = 0
    mails: int = 0
    files: int = 0
    answers: int = 0
    addresses: int = 0
    letters: int = 0
    documents: int = 0
    signups: int = 0

    def __bool__(self) -> bool:
        return any(getattr(self, name) for name in self.__slots__)

    def __str__(self) -> str:
        return ", ".join(f"{getattr(self, name)} {name}" for name in self.__slots__ if getattr(self, name)) or "nothing"


@dataclass(frozen=True, slots=True)
class ClearPart:
    """One kind of thing that may be in the clear. `table` and `number`: how far there is to go, None where `seal` and
    `count` need no number. Both are told a stretch (after, up to), and return how many they sealed or found."""

    what: str
    table: str | None
    number: str
    seal: Callable[[Conn, int, int], Awaitable[int]]
    count: Callable[[Conn, int, int], Awaitable[int]]


async def last(conn: Conn, part: ClearPart) -> int:
    """The highest number of a part's table."""
    if part.table is None:
        return 1
    query = _LAST.format(number=part.number, table=part.table)
    row = await (await conn.execute(query.encode())).fetchone()
    return int(row[0]) if row else 0


async def seal_stretch(conn: Conn, part: ClearPart, after: int) -> tuple[int, int]:
    """Seal what is in the clear of the numbers behind this one. Returns up to which it looked, and how many it
    sealed."""
    upto = after + STRETCH
    async with conn.transaction():
        return upto, await part.seal(conn, after, upto)


async def count(conn: Conn) -> InClear:
    """Look at everything. Nothing is to be found once all is sealed."""
    found = InClear(journeys=await _count_journeys(conn))
    for part in PARTS:
        after, end = 0, await last(conn, part)
        while after < end:
            there = await part.count(conn, after, after + STRETCH)
            setattr(found, part.what, getattr(found, part.what) + there)
            after += STRETCH
    return found


async def _seal_facts(conn: Conn, after: int, upto: int) -> int:
    clear = await _clear_facts(conn, after, upto)
    for start in range(0, len(clear), PORTION):
        # They may have been sealed or emptied since they were looked at.
        held = await (await conn.execute(_HELD, [clear[start : start + PORTION]])).fetchall()
        facts = [(seq, read_event(event)) for seq, event in held]
        sealed = await vault().seal(conn, [fact for _, fact in facts])
        await ledger.rewrite(conn, [(seq, fact) for (seq, _), fact in zip(facts, sealed, strict=True)])
    return len(clear)


async def _count_facts(conn: Conn, after: int, upto: int) -> int:
    return len(await _clear_facts(conn, after, upto))


async def _clear_facts(conn: Conn, after: int, upto: int) -> list[int]:
    rows = await (await conn.execute(_FACTS, {**CLEAR_VALUES, "after": after, "upto": upto})).fetchall()
    return [seq for seq, event in rows if personal(read_event(event).event)]


async def _count_journeys(conn: Conn) -> int:
    """Those that another version stored last: they may say who somebody is."""
    row = await (await conn.execute(_JOURNEYS)).fetchone()
    return int(row[0]) if row else 0


async def _empty_params(conn: Conn, after: int, upto: int) -> int:
    """What they tell is read from their facts."""
    return (await conn.execute(_PARAMS, {**CLEAR_VALUES, "after": after, "upto": upto})).rowcount


async def _count_params(conn: Conn, after: int, upto: int) -> int:
    return (await conn.execute(_PARAMS_LEFT, {**CLEAR_VALUES, "after": after, "upto": upto})).rowcount


@dataclass(frozen=True, slots=True)
class _Rows:
    """Rows of messages' tables: what finds those in the clear, the table's name in that query, and what seals them."""

    query: str
    lock: str
    sealed_by: Callable[[Conn, list[Any]], Awaitable[None]]

    async def seal(self, conn: Conn, after: int, upto: int) -> int:
        rows = await messages.read(conn, self.query, after, upto, lock=self.lock)
        for start in range(0, len(rows), PORTION):
            await self.sealed_by(conn, rows[start : start + PORTION])
        return len(rows)

    async def count(self, conn: Conn, after: int, upto: int) -> int:
        return len(await messages.read(conn, self.query, after, upto))


async def _seal_some(seal: Callable[[Conn, int], Awaitable[int]], conn: Conn, after: int, upto: int) -> int:
    done = 0
    while some := await seal(conn, PORTION):
        done += some
    return done


async def _count_some(count: Callable[[Conn], Awaitable[int]], conn: Conn, after: int, upto: int) -> int:
    return await count(conn)


def _rows_of(what: str, table: str, number: str, rows: _Rows) -> ClearPart:
    return ClearPart(what, table, number, rows.seal, rows.count)


def _few_of(what: str, module: Any) -> ClearPart:
    return ClearPart(what, None, "", partial(_seal_some, module.seal_some), partial(_count_some, module.count_clear))


PARTS: Final[tuple[ClearPart, ...]] = (
    ClearPart("facts", "facts", "seq", _seal_facts, _count_facts),
    ClearPart("messages", "messages", "id", _empty_params, _count_params),
    _rows_of("messages", "messages", "id", _Rows(messages.MESSAGES, "messages", messages.seal_messages)),
    _rows_of("mails", "mails", "message", _Rows(messages.MAILS, "w", messages.seal_mails)),
    _rows_of("files", "mail_attachments", "message", _Rows(messages.FILES, "a", messages.seal_files)),
    _rows_of("answers", "message_attempts", "id", _Rows(messages.ANSWERS, "a", messages.seal_answers)),
    _rows_of("addresses", "suppressions", "id", _Rows(messages.ADDRESSES, "s", messages.seal_addresses)),
    _few_of("letters", dead_letters),
    _few_of("documents", documents),
    _few_of("signups", unconfirmed),
)
