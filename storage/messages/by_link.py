"""What a signed link leads to: the message that it came with, and what was said by links like it."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

from schemas.facts import Fact
from schemas.kinds import AUDIENCES
from storage.arrays import column, columns
from storage.database import Conn
from storage.journeys import merging
from storage.ledger.events import WHOLE, read_event
from storage.ledger.ledger import JourneyKey
from storage.messages import nonces, sealed
from storage.messages.claiming import Claimed
from storage.messages.of_facts import id_of, params_of, source_of
from storage.vault.process import vault

# Links in mails from before messages had nonces name the number: those alone that there were then, and went not astray.
_IDS: Final = """
SELECT id, dedupe_key, nonce::text, NULL FROM messages WHERE nonce = ANY(%(names)s::text[]::uuid[])
UNION ALL SELECT id, dedupe_key, NULL, NULL FROM messages WHERE id = ANY(%(ciphered)s) AND nonce IS NULL
UNION ALL SELECT id, dedupe_key, nonce::text, id::text FROM messages WHERE id = ANY(%(numbers)s) AND id <= (
    SELECT convert_from(value, 'UTF8')::bigint FROM secrets WHERE name = 'numbered_until')
    AND substr(nonce::text, 15, 1) IS DISTINCT FROM '8'
"""
_FIND: Final = f"""
SELECT id, kind, campaign, candidate, {params_of("m")}, coalesce(attempts, 0), recipient, sealed,
       dedupe_key, nonce::text
FROM messages m WHERE id = %s AND candidate IS NOT NULL AND forgotten IS NOT TRUE
"""
_NEWEST = f"""
SELECT id, kind, campaign, candidate, {params_of("m")}, coalesce(attempts, 0), {source_of("m")}, {id_of("m")},
       requested_at, nonce::text, dedupe_key
FROM messages m
WHERE campaign = %(campaign)s AND candidate = %(candidate)s AND kind = %(kind)s AND forgotten IS NOT TRUE
ORDER BY id DESC LIMIT 1
"""
_TOLD: Final = f"""
SELECT id FROM messages m
WHERE campaign = %(campaign)s AND candidate = %(candidate)s AND kind = ANY(%(kinds)s) AND forgotten IS NOT TRUE
  AND {params_of("m")}->>'fair' IS NOT DISTINCT FROM %(fair)s AND status <> 'cancelled'
ORDER BY id DESC LIMIT 1
"""
# Also what waits to be applied: who said something reads it at once.
_SAID = f"""
SELECT {WHOLE}, EXISTS (
    SELECT FROM retractions r WHERE (r.campaign, r.source, r.id) = (f.campaign, f.source, f.id)) AS retracted
FROM facts f WHERE f.campaign = %(campaign)s AND f.candidate = ANY(%(candidates)s::text[]) AND f.source = %(source)s
ORDER BY f.seq
"""
# What is under way may be recorded after this: its reader was chosen before. What waits is held until this transaction
# ends, and a claim of it that is not committed yet is waited for: a sender would else choose the reader of before.
_SENT_ABOUT: Final = """
SELECT m.id, m.campaign, m.candidate, m.recipient, m.sealed, m.status = 'claimed' FROM messages m
JOIN unnest(%s::text[], %s::text[]) AS k(campaign, candidate) USING (campaign, candidate)
WHERE m.kind = ANY(%s::text[]) AND m.forgotten IS NOT TRUE
  AND (m.sealed IS NOT NULL OR m.recipient IS NOT NULL OR m.status IN ('requested', 'claimed'))
ORDER BY m.id FOR UPDATE OF m
"""
# A UUID of version 8, as none was that mails of before have beside their number.
_RENAME: Final = """
UPDATE messages SET nonce = overlay(gen_random_uuid()::text PLACING '8' FROM 15 FOR 1)::uuid
WHERE id = ANY(%s::bigint[])
"""
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
RETRACTED: Final = "fact.retracted"
_TO_CANDIDATES: Final = sorted(kind for kind, audience in AUDIENCES.items() if audience == "candidate")


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
    nonce: str


async def find(conn: Conn, name: str) -> Linked | None:
    """The message of this name outside; None where there is none, or nothing of it is left since its candidate was
    erased."""
    id = (await ids(conn, [name])).get(name)
    row = await (await conn.execute(_FIND, [id])).fetchone()
    if row is None:
        return None
    *said, kept, reason, drawn = row
    found = Linked(*(*said, (await nonces.load(conn)).of(row[0], reason, drawn)))
    if kept is None:
        return found
    key = (found.campaign, found.candidate)
    recipient, _ = sealed.open_reader(await vault().reader(conn, [key], hidden=True), key, kept)
    return replace(found, recipient=recipient)


async def ids(conn: Conn, names: Collection[str]) -> dict[str, int]:
    """The numbers of the messages that have these names outside."""
    known, uuids = await nonces.load(conn), [name for name in names if _UUID.fullmatch(name)]
    values = {
        "names": column(uuids),
        "ciphered": [known.number(UUID(name)) for name in uuids],
        "numbers": [number for name in names if (number := _number(name))],
    }
    rows = await (await conn.execute(_IDS, values)).fetchall()
    found = {number or known.of(id, reason, drawn): id for id, reason, drawn, number in rows}
    return {name: found[name] for name in names if name in found}


async def end_astray(conn: Conn, addresses: Mapping[JourneyKey, Collection[str]]) -> None:
    """Give the messages to these candidates another name outside that went to none of their `addresses`, or may be on
    their way there: whoever has that mail opens nothing with it any more."""
    cursor = await conn.execute(_SENT_ABOUT, [*columns(sorted(addresses), 2), column(_TO_CANDIDATES)])
    rows = await cursor.fetchall()
    reader = await vault().reader(conn, addresses, hidden=True)
    astray = []
    for id, campaign, candidate, recipient, kept, under_way in rows:
        key = (campaign, candidate)
        to = recipient or sealed.open_reader(reader, key, kept)[0]
        if under_way or (to is not None and to.lower() not in {each.lower() for each in addresses[key]}):
            astray.append(id)
    if astray:
        await conn.execute(_RENAME, [astray])


def _number(name: str) -> int | None:
    return int(name) if name.isascii() and name.isdecimal() and len(name) < 19 else None


async def newest(conn: Conn, campaign: str, kind: str, candidate: str) -> Claimed | None:
    """The newest message of a kind to a candidate; never a forgotten one."""
    values = {"campaign": campaign, "kind": kind, "candidate": candidate}
    row = await (await conn.execute(_NEWEST, values)).fetchone()
    if row is None:
        return None
    *said, drawn, reason = row
    return Claimed(*(*said, (await nonces.load(conn)).of(row[0], reason, drawn)))


async def told(conn: Conn, campaign: str, candidate: str, kinds: Collection[str], fair: str | None) -> int | None:
    """The number of the newest message of these kinds to a candidate about a fair, or about none, that stands."""
    values = {"campaign": campaign, "candidate": candidate, "kinds": list(kinds), "fair": fair}
    row = await (await conn.execute(_TOLD, values)).fetchone()
    return int(row[0]) if row else None


@dataclass(frozen=True, slots=True)
class SaidByLink:
    """What a source has said of a candidate, the oldest first: what stands, and what was taken back. `count`: the
    highest number under which it spoke, taking back included; what it says next has a higher one."""

    standing: list[Fact]
    taken_back: list[Fact]
    count: int


async def said(conn: Conn, source: str, campaign: str, candidate: str) -> SaidByLink:
    """All that this source has said of a candidate, under whichever of their ids."""
    key = (campaign, candidate)
    ids = [each for _, each in (await merging.members(conn, [key]))[key]]
    values = {"source": source, "campaign": campaign, "candidates": column(ids)}
    rows = [(read_event(event), gone) for event, gone in await (await conn.execute(_SAID, values)).fetchall()]
    gone = {fact.identity for fact, retracted in rows if retracted}
    gone |= {(fact.data["source"], fact.data["id"]) for fact, _ in rows if fact.type == RETRACTED}
    facts = [fact for fact, _ in rows if fact.type != RETRACTED]
    return SaidByLink(
        [fact for fact in facts if fact.identity not in gone],
        [fact for fact in facts if fact.identity in gone],
        max([len(rows), *(_number_of(fact) for fact, _ in rows)]),
    )


def _number_of(fact: Fact) -> int:
    """Which word of its source this is, by its id. It may be a higher one than there are words: some were said under
    the ids of somebody who was the same person then, and is not any more."""
    number = fact.id.rpartition("-")[2]
    return _number(number) or 0
