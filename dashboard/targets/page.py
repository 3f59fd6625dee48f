"""`/campaigns/{campaign}/targets/{target}`: a number that explains itself. Who is counted, who almost is, and what
changed on a day."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse
from psycopg_pool import AsyncConnectionPool

from dashboard.drawing import Clock, Page
from dashboard.known import askable, known
from dashboard.live import Hub
from dashboard.pace import standing
from dashboard.parameters import Name
from dashboard.targets.changes import MOST, Changes, changes
from dashboard.targets.counted import asked_for, first, on, rows
from schemas.access import Authenticate, Caller
from schemas.counted import Explaining
from schemas.paging import After, decode, encode
from storage.campaigns import reads
from storage.database import Conn, borrowed
from storage.journeys import counted, people
from storage.journeys.counted import snapshot

Row = dict[str, Any]
Word = Annotated[str, Query(max_length=10)]

A_PAGE: Final = 100
ALMOST: Final = 20
DAYS: Final = 14


def make_router(
    pool: AsyncConnectionPool[Conn],
    hub: Hub,
    authenticate: Authenticate,
    page: Page,
    *,
    explaining: Explaining,
    clock: Clock,
) -> APIRouter:
    """The page, for organizers."""
    router = APIRouter(include_in_schema=False)

    @router.get("/campaigns/{campaign}/targets/{target}")
    async def one(
        *,
        request: Request,
        campaign: Name,
        target: Name,
        day: Word = "",
        recorded: Word = "",
        after: After = None,
        caller: Caller = Depends(authenticate),
    ) -> HTMLResponse:
        caller.require("organizer")
        mark = hub.mark
        async with borrowed(pool) as conn, snapshot(conn):
            about = await known(conn, campaign)
            row = reads.entry(await asked_for(conn, caller, campaign, askable(target)))
            zone, now = ZoneInfo(about["timezone"]), clock()
            today = now.astimezone(zone).date()
            wanted, place = _day(day), decode(after, str, "")
            shown = {
                "row": row | {"standing": standing(row, about["starts_on"], today)},
                **await _counted(conn, explaining, caller, row, wanted=wanted, zone=zone, now=now, after=place),
                **await _almost(conn, row),
                **await _recorded(conn, explaining, row, _day(recorded) or today, zone),
                "days": await _days(conn, row),
            }
        context = {"about": about, "now": now, "mark": mark, "day": wanted, "today": today, **shown}
        return page(request, "target.html", context)

    return router


async def _counted(
    conn: Conn, explaining: Explaining, caller: Caller, row: Row, *, wanted: date | None, zone: ZoneInfo, **more: Any
) -> Row:
    found = await first(rows(conn, explaining, caller, row, wanted=on(wanted, zone.key), **more), A_PAGE + 1)
    return {"counted": found[:A_PAGE], "more": encode(found[A_PAGE - 1]["candidate"]) if len(found) > A_PAGE else None}


async def _almost(conn: Conn, row: Row) -> Row:
    found = await counted.almost_counted(conn, row, limit=ALMOST + 1)
    names = await people.names(conn, row["campaign"], found)
    return {"almost": [(each, names.get(each)) for each in found[:ALMOST]], "almost_more": len(found) > ALMOST}


async def _recorded(conn: Conn, explaining: Explaining, row: Row, day: date, zone: ZoneInfo) -> Row:
    """What changed by what was recorded on a day. Fairs are counted by the clock: nothing is recorded of that."""
    if row["measure"] == "fairs_held":
        return {"recorded": day, "changed": None, "most_changed": MOST}
    since, until = _midnight(day, zone), _midnight(day + timedelta(days=1), zone)
    found: Changes = await changes(conn, explaining, row, since, until)
    names = await people.names(conn, row["campaign"], [each.candidate for each in found.people])
    return {"recorded": day, "changed": found, "names": names, "most_changed": MOST}


async def _days(conn: Conn, row: Row) -> list[tuple[date, Any]]:
    """The latest days that added to the number, the latest first."""
    days = (await reads.days(conn, row["campaign"], [row["target"]]))[row["target"]]
    return [(day, reads.plain(amount)) for day, amount in reversed(days[-DAYS:])]


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone)


def _day(text: str) -> date | None:
    """None for what is no date."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if date(1900, 1, 1) <= day <= date(2200, 1, 1) else None
