"""How employers are called: what pages and mails say instead of their ids."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final

from psycopg.rows import dict_row

from storage.database import Conn

Row = dict[str, Any]

_INSERT: Final = """
INSERT INTO employers (campaign, employer, name, name_en, city, url, reply_to, contact)
VALUES (%(campaign)s, %(employer)s, %(name)s, %(name_en)s, %(city)s, %(url)s, %(reply_to)s, %(contact)s)
"""
_LISTED: Final = """
SELECT employer, name, name_en, city, url, reply_to, contact FROM employers WHERE campaign = %s
ORDER BY name, employer LIMIT %s
"""
_EVERYWHERE: Final = """
SELECT DISTINCT ON (employer) employer, name, name_en FROM employers ORDER BY employer, campaign DESC LIMIT 5000
"""
_SPOKEN_OF: Final = """
SELECT DISTINCT e FROM (
    SELECT employer AS e FROM openings WHERE campaign = %(campaign)s
    UNION ALL
    SELECT employer FROM employers WHERE campaign = %(campaign)s
    UNION ALL
    SELECT jsonb_array_elements_text(employers) FROM fairs
    WHERE campaign = %(campaign)s AND jsonb_typeof(employers) = 'array'
) AS named ORDER BY e LIMIT 2000
"""


async def replace(conn: Conn, campaign: str, named: Collection[str], standing: Sequence[Row]) -> None:
    """Store what is said of these employers, instead of what was said before."""
    await conn.execute("DELETE FROM employers WHERE campaign = %s AND employer = ANY(%s)", [campaign, list(named)])
    async with conn.cursor() as cursor:
        await cursor.executemany(_INSERT, standing)


async def listed(conn: Conn, campaign: str, *, limit: int) -> list[Row]:
    """What is said of a campaign's employers, by name."""
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_LISTED, [campaign, limit])
        return await cursor.fetchall()


async def everywhere(conn: Conn) -> list[Row]:
    """What is said of the employers of all campaigns, each once."""
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_EVERYWHERE)
        return await cursor.fetchall()


async def spoken_of(conn: Conn, campaign: str) -> list[str]:
    """The employers of which a campaign, its openings and its fairs speak, by id."""
    cursor = await conn.execute(_SPOKEN_OF, {"campaign": campaign})
    return [employer for (employer,) in await cursor.fetchall()]
