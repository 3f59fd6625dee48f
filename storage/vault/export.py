"""All that is held about one person, for themselves."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

from psycopg.rows import dict_row

from schemas.errors import NotFound
from storage.database import Conn
from storage.ledger import dead_letters, ledger
from storage.ledger.ledger import JourneyKey
from storage.messages import reading, sealed, suppressions
from storage.vault import notes
from storage.vault.process import vault

Row = dict[str, Any]
_FACTS: Final = """
SELECT event::text AS event, posted_by, received_at FROM facts WHERE campaign = %s AND candidate = %s ORDER BY time, seq
"""
_MESSAGES: Final = """
SELECT id, kind, recipient, channel, locale, subject, status, reason, requested_at, sent_at, campaign, candidate, sealed
FROM messages WHERE campaign = %s AND candidate = %s AND NOT forgotten ORDER BY id
"""
_ATTACHMENTS: Final = """
SELECT a.message, a.name, a.content_type, octet_length(a.data) AS bytes FROM mail_attachments a
JOIN messages m ON m.id = a.message WHERE m.campaign = %s AND m.candidate = %s ORDER BY a.message, a.name
"""
_PLACES: Final = "SELECT fair, waiting FROM places WHERE campaign = %s AND candidate = %s ORDER BY fair"
_PERSON: Final = """
SELECT life, erased_at, made_at FROM vault.person WHERE campaign = %s AND candidate = %s
"""


async def export(conn: Conn, campaign: str, candidate: str) -> Row:
    """Everything that is held about a person, as JSON values but for moments. Raises NotFound where nothing is."""
    key = (campaign, candidate)
    told = await _rows(conn, _FACTS, [*key])
    person = await _rows(conn, _PERSON, [*key])
    if not told and not person:
        raise NotFound(f"nothing is held about {candidate!r} in the campaign {campaign!r}")
    facts = await vault().open(conn, [ledger.read_event(row.pop("event")) for row in told])
    profile = (await vault().profiles(conn, [key])).get(key, {})
    messages = await _messages(conn, key)
    addresses = {str(each).lower() for each in (profile.get("email"), *(m["recipient"] for m in messages)) if each}
    return {
        "campaign": campaign,
        "candidate": candidate,
        "person": {**profile, **(person[0] if person else {})},
        "facts": [{**row, "event": fact.event} for row, fact in zip(told, facts, strict=True)],
        "messages": messages,
        "attachments": await _rows(conn, _ATTACHMENTS, [*key]),
        "places": await _rows(conn, _PLACES, [*key]),
        "suppressions": [asdict(each) for found in (await suppressions.of(conn, addresses)).values() for each in found],
        "notes": [asdict(note) for note in await notes.of(conn, key)],
        "dead_letters": [
            {"value": each.value.decode("utf-8", "backslashreplace"), "reason": each.reason, "at": each.at}
            for each in await dead_letters.about(conn, key)
        ],
    }


async def _messages(conn: Conn, key: JourneyKey) -> list[Row]:
    """With their mails, what was tried, and the names of the files that went with them."""
    found = sealed.opened_rows(await vault().reader(conn, [key]), await _rows(conn, _MESSAGES, [*key]))
    for each in found:
        mail = await reading.mail(conn, each["id"])
        each["text"] = mail.text if mail else None
        each["log"] = await reading.attempts(conn, each["id"])
    return found


async def _rows(conn: Conn, query: str, values: list[Any]) -> list[Row]:
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(query.encode(), values)
        return await cursor.fetchall()
