"""What an earlier version kept of messages in the clear: sealed in portions, row by row as their numbers go."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from psycopg.rows import dict_row

from schemas.kinds import GROUPED
from schemas.messages import SIGNUP_CHECK
from schemas.names import masked
from storage.arrays import column
from storage.database import Conn
from storage.ledger.ledger import JourneyKey
from storage.messages import sealed, suppressions
from storage.messages.transitions import TOLD_WITH, UNWRITTEN
from storage.vault.keeping import GONE, SEALED_BYTES, SEALED_WORDS
from storage.vault.process import vault

Row = dict[str, Any]
_WORDS: Final = f"""
cause IN ('outcome', 'provider', 'resent', 'hr') AND NOT starts_with({{said}}, '{TOLD_WITH}')
OR starts_with({{said}}, '{UNWRITTEN.replace("'", "''")}')
"""
_REASON: Final = f"strpos({{said}}, '{SEALED_WORDS}') = 0 AND ({_WORDS})"
# What is found in the clear of each table: its number, whose it is, and what is sealed of it.
MESSAGES: Final = f"""
SELECT id, campaign, coalesce(candidate, '') AS candidate, recipient, subject, cause, reason, sealed, address, domain,
       kind, params FROM messages
WHERE id > %(after)s AND id <= %(upto)s AND (recipient IS NOT NULL OR subject IS NOT NULL
      OR kind = '{SIGNUP_CHECK}' AND params ?| '{{to,name}}'
      OR {_REASON.format(said="reason")})
"""
MAILS: Final = """
SELECT w.message AS id, m.campaign, coalesce(m.candidate, '') AS candidate, m.kind, w.html, w.text
FROM mails w JOIN messages m ON m.id = w.message
WHERE w.message > %(after)s AND w.message <= %(upto)s AND (w.html <> '' OR w.text <> '')
"""
FILES: Final = f"""
SELECT a.message AS id, m.campaign, coalesce(m.candidate, '') AS candidate, a.name, a.data
FROM mail_attachments a JOIN messages m ON m.id = a.message
WHERE a.message > %(after)s AND a.message <= %(upto)s AND substring(a.data FOR 4) <> '{SEALED_BYTES.decode()}'::bytea
"""
ANSWERS: Final = f"""
SELECT a.id, m.campaign, coalesce(m.candidate, '') AS candidate, a.cause, a.detail
FROM message_attempts a JOIN messages m ON m.id = a.message
WHERE a.id > %(after)s AND a.id <= %(upto)s AND {_REASON.format(said="a.detail").replace("cause IN", "a.cause IN")}
"""
ADDRESSES: Final = """
SELECT s.id, coalesce(m.campaign, '') AS campaign, coalesce(m.candidate, '') AS candidate, s.address, s.detail,
       s.lifted_reason
FROM suppressions s LEFT JOIN messages m ON m.id = s.message
WHERE s.id > %(after)s AND s.id <= %(upto)s AND s.digest IS NULL
"""
_SEAL_MESSAGE: Final = """
UPDATE messages m SET recipient = NULL, subject = NULL, sealed = u.sealed, address = u.address, domain = u.domain,
    reason = u.reason, params = CASE WHEN u.bare THEN m.params - '{to,name}'::text[] ELSE m.params END
FROM unnest(%b::bigint[], %b::bytea[], %b::bytea[], %b::bytea[], %b::text[], %b::bool[])
     AS u(id, sealed, address, domain, reason, bare)
WHERE m.id = u.id
"""
_SEAL_MAIL: Final = """
UPDATE mails w SET html = '', text = '', sealed = u.sealed, whose = u.whose::jsonb
FROM unnest(%b::bigint[], %b::bytea[], %b::text[]) AS u(id, sealed, whose) WHERE w.message = u.id
"""
_SEAL_FILE: Final = """
UPDATE mail_attachments a SET data = u.data
FROM unnest(%b::bigint[], %b::text[], %b::bytea[]) AS u(id, name, data) WHERE (a.message, a.name) = (u.id, u.name)
"""
_SEAL_ANSWER: Final = """
UPDATE message_attempts a SET detail = u.detail
FROM unnest(%b::bigint[], %b::text[]) AS u(id, detail) WHERE a.id = u.id
"""
_SEAL_ADDRESS: Final = """
UPDATE suppressions s SET digest = u.digest, address = u.address, detail = u.detail, lifted_reason = u.lifted
FROM unnest(%b::bigint[], %b::bytea[], %b::text[], %b::text[], %b::text[]) AS u(id, digest, address, detail, lifted)
WHERE s.id = u.id AND NOT EXISTS (
    SELECT FROM suppressions o WHERE (o.digest, o.kind, o.about) = (u.digest, s.kind, s.about) AND o.lifted_at IS NULL
    AND s.lifted_at IS NULL)
"""
# Known by its digest already, since a later version told of it too.
_TWICE: Final = "DELETE FROM suppressions WHERE id = ANY(%b::bigint[]) AND digest IS NULL"
_FOLLOWERS: Final = """
SELECT substring(reason FROM '[0-9]+$')::bigint, candidate FROM messages
WHERE kind = ANY(%s::text[]) AND campaign = ANY(%s::text[]) AND candidate IS NOT NULL AND reason = ANY(%s::text[])
"""


async def seal_messages(conn: Conn, rows: list[Row]) -> None:
    """Recipients, subjects, and what others said."""
    keeper = await vault().keeper(conn, {_whose(row) for row in rows})
    told = []
    for row in rows:
        key, to = _whose(row), row["recipient"]
        kept = sealed.seal_reader(keeper, key, to, row["subject"]) or row["sealed"]
        address, domain = (
            (keeper.address(to), keeper.domain(sealed.domain_of(to))) if to else (row["address"], row["domain"])
        )
        reason = row["reason"]
        if reason is not None and SEALED_WORDS not in reason:
            reason = sealed.seal_reason(keeper, key, row["cause"], reason)
        told.append((row["id"], kept, address, domain, reason, row["kind"] == SIGNUP_CHECK))
    await conn.execute(_SEAL_MESSAGE, _turned(told))


async def seal_mails(conn: Conn, rows: list[Row]) -> None:
    """Mails as they went out, under the keys of all of whom they tell."""
    others = await _followers(conn, [row for row in rows if row["kind"] in GROUPED])
    whose = {row["id"]: {row["candidate"], *others.get(row["id"], ())} for row in rows}
    persons = {(row["campaign"], each) for row in rows for each in whose[row["id"]]}
    keeper = await vault().keeper(conn, persons)
    told = []
    for row in rows:
        said = sealed.mail_of(None, (row["html"], row["text"]))
        found = sealed.seal_mail(keeper, row["campaign"], whose[row["id"]], said)
        mail, lives = found or (None, {})
        told.append((row["id"], mail, msgspec.json.encode(lives).decode()))
    await conn.execute(_SEAL_MAIL, _turned(told))


async def seal_files(conn: Conn, rows: list[Row]) -> None:
    """Files that went with mails."""
    keeper = await vault().keeper(conn, {_whose(row) for row in rows})
    told = [(row["id"], row["name"], sealed.seal_file(keeper, _whose(row), row["data"]) or b"") for row in rows]
    await conn.execute(_SEAL_FILE, _turned(told))


async def seal_answers(conn: Conn, rows: list[Row]) -> None:
    """What mail servers, providers and HR said, in the history of messages."""
    keeper = await vault().keeper(conn, {_whose(row) for row in rows})
    told = [(row["id"], sealed.seal_reason(keeper, _whose(row), row["cause"], row["detail"])) for row in rows]
    await conn.execute(_SEAL_ANSWER, _turned(told))


async def seal_addresses(conn: Conn, rows: list[Row]) -> None:
    """Addresses that no mail goes to."""
    keeper = await vault().keeper(conn, {_whose(row) for row in rows})
    told = []
    for row in rows:
        key, shown = _whose(row), keeper.seal_words(_whose(row), suppressions.ADDRESS, masked(row["address"]))
        said = [keeper.seal_words(key, suppressions.DETAIL, row[name]) for name in ("detail", "lifted_reason")]
        told.append((row["id"], keeper.address(row["address"]), shown or GONE, *said))
    await conn.execute(_SEAL_ADDRESS, _turned(told))
    await conn.execute(_TWICE, [[row["id"] for row in rows]])


async def read(conn: Conn, query: str, after: int, upto: int, *, lock: str = "") -> list[Row]:
    """What is in the clear among these numbers. `lock`: the table's name in the query, where it is to be sealed."""
    async with conn.cursor(row_factory=dict_row) as cursor:
        held = f" ORDER BY 1 FOR UPDATE OF {lock}" if lock else ""
        await cursor.execute(f"{query}{held}", {"after": after, "upto": upto})
        return await cursor.fetchall()


async def _followers(conn: Conn, leaders: list[Row]) -> dict[int, set[str]]:
    if not leaders:
        return {}
    said = [f"{TOLD_WITH} {row['id']}" for row in leaders]
    values = [column(sorted(GROUPED)), column(sorted({row["campaign"] for row in leaders})), column(said)]
    found: dict[int, set[str]] = {}
    for leader, candidate in await (await conn.execute(_FOLLOWERS, values)).fetchall():
        found.setdefault(leader, set()).add(candidate)
    return found


def _whose(row: Row) -> JourneyKey:
    return (row["campaign"], row["candidate"])


def _turned(rows: list[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(each) for each in zip(*rows, strict=True)]
