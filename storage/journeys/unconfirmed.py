"""Signups whose address is still to be confirmed, and addresses that people wrote on their own pages. What was typed is
sealed under the key of whom it will be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec
from psycopg.types.json import Jsonb

from storage.arrays import columns
from storage.database import Conn
from storage.ledger.ledger import JourneyKey
from storage.vault.process import vault

UnconfirmedForm = tuple[str, str, str]  # its name, campaign, candidate

_SEALED: Final = "sealed"
_TYPED: Final = "typed"
_KEEP: Final = """
INSERT INTO unconfirmed (signup, campaign, candidate, typed) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING
"""
_FETCH: Final = """
SELECT u.signup, u.campaign, u.candidate, u.typed FROM unconfirmed u
JOIN unnest(%s::text[], %s::text[], %s::text[]) AS k(signup, campaign, candidate) USING (signup, campaign, candidate)
"""
_NAMED: Final = "SELECT signup, campaign, candidate FROM unconfirmed WHERE signup = %s"
_CLEAR: Final = """
SELECT signup, campaign, candidate, typed FROM unconfirmed WHERE NOT typed ? 'sealed'
ORDER BY signup LIMIT %s FOR UPDATE
"""
_OF: Final = "SELECT signup, at FROM unconfirmed WHERE campaign = %s AND candidate = %s ORDER BY at, signup"
_FORMS: Final = """
SELECT u.signup, u.campaign, u.candidate FROM unconfirmed u
JOIN unnest(%s::text[], %s::text[]) AS k(campaign, candidate) USING (campaign, candidate) ORDER BY u.at DESC, u.signup
"""
_LAPSE: Final = """
DELETE FROM unconfirmed WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM unconfirmed WHERE at < now() - make_interval(days => %s) LIMIT %s))
RETURNING campaign, candidate
"""
_FORGET: Final = """
DELETE FROM unconfirmed WHERE (campaign, candidate) IN (SELECT * FROM unnest(%s::text[], %s::text[]))
"""


async def keep(conn: Conn, signup: str, campaign: str, candidate: str, typed: Mapping[str, Any]) -> bool:
    """Keep what was typed under the name of its form. Whether it is new."""
    key = (campaign, candidate)
    words = (await vault().keeper(conn, [key])).seal_words(key, _TYPED, _encode(typed).decode())
    return (await conn.execute(_KEEP, [signup, campaign, candidate, Jsonb({_SEALED: words})])).rowcount > 0


async def fetch(conn: Conn, signup: str, campaign: str, candidate: str) -> dict[str, Any] | None:
    """What was typed; None when that was too long ago, or its person was erased."""
    return (await fetch_all(conn, [(signup, campaign, candidate)])).get((signup, campaign, candidate))


async def named(conn: Conn, signup: str) -> dict[str, Any] | None:
    """What was typed into the form of this name, whoever that was; None as for `fetch`."""
    row = await (await conn.execute(_NAMED, [signup])).fetchone()
    return await fetch(conn, *row) if row else None


async def fetch_all(conn: Conn, forms: Iterable[UnconfirmedForm]) -> dict[UnconfirmedForm, dict[str, Any]]:
    """The same of many forms, by form."""
    rows = await (await conn.execute(_FETCH, columns(list(forms), 3))).fetchall()
    reader = await vault().reader(conn, {(campaign, candidate) for _, campaign, candidate, _ in rows}, hidden=True)
    found = {}
    for signup, campaign, candidate, typed in rows:
        if _SEALED not in typed:  # of an earlier version
            found[signup, campaign, candidate] = typed
        elif words := reader.open_words((campaign, candidate), _TYPED, typed[_SEALED]):
            found[signup, campaign, candidate] = _decode(words)
    return found


async def of(conn: Conn, key: JourneyKey) -> list[dict[str, Any]]:
    """All that a person typed and that still waits: `typed`, and `at`, when."""
    rows = await (await conn.execute(_OF, [*key])).fetchall()
    found = await fetch_all(conn, [(signup, *key) for signup, _ in rows])
    return [{"typed": found[signup, *key], "at": at} for signup, at in rows if (signup, *key) in found]


async def last_correction(conn: Conn, keys: Iterable[JourneyKey]) -> str | None:
    """The name of the form in which a person, who has these ids, last wrote another address on their own page."""
    rows = await (await conn.execute(_FORMS, columns([*keys], 2))).fetchall()
    found = await fetch_all(conn, rows)
    return next((form[0] for form in rows if found.get(form, {}).get("corrects")), None)


async def forget(conn: Conn, keys: Iterable[JourneyKey]) -> None:
    """Nothing of these persons waits any more."""
    await conn.execute(_FORGET, columns(list(keys), 2))


async def lapse(conn: Conn, days: int, most: int) -> set[JourneyKey]:
    """Take away some of what nobody confirmed for so many days. Returns whose it was."""
    return {(c, p) for c, p in await (await conn.execute(_LAPSE, [days, most])).fetchall()}


async def count_clear(conn: Conn) -> int:
    """How many an earlier version kept in the clear."""
    row = await (await conn.execute("SELECT count(*) FROM unconfirmed WHERE NOT typed ? 'sealed'")).fetchone()
    return int(row[0]) if row else 0


async def seal_some(conn: Conn, limit: int) -> int:
    """Seal some of those. Within a transaction; returns how many."""
    rows = await (await conn.execute(_CLEAR, [limit])).fetchall()
    keeper = await vault().keeper(conn, {(campaign, candidate) for _, campaign, candidate, _ in rows})
    for signup, campaign, candidate, typed in rows:
        words = keeper.seal_words((campaign, candidate), _TYPED, _encode(typed).decode())
        await conn.execute("UPDATE unconfirmed SET typed = %s WHERE signup = %s", [Jsonb({_SEALED: words}), signup])
    return len(rows)


_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(dict[str, Any]).decode
