"""Looks at the clock, the fairs to come and the targets, and asks for the messages that they call for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from notifications.rules.digest import Morning, at_risk, digest, morning
from notifications.rules.fair_news import Notice, change_notice, reminders, summary
from notifications.sending.kinds import log_gap
from notifications.sending.situation import DEFAULT_ZONE
from schemas.messages import MOVED_BACK, MOVED_UP, MessageRequest, dedupe_key
from storage.database import Conn
from storage.messages import asking, digests, fair_notices, seat_words


async def look(conn: Conn, now: datetime) -> int:
    """One look, in one transaction; returns how many messages were asked for: none while another worker looks."""
    async with conn.transaction():
        if not await fair_notices.take_turn(conn):
            return 0
        asked = 0
        for fair in await fair_notices.upcoming(conn, now):
            asked += await _see_to(conn, fair, now)
            asked += await _tell_of_seats(conn, fair, now)
        asked += len(await asking.request(conn, await log_gap.requests(conn)))
        return asked + await _good_morning(conn, now)


async def _tell_of_seats(conn: Conn, fair: Mapping[str, Any], now: datetime) -> int:
    """Who moved up or back since they were told of their seat is told of it, as long as the fair is to come."""
    if fair["cancelled"] or now >= fair["starts_at"]:
        return 0
    wanted = []
    for each in await seat_words.untold(conn, (fair["campaign"], fair["fair"])):
        kind = MOVED_BACK if each.stands == "waiting" else MOVED_UP
        notice = Notice(kind, [fair["fair"], each.turn], {"fair": fair["fair"]})
        wanted.append(_request(notice, fair["campaign"], each.candidate))
    return len(await asking.request(conn, wanted))


async def _good_morning(conn: Conn, now: datetime) -> int:
    """HR's digests, where it is morning and today's was not asked for yet."""
    rows = {row["campaign"]: row for row in await digests.campaigns(conn)}
    found = [morning(row, ZoneInfo(row["timezone"]), now) for row in rows.values()]
    mornings = [at for at in found if at is not None]
    told = await digests.asked_before(conn, {at.digest_key: at.campaign for at in mornings})
    wanted: list[MessageRequest] = []
    for at in mornings:
        if at.digest_key not in told:
            wanted += await _morning_mail(conn, at, rows[at.campaign])
    return len(await asking.request(conn, wanted))


async def _morning_mail(conn: Conn, at: Morning, campaign: Mapping[str, Any]) -> list[MessageRequest]:
    zone = ZoneInfo(campaign["timezone"])
    start, end = (datetime.combine(at.today + timedelta(days=days), time(), zone) for days in (0, 2))
    targets = await digests.targets(conn, at.campaign)
    mail = digest(
        at,
        targets=targets,
        gained=await digests.gained(conn, at.campaign, at.today - timedelta(days=1)),
        fairs=await digests.fairs(conn, at.campaign, start, end),
        trouble=await digests.trouble(conn, at.campaign),
    )
    return [mail, *at_risk(at, campaign["starts_on"], targets)]


async def _see_to(conn: Conn, fair: Mapping[str, Any], now: datetime) -> int:
    told = summary(fair)
    changed = change_notice(fair, fair["told"], fair["notices"])
    reminder, reminded = reminders(fair, ZoneInfo(fair["timezone"] or DEFAULT_ZONE), now, list(fair["reminded"]))
    notices = [notice for notice in (changed, reminder) if notice is not None]
    if fair["told"] != told or reminded != list(fair["reminded"]):
        await fair_notices.note(conn, fair["campaign"], fair["fair"], told, reminded, changed=changed is not None)
    if changed is not None:
        await seat_words.ask_anew(conn, (fair["campaign"], fair["fair"]))
    if not notices:
        return 0
    people = await fair_notices.signed_up(conn, fair["campaign"], fair["fair"])
    wanted = [_request(notice, fair["campaign"], person) for notice in notices for person in people]
    return len(await asking.request(conn, wanted))


def _request(notice: Notice, campaign: str, candidate: str) -> MessageRequest:
    key = dedupe_key(notice.kind, campaign, candidate, notice.reason)
    return MessageRequest(notice.kind, key, campaign, candidate, notice.params)
