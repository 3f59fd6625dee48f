"""Journeys as the version before stored them: in JSON, with milestones by name."""

from __future__ import annotations

from psycopg.types.json import Jsonb

from storage.database import Conn
from storage.journeys import states
from storage.journeys.tags import tags

_ALL = f"SELECT campaign, candidate, state, {states.standing_of('j')} FROM journeys j"
_REWRITE = """
UPDATE journeys SET state = %s, standing = %s, reached = NULL, tags = %s WHERE (campaign, candidate) = (%s, %s)
"""


async def make_plain(conn: Conn) -> None:
    """Let all rows be as it wrote them."""
    for campaign, candidate, state, kept in await (await conn.execute(_ALL)).fetchall():
        journey, standing = states.read(state), states.standing(kept)
        told = tags(candidate, journey, standing, plain=True)
        await conn.execute(_REWRITE, [states.plain(journey), Jsonb(standing), told, campaign, candidate])


async def texts(conn: Conn) -> list[str]:
    """What stands in each row, as text."""
    rows = await (await conn.execute("SELECT state, name FROM journeys")).fetchall()
    return [states.plain(states.read(state)).decode() + (name or "") for state, name in rows]
