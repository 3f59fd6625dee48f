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
DayQuery = Annotated[str, Query(max_length=10)]

A_PAGE: Final = 100
ALMOST: Final = 20
DAYS: Final = 14


class LookedAt:
    """The days that are looked at: one on which it was earned, and one on which it was recorded."""

    def __init__(self, day: DayQuery = "", recorded: DayQuery = "") -> None:
        self.day, self.recorded = _day(day), _day(recorded)


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
        looked_at: LookedAt = Depends(),
        after: After = None,
        caller: Caller = Depends(authenticate),
    ) -> HTMLResponse:
        caller.require("organizer")
        mark, now = hub.mark, clock()
        async with borrowed(pool) as conn, snapshot(conn):
            about = await known(conn, campaign)
            row = reads.entry(await asked_for(conn, caller, campaign, askable(target)))
            place = decode(after, str, "")
            shown = await _shown(conn, explaining, caller, about, row=row, looked_at=looked_at, now=now, after=place)
        return page(request, "target.html", {"about": about, "now": now, "mark": mark, "day": looked_at.day, **shown})

    return router


async def _shown(
    conn: Conn,
    explaining: Explaining,
    caller: Caller,
    about: Row,
    *,
    row: Row,
    looked_at: LookedAt,
    now: datetime,
    after: str,
) -> Row:
    """What the page says of a target, whose row this is."""
    zone = ZoneInfo(about["timezone"])
    today = now.astimezone(zone).date()
    return {
        "today": today,
        "row": row | {"standing": standing(row, about["starts_on"], today)},
        **await _counted(conn, explaining, caller, row, wanted=looked_at.day, zone=zone, now=now, after=after),
        **await _almost(conn, row),
        **await _recorded(conn, explaining, row, looked_at.recorded or today, zone),
        "days": await _days(conn, row),
    }


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
