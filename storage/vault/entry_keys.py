"""The platform's pairs of keys for facts that come sealed: one is given out, those before it still open."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import msgspec

from storage.arrays import columns
from storage.database import Conn
from storage.vault.entry import KEY_BYTES, EntryKey, EntryOpener, public_of
from storage.vault.master import Master, Randomness

KEPT: Final = 30  # days for which a pair opens after it was replaced
_CURRENT: Final = "SELECT public FROM vault.entry_key WHERE replaced_at IS NULL"
_ADD: Final = "INSERT INTO vault.entry_key (id, public, private) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING"
_REPLACE: Final = "UPDATE vault.entry_key SET replaced_at = now() WHERE replaced_at IS NULL"
_FORGET: Final = "DELETE FROM vault.entry_key WHERE replaced_at < now() - make_interval(days => %s)"
_PRIVATE: Final = "SELECT id, private FROM vault.entry_key WHERE id = ANY(%s)"
_OLD: Final = "SELECT id, private FROM vault.entry_key WHERE NOT starts_with(private, %s) FOR UPDATE"
_ANEW: Final = """
UPDATE vault.entry_key e SET private = u.private FROM unnest(%s::text[], %s::text[]) AS u(id, private) WHERE e.id = u.id
"""


async def current(conn: Conn, master: Master, randomness: Randomness) -> EntryKey:
    """The public key that is given out now; the first is made when it is asked for."""
    row = await (await conn.execute(_CURRENT)).fetchone()
    while row is None:  # another may have made one at the same moment
        await _make(conn, master, randomness)
        row = await (await conn.execute(_CURRENT)).fetchone()
    return EntryKey.read(row[0])


async def renew(conn: Conn, master: Master, randomness: Randomness) -> None:
    """Give out another key from now on, where one was given out. Those that were replaced long ago go."""
    async with conn.transaction():
        if (await conn.execute(_REPLACE)).rowcount:
            await _make(conn, master, randomness)
        await conn.execute(_FORGET, [KEPT])


async def opener(conn: Conn, master: Master, ids: Collection[str]) -> EntryOpener:
    """What opens facts that are sealed with these keys, as far as they are here."""
    rows = await (await conn.execute(_PRIVATE, [sorted(ids)])).fetchall() if ids else []
    return EntryOpener({id: master.unwrap(private, _about(id)) for id, private in rows})


async def wrap_anew(conn: Conn, master: Master) -> None:
    """Wrap all by the present master key."""
    async with conn.transaction():
        rows = await (await conn.execute(_OLD, [f"{master.current}:"])).fetchall()
        anew = [(id, master.wrap(master.unwrap(private, _about(id)), _about(id))) for id, private in rows]
        if anew:
            await conn.execute(_ANEW, columns(anew, 2))


async def _make(conn: Conn, master: Master, randomness: Randomness) -> None:
    private = randomness(KEY_BYTES)
    public = public_of(private)
    await conn.execute(_ADD, [public.id, str(public), master.wrap(private, _about(public.id))])


def _about(id: str) -> bytes:
    return msgspec.json.encode(["entry", id])
