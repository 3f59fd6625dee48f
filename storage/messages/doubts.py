"""Messages of which nobody knows whether they went."""

from __future__ import annotations

from typing import Final

from storage.database import Conn
from storage.messages.asking import RESTORED

_DOUBTFUL: Final = """
SELECT m.id, count(*) FILTER (WHERE a.cause IS DISTINCT FROM 'doubt')::int AS doubts
FROM messages m JOIN message_attempts a ON a.message = m.id
WHERE m.status = 'unknown' AND a.status = 'unknown' AND m.cause IS DISTINCT FROM 'doubt'
  AND m.reason IS DISTINCT FROM %(restored)s
GROUP BY m.id HAVING max(a.at) < now() - make_interval(secs => %(patience)s) ORDER BY m.id LIMIT %(limit)s
"""


async def doubtful(conn: Conn, *, patience: float, limit: int) -> dict[int, int]:
    """Messages `unknown` for more than `patience` seconds at which nobody looked since, and how many times each was
    in doubt."""
    cursor = await conn.execute(_DOUBTFUL, {"patience": patience, "limit": limit, "restored": RESTORED})
    return dict(await cursor.fetchall())
