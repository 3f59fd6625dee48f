"""Looks at the fairs to come and asks for the messages that time and changed plans call for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from notifications.calendar import Notice, change_notice, reminders, summary
from notifications.case import DEFAULT_ZONE
from schemas.messages import MessageRequest, dedupe_key
from storage import fair_notices, messages
from storage.database import Conn


async def look(conn: Conn, now: datetime) -> int:
    """One look, in one transaction; returns how many messages were asked for."""
    async with conn.transaction():
        asked = 0
        for fair in await fair_notices.upcoming(conn, now):
            asked += await _see_to(conn, fair, now)
        return asked


async def _see_to(conn: Conn, fair: Mapping[str, Any], now: datetime) -> int:
    told = summary(fair)
    changed = change_notice(fair, fair["told"])
    reminder, reminded = reminders(fair, ZoneInfo(fair["timezone"] or DEFAULT_ZONE), now, list(fair["reminded"]))
    notices = [notice for notice in (changed, reminder) if notice is not None]
    if fair["told"] != told or reminded != list(fair["reminded"]):
        await fair_notices.note(conn, fair["campaign"], fair["fair"], told, reminded)
    if not notices:
        return 0
    people = await fair_notices.signed_up(conn, fair["campaign"], fair["fair"])
    wanted = [_request(notice, fair["campaign"], person) for notice in notices for person in people]
    return len(await messages.request(conn, wanted))


def _request(notice: Notice, campaign: str, candidate: str) -> MessageRequest:
    key = dedupe_key(notice.kind, campaign, candidate, notice.reason)
    return MessageRequest(notice.kind, key, campaign, candidate, notice.params)
