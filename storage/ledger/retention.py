"""What is kept for a time only, taken away in small portions that hold up nobody."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from storage.database import Conn

PORTION: Final = 1000

# Messages themselves stay: their reasons are what keeps a thing from being sent twice.
_OLD: Final[dict[str, str]] = {
    "dead_letters": "SELECT ctid FROM dead_letters WHERE at < now() - make_interval(days => %s) LIMIT %s",
    "announcements": "SELECT ctid FROM announcements WHERE at < now() - make_interval(days => %s) LIMIT %s",
    "mails": "SELECT ctid FROM mails WHERE at < now() - make_interval(days => %s) LIMIT %s",
    "mail_attachments": """
        SELECT a.ctid FROM mail_attachments a JOIN messages m ON m.id = a.message
        WHERE m.sent_at < now() - make_interval(days => %s) LIMIT %s
    """,
    "message_attempts": """
        SELECT a.ctid FROM message_attempts a JOIN messages m ON m.id = a.message
        WHERE a.at < now() - make_interval(days => %s) AND m.status NOT IN ('requested', 'claimed', 'held', 'unknown')
        LIMIT %s
    """,
    "sessions": "SELECT ctid FROM sessions WHERE expires_at < now() - make_interval(days => %s) LIMIT %s",
    "access_links": "SELECT ctid FROM access_links WHERE expires_at < now() - make_interval(days => %s) LIMIT %s",
    "throttles": "SELECT ctid FROM throttles WHERE since < now() - make_interval(days => %s) LIMIT %s",
}


async def sweep(conn: Conn, days: Mapping[str, int]) -> dict[str, int]:
    """Take away one portion of what is older than so many days, by table. Returns how many rows went of each."""
    gone = {}
    for table, most in days.items():
        cursor = await conn.execute(f"DELETE FROM {table} WHERE ctid = ANY(ARRAY({_OLD[table]}))", [most, PORTION])
        gone[table] = cursor.rowcount
    return gone
