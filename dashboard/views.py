"""The pages: campaigns, a campaign, the wall. Plain without scripts; what changes while they are open
comes by `dashboard/page_stream.py`, from the hub's mark on: it is taken before the tables are read."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from psycopg_pool import AsyncConnectionPool

from dashboard.api import Name, known
from dashboard.campaign.pages import own_page
from dashboard.campaign.reading import read_charts
from dashboard.console.notice import notice
from dashboard.drawing import Clock, Page
from dashboard.languages import Lang, language
from dashboard.live import Hub
from dashboard.naming import names_of
from dashboard.pace import stood
from schemas.access import Authenticate, Caller
from schemas.paging import After, decode, encode
from storage.campaigns import employers, reads
from storage.database import Conn, borrowed

Row = dict[str, Any]

CAMPAIGNS_A_PAGE: Final = 30
ROWS: Final = 500  # fairs and openings on a campaign's page
NEAR_FAIRS: Final = 5


def _now() -> datetime:
    return datetime.now(UTC)


def make_router(
    pool: AsyncConnectionPool[Conn], hub: Hub, authenticate: Authenticate, page: Page, *, clock: Clock = _now
) -> APIRouter:
    """The router; `page` draws templates (see yinfeng.web.pages), `authenticate` gives the caller of a request."""
    router = APIRouter(include_in_schema=False)
    some = Depends(authenticate)

    @router.get("/")
    async def home(request: Request, caller: Caller = some, after: After = None) -> HTMLResponse:
        mark = hub.mark
        async with borrowed(pool) as conn:
            place, among = decode(after, str, ""), caller.campaigns
            found = await reads.campaigns(conn, after=place, limit=CAMPAIGNS_A_PAGE + 1, among=among)
            shown = await _with_targets(conn, caller, found[:CAMPAIGNS_A_PAGE], clock())
            said = await notice(conn, request, caller)
        more = encode(shown[-1]["campaign"]) if len(found) > CAMPAIGNS_A_PAGE else None
        context = {"campaigns": shown, "more": more, "now": clock(), "notice": said, "mark": mark}
        return page(request, "campaigns.html", context)

    @router.get("/wall")
    async def wall(
        request: Request, caller: Caller = some, campaign: Annotated[str | None, Query(max_length=200)] = None
    ) -> HTMLResponse:
        mark = hub.mark
        async with borrowed(pool) as conn:
            if campaign:
                found = [await known(conn, campaign)]
            else:
                found = await reads.campaigns(conn, limit=CAMPAIGNS_A_PAGE, among=caller.campaigns)
            shown = await _with_targets(conn, caller, found, clock())
        context = {"campaigns": shown, "campaign": campaign, "wall": True, "now": clock(), "mark": mark}
        return page(request, "wall.html", context)

    @router.get("/campaigns/{campaign}")
    async def one(request: Request, campaign: Name, caller: Caller = some) -> Response:
        if caller.role == "employer" and caller.employer:
            return RedirectResponse(own_page(campaign, caller.employer, request.url.query), 303)
        mark = hub.mark
        async with borrowed(pool) as conn:
            about = await known(conn, campaign)
            context = await _campaign(conn, about, caller, clock(), language(request))
            said = await notice(conn, request, caller)
        return page(request, "campaign.html", context | {"notice": said, "mark": mark})

    return router


async def _with_targets(conn: Conn, caller: Caller, campaigns: list[Row], now: datetime) -> list[Row]:
    """Campaigns, each with the targets that the caller reads."""
    found = await reads.targets_of(conn, [row["campaign"] for row in campaigns])
    return [row | {"targets": stood(_readable(caller, found[row["campaign"]]), row, now)} for row in campaigns]


def _readable(caller: Caller, targets: list[Row]) -> list[Row]:
    return [row for row in targets if caller.reads_target(row)]


async def _campaign(conn: Conn, about: Row, caller: Caller, now: datetime, lang: Lang) -> Row:
    """All that a campaign's page shows; a viewer sees targets alone."""
    name = about["campaign"]
    drawn = await read_charts(conn, about, now, whole=caller.role == "organizer")
    shown = {"about": about | {"targets": stood(drawn.pop("targets"), about, now)}, "now": now, **drawn}
    if caller.role == "viewer":
        return shown
    fairs = await reads.fairs(conn, name, limit=ROWS)
    openings = await reads.openings(conn, name, limit=ROWS)
    named = await employers.listed(conn, name, limit=ROWS)
    ids = {each["employer"] for each in named}
    return {
        **shown,
        "fairs": fairs,
        "near": _near(fairs, now),
        "fair_numbers": await reads.fair_numbers(conn, name, now),
        "employers": named,
        "unnamed": [each for each in await employers.spoken_of(conn, name) if each not in ids],
        "openings": openings,
        "names": await names_of(conn, about, lang, employers=[each["employer"] for each in openings]),
    }


def _near(fairs: list[Row], now: datetime) -> list[Row]:
    """The fairs to come next; when all are over, the latest."""
    standing_fairs = [fair for fair in fairs if not fair["cancelled"]]
    coming = [fair for fair in standing_fairs if fair["ends_at"] > now]
    return coming[:NEAR_FAIRS] or standing_fairs[-NEAR_FAIRS:]
