"""What was said of a campaign itself, the latest first."""

from __future__ import annotations

from typing import Any, Final

from psycopg.rows import dict_row

from storage.database import Conn
from storage.ledger.events import WHOLE, read_event

Row = dict[str, Any]

_SAID: Final = f"""
SELECT f.seq, f.time, f.type, f.source, f.id, {WHOLE} AS event,
       coalesce((SELECT k.name FROM keys k WHERE 'key:' || k.key = f.posted_by),
                (SELECT a.name FROM accounts a WHERE 'account:' || a.account = f.posted_by)) AS poster,
       EXISTS (SELECT FROM retractions r WHERE (r.campaign, r.source, r.id) = (f.campaign, f.source, f.id)) AS retracted
FROM facts f
WHERE f.campaign = %(campaign)s AND f.candidate IS NULL
  AND NOT EXISTS (SELECT FROM pending p WHERE p.seq = f.seq) AND (%(before)s::bigint IS NULL OR f.seq < %(before)s)
ORDER BY f.seq DESC LIMIT %(limit)s
"""


async def listed(conn: Conn, campaign: str, *, before: int | None, limit: int) -> list[Row]:
    """Applied facts that name no candidate: seq, time, type, source, id, data, who posted them, and whether they were
    retracted."""
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_SAID, {"campaign": campaign, "before": before, "limit": limit})
        rows = await cursor.fetchall()
    return [{**row, "data": read_event(row.pop("event")).data} for row in rows]
