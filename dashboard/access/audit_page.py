"""`/accounts/audit`: who did what, when and from where; filtered, and as a table to take away."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from dashboard import exporting
from dashboard.access.office import Office, address_of
from dashboard.parameters import WordQuery
from dashboard.taking_away import Tables
from schemas.access import Authenticate, Caller
from schemas.paging import After, decode, encode
from storage.access import audit
from storage.access.audit import AuditFilter, Entry
from storage.campaigns import reads
from storage.database import Conn, borrowed
from storage.journeys import people

PAGE_SIZE: Final = 100
MOST_CAMPAIGNS: Final = 1000
MOST_EXPORTED: Final = 50_000
ZONE: Final = ZoneInfo("Asia/Shanghai")
HEAD: Final = ("at", "actor", "name", "ip", "action", "campaign", "subject", "facts")


def make_router(office: Office, authenticate: Authenticate, tables: Tables) -> APIRouter:
    """The page, for organizers who may enter every campaign."""
    router = APIRouter(include_in_schema=False)

    @router.get("/accounts/audit")
    async def show(
        *,
        request: Request,
        who: WordQuery = "",
        campaign: WordQuery = "",
        action: WordQuery = "",
        since: WordQuery = "",
        until: WordQuery = "",
        form: str = Depends(tables.form),
        after: After = None,
        caller: Caller = Depends(authenticate),
    ) -> Response:
        caller.require("organizer")
        caller.require_all_campaigns()
        wanted = AuditFilter(who or None, campaign or None, action or None, _day(since), _day(until, days=1))
        async with tables.turn(form), borrowed(office.pool) as conn:
            if form in exporting.FORMATS:
                await audit.add(conn, audit.who(caller, address_of(request)), "audit_exported")
                found = await audit.listed(conn, wanted, limit=MOST_EXPORTED)
                return exporting.handed_out(await exporting.written(HEAD, _cells(found), form), form, "audit")
            found = await audit.listed(conn, wanted, before=decode(after, int, None), limit=PAGE_SIZE + 1)
            actions = await audit.actions(conn)
            titles = {row["campaign"]: row["title"] for row in await reads.campaigns(conn, limit=MOST_CAMPAIGNS)}
            called = await _called(conn, found[:PAGE_SIZE])
        more = encode(found[PAGE_SIZE - 1].id) if len(found) > PAGE_SIZE else None
        asked = {"who": who, "campaign": campaign, "action": action, "since": since, "until": until}
        context = {"entries": found[:PAGE_SIZE], "more": more, "asked": asked, "actions": actions, "zone": ZONE.key}
        named: dict[str, Any] = {"titles": titles, "called": called}
        return office.page(request, "access/audit.html", context | named)

    return router


async def _called(conn: Conn, entries: Iterable[Entry]) -> dict[tuple[str, str], str]:
    """What the people are called whom these are about, by campaign and id."""
    about: dict[str, set[str]] = {}
    for each in entries:
        if each.campaign and each.subject:
            about.setdefault(each.campaign, set()).add(each.subject)
    return {
        (campaign, id): name
        for campaign, ids in about.items()
        for id, name in (await people.names(conn, campaign, sorted(ids))).items()
        if name
    }


def _day(text: str, *, days: int = 0) -> datetime | None:
    """The beginning of a day, or of the one after; None for what is no date."""
    try:
        day = date.fromisoformat(text) + timedelta(days=days)
    except (ValueError, OverflowError):
        return None
    return datetime.combine(day, time(), ZONE)


async def _cells(entries: Iterable[Entry]) -> exporting.Rows:
    for each in entries:
        facts = " ".join(":".join(fact) for fact in each.facts or [])
        row = [each.at.astimezone(UTC).isoformat(), each.actor, each.name, each.ip, each.action, each.campaign]
        yield [value or "" for value in [*row, each.subject, facts]]
