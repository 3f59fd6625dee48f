"""All that is held about one person, for themselves."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

from psycopg.rows import dict_row

from schemas.catalogue import in_order
from schemas.errors import Conflict, NotFound
from schemas.kinds import AUDIENCES
from storage.database import Conn
from storage.journeys import merging, unconfirmed
from storage.ledger import dead_letters
from storage.ledger.events import WHOLE, read_event
from storage.ledger.ledger import JourneyKey
from storage.messages import attachments, reading, sealed, suppressions
from storage.vault import notes, retention
from storage.vault.process import vault

Row = dict[str, Any]
_FACTS: Final = f"""
SELECT {WHOLE} AS event, time, nullif(posted_by, '') AS posted_by, received_at,
       EXISTS (SELECT FROM retractions r WHERE (r.campaign, r.source, r.id) = (f.campaign, f.source, f.id)) AS retracted
FROM facts f WHERE campaign = %s AND candidate = %s ORDER BY time, seq
"""
_MESSAGES: Final = """
SELECT id, kind, recipient, channel, locale, subject, status, reason, requested_at, sent_at, campaign, candidate, sealed
FROM messages WHERE campaign = %s AND candidate = %s AND forgotten IS NOT TRUE ORDER BY id
"""
_SEATS: Final = """
SELECT fair, waiting FROM seats WHERE campaign = %s AND candidate = %s AND at IS NOT NULL ORDER BY fair
"""
_DOCUMENTS: Final = """
SELECT document, octet_length(data) AS bytes, at FROM documents WHERE campaign = %s AND %s = ANY(candidates) ORDER BY at
"""
_PLACES: Final = "SELECT fair, waiting FROM places WHERE campaign = %s AND candidate = %s ORDER BY fair"
_PERSON: Final = """
SELECT life, erased_at, made_at, restricted_at, restricted_until, restricted_ground FROM vault.person
WHERE campaign = %s AND candidate = %s
"""


async def export(conn: Conn, campaign: str, candidate: str) -> Row:
    """Everything that is held about a person, under all their ids, as JSON values but for moments: `person` and `kept`
    are those of the id under which they stand. Raises NotFound where nothing is."""
    key = (campaign, candidate)
    ids = (await merging.members(conn, [key]))[key]
    parts = [part for each in ids if (part := await _of_one(conn, each)) is not None]
    if not parts:
        raise NotFound(f"nothing is held about {candidate!r} in the campaign {campaign!r}")
    whole = parts[0] | {"candidate": candidate, "ids": sorted(each for _, each in ids)}
    for name, value in parts[0].items():
        if isinstance(value, list):
            whole[name] = [row for part in parts for row in part[name]]
    whole["facts"].sort(key=lambda row: row["time"])
    return whole


async def _of_one(conn: Conn, key: JourneyKey) -> Row | None:
    """What is held under one id; None where nothing is."""
    campaign, candidate = key
    told = await _rows(conn, _FACTS, [*key])
    person = await _rows(conn, _PERSON, [*key])
    if not told and not person:
        return None
    facts = await vault().open(conn, [read_event(row.pop("event")) for row in told], hidden=True)
    profile = (await vault().profiles(conn, [key], hidden=True)).get(key, {})
    messages = [_theirs(each) for each in await _messages(conn, key)]
    addresses = {str(each).lower() for each in (profile.get("email"), *(m["recipient"] for m in messages)) if each}
    return {
        "campaign": campaign,
        "candidate": candidate,
        "person": {**profile, **(person[0] if person else {})},
        "facts": [
            {**row, "event": {**fact.event, "data": in_order(fact.data)}} for row, fact in zip(told, facts, strict=True)
        ],
        "messages": messages,
        "attachments": [file for each in messages for file in await _files(conn, each["id"])],
        "kept": await retention.of(conn, campaign, candidate),
        "seats": await _rows(conn, _SEATS, [*key]),
        "places": await _rows(conn, _PLACES, [*key]),
        "documents": await _rows(conn, _DOCUMENTS, [*key]),
        "unconfirmed": await unconfirmed.of(conn, key),
        "suppressions": [
            asdict(each) for found in (await suppressions.of(conn, addresses, hidden=True)).values() for each in found
        ],
        "notes": [asdict(note) for note in await notes.of(conn, key, hidden=True)],
        "dead_letters": [
            {"value": each.value.decode("utf-8", "backslashreplace"), "reason": each.reason, "at": each.at}
            for each in await dead_letters.about(conn, key, hidden=True)
        ],
    }


async def _messages(conn: Conn, key: JourneyKey) -> list[Row]:
    """With their mails, what was tried, and the names of the files that went with them."""
    reader = await vault().reader(conn, [key], hidden=True)
    found = sealed.opened_rows(reader, await _rows(conn, _MESSAGES, [*key]))
    for each in found:
        each["text"] = await _text(conn, each["id"])
        each["log"] = await reading.attempts(conn, each["id"], hidden=True)
    return found


async def _text(conn: Conn, message: int) -> str | None:
    """What a mail says; of one that this version can't read, that it is so: all else that is held is told."""
    try:
        mail = await reading.mail(conn, message, hidden=True)
    except Conflict as error:
        return str(error)
    return mail.text if mail else None


async def _files(conn: Conn, message: int) -> list[Row]:
    """What is kept of the files that went with a message: their names, what they are, and how large. Of a mail that
    this version can't read none is known; its text says so."""
    try:
        found = await attachments.of(conn, message, hidden=True)
    except Conflict:
        return []
    return [
        {"message": message, "name": each.name, "content_type": each.content_type, "bytes": len(each.data)}
        for each in found
    ]


def _theirs(message: Row) -> Row:
    """A message to others that is about the person: that there was one, and to whom of which sort. What it says may
    tell of further persons."""
    audience = AUDIENCES.get(message["kind"], "hr")
    if audience == "candidate":
        return {**message, "audience": audience}
    theirs = dict.fromkeys(("recipient", "subject", "reason", "text"))
    return {**message, **theirs, "audience": audience, "log": []}


async def _rows(conn: Conn, query: str, values: list[Any]) -> list[Row]:
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(query.encode(), values)
        return await cursor.fetchall()
