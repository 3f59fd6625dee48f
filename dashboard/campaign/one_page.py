"""`/campaigns/{campaign}`: the page of one campaign. What changes while it is open comes by `dashboard/page_stream.py`,
from the hub's mark on: it is taken before the tables are read."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response
from psycopg_pool import AsyncConnectionPool

from dashboard.campaign.employer_page import own_page
from dashboard.campaign.reading import read_charts
from dashboard.drawing import Clock, Page
from dashboard.forms.notice import notice
from dashboard.known import known
from dashboard.languages import Lang, language
from dashboard.live import Hub
from dashboard.naming import names_of
from dashboard.pace import stood
from dashboard.parameters import Name
from schemas.access import Authenticate, Caller
from storage.campaigns import breakdowns, employers, reads
from storage.database import Conn, borrowed

Row = dict[str, Any]

ROWS: Final = 500  # fairs and openings on a campaign's page
NEAR_FAIRS: Final = 5


def make_router(
    pool: AsyncConnectionPool[Conn], hub: Hub, authenticate: Authenticate, page: Page, clock: Clock
) -> APIRouter:
    """The page."""
    router = APIRouter(include_in_schema=False)

    @router.get("/campaigns/{campaign}")
    async def one(request: Request, campaign: Name, caller: Caller = Depends(authenticate)) -> Response:
        if caller.role == "employer" and caller.employer:
            return RedirectResponse(own_page(campaign, caller.employer, request.url.query), 303)
        mark = hub.mark
        async with borrowed(pool) as conn:
            about = await known(conn, campaign)
            context = await _campaign(conn, about, caller, clock(), language(request))
            said = await notice(conn, request, caller)
        return page(request, "campaign.html", context | {"notice": said, "mark": mark})

    return router


async def _campaign(conn: Conn, about: Row, caller: Caller, now: datetime, lang: Lang) -> Row:
    """All that a campaign's page shows; a viewer sees targets alone."""
    name = about["campaign"]
    drawn = await read_charts(conn, about, now, whole=caller.role == "organizer")
    shown = {"about": about | {"targets": stood(drawn.pop("targets"), about, now)}, "now": now, **drawn}
    if caller.role == "viewer":
        return shown
    fairs = await reads.fairs(conn, name, limit=ROWS)
    openings = await breakdowns.openings(conn, name, now, limit=ROWS)
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
