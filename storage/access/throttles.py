"""How often something was tried: whoever guesses passwords waits."""

from __future__ import annotations

from datetime import timedelta

from schemas.errors import TooMany
from storage.database import Conn

_TRY = """
INSERT INTO throttles AS t (name, tries) VALUES (%(name)s, 1)
ON CONFLICT (name) DO UPDATE SET
    tries = CASE WHEN t.since < now() - %(within)s THEN 1 ELSE t.tries + 1 END,
    since = CASE WHEN t.since < now() - %(within)s THEN now() ELSE t.since END
RETURNING tries
"""


async def attempt(conn: Conn, name: str, most: int, within: timedelta) -> None:
    """Count a try of this name. Raises TooMany when there were more than `most` within that time."""
    row = await (await conn.execute(_TRY, {"name": name, "within": within})).fetchone()
    if row and row[0] > most:
        raise TooMany("that was tried too often; try again later")


async def give_back(conn: Conn, name: str) -> None:
    """A try of this name was right: it does not count."""
    await conn.execute("UPDATE throttles SET tries = tries - 1 WHERE name = %s AND tries > 0", [name])


async def forget(conn: Conn, name: str) -> None:
    """What was tried under this name succeeded."""
    await conn.execute("DELETE FROM throttles WHERE name = %s", [name])
