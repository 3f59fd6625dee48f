"""Master keys and the database: which of them wrapped keys here, and wrapping all anew after a rotation."""

from __future__ import annotations

from typing import Final

from schemas.errors import CannotOpen, ConfigurationError
from storage.arrays import columns
from storage.database import Conn
from storage.vault import entry_keys
from storage.vault.keys import about
from storage.vault.master import Master

PORTION: Final = 2000
_PROOF: Final = b"Yinfeng"
_ABOUT: Final = b"proof"
_PROOFS: Final = "SELECT id, proof FROM vault.master ORDER BY made_at DESC, id"
_NOTE: Final = "INSERT INTO vault.master (id, proof) VALUES (%s, %s) ON CONFLICT (id) DO NOTHING"
_OLD: Final = """
SELECT campaign, candidate, life, key FROM vault.person
WHERE key IS NOT NULL AND NOT starts_with(key, %s) AND (campaign, candidate) > (%s, %s)
ORDER BY campaign, candidate LIMIT %s
"""
# Only where the key is still the one that was read: it may be destroyed meanwhile.
_ANEW: Final = """
UPDATE vault.person p SET key = u.anew
FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[]) AS u(campaign, candidate, key, anew)
WHERE (p.campaign, p.candidate) = (u.campaign, u.candidate) AND p.key = u.key
"""
_FORGET: Final = """
DELETE FROM vault.master m WHERE m.id <> %s AND NOT (m.id = ANY(%s))
  AND NOT EXISTS (SELECT FROM vault.person p WHERE starts_with(p.key, m.id || ':'))
  AND NOT EXISTS (SELECT FROM vault.entry_key e WHERE starts_with(e.private, m.id || ':'))
"""


async def has_masters(conn: Conn) -> bool:
    """Whether any master key has wrapped here, so that a new one would be of no use."""
    row = await (await conn.execute("SELECT EXISTS (SELECT FROM vault.master)")).fetchone()
    return bool(row and row[0])


async def require_master(conn: Conn, master: Master) -> None:
    """Note the present master key, and prove all that wrapped keys here. Raises ConfigurationError, naming the one
    that is missing or is another, before anything is sealed with what nobody can open later."""
    for id, proof in await (await conn.execute(_PROOFS)).fetchall():
        try:
            right = master.unwrap(proof, _ABOUT) == _PROOF
        except CannotOpen:
            right = False
        if not right:
            raise ConfigurationError(
                f"the master key {id} is not the one that wrapped the keys of this database: put back the master.key"
                " that belongs to it"
            )
    await _note(conn, master)


async def wrap_anew(conn: Conn, master: Master) -> int:
    """Wrap all keys by the present master key, in portions; what was sealed is left as it is. Returns how many. Master
    keys that nothing needs any more are forgotten, save the one before. Harmless to break off and to call again."""
    await _note(conn, master)
    count, after, current = 0, ("", ""), master.current
    while rows := await (await conn.execute(_OLD, [f"{current}:", *after, PORTION])).fetchall():
        anew = [
            (campaign, candidate, key, _again(master, key, about(campaign, candidate, life)))
            for campaign, candidate, life, key in rows
        ]
        count += (await conn.execute(_ANEW, columns(anew, 4))).rowcount
        after = rows[-1][:2]
    await entry_keys.wrap_anew(conn, master)
    await _forget(conn, current)
    return count


def _again(master: Master, wrapped: str, whose: bytes) -> str:
    return master.wrap(master.unwrap(wrapped, whose), whose)


async def _note(conn: Conn, master: Master) -> None:
    proof = master.wrap(_PROOF, _ABOUT)
    await conn.execute(_NOTE, [proof.partition(":")[0], proof])


async def _forget(conn: Conn, current: str) -> None:
    rows = await (await conn.execute(_PROOFS)).fetchall()
    before = [id for id, _ in rows if id != current][:1]
    await conn.execute(_FORGET, [current, before])
