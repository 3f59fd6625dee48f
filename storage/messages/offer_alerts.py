"""HR is told of each offer whose mail is in trouble, in the transaction that records the trouble, once."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from psycopg.rows import dict_row

from schemas.messages import OFFER, OFFER_BOUNCED, MessageRequest, Status, dedupe_key
from storage.database import Conn
from storage.messages import asking
from storage.messages.of_facts import params_of

_OFFERS = f"""
SELECT id, campaign, candidate, {params_of("m")} AS params, coalesce(attempts, 0) AS attempts, status FROM messages m
WHERE id = ANY(%s) AND kind = %s AND status = ANY(%s) AND forgotten IS NOT TRUE ORDER BY id
"""


async def tell_hr(conn: Conn, ids: Collection[int], when: Collection[Status]) -> int:
    """Ask for a message to HR about those of these messages that are offers and stand so. Returns how many are new.

    The same status after another try is news.
    """
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_OFFERS, [sorted(ids), OFFER, sorted(when)])
        rows = await cursor.fetchall()
    return len(await asking.request(conn, [_request(row) for row in rows]))


def _request(row: dict[str, Any]) -> MessageRequest:
    key = dedupe_key(OFFER_BOUNCED, row["campaign"], row["candidate"], [row["id"], row["attempts"], row["status"]])
    told = {name: row["params"].get(name) for name in ("offer", "employer", "position")}
    params = {**told, "message": row["id"], "status": row["status"]}
    return MessageRequest(OFFER_BOUNCED, key, row["campaign"], row["candidate"], params)
