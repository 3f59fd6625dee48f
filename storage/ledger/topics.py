"""The topics as the relay last saw them."""

from __future__ import annotations

from storage.database import Conn


async def largest_record(conn: Conn, topic: str) -> int | None:
    """The largest record that a topic takes, in bytes; None while no relay has seen it."""
    row = await (await conn.execute("SELECT max_bytes FROM topics WHERE topic = %s", [topic])).fetchone()
    return row[0] if row else None
