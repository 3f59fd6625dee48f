"""`/`: all campaigns, with their targets. Plain without scripts; what changes while it is open comes by
`dashboard/page_stream.py`, from the hub's mark on: it is taken before the tables are read."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse
from psycopg_pool import AsyncConnectionPool

from dashboard.campaign.reading import with_targets
from dashboard.drawing import Clock, Page
from dashboard.forms.notice import notice
from dashboard.live import Hub
from schemas.access import Authenticate, Caller
from schemas.paging import After, decode, encode
from storage.campaigns import reads
from storage.database import Conn, borrowed

CAMPAIGNS_A_PAGE: Final = 30


def make_router(
    pool: AsyncConnectionPool[Conn], hub: Hub, authenticate: Authenticate, page: Page, clock: Clock
) -> APIRouter:
    """The page."""
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    async def home(request: Request, caller: Caller = Depends(authenticate), after: After = None) -> HTMLResponse:
        mark = hub.mark
        async with borrowed(pool) as conn:
            place, among = decode(after, str, ""), caller.campaigns
            found = await reads.campaigns(conn, after=place, limit=CAMPAIGNS_A_PAGE + 1, among=among)
            shown = await with_targets(conn, caller, found[:CAMPAIGNS_A_PAGE], clock())
            said = await notice(conn, request, caller)
        more = encode(shown[-1]["campaign"]) if len(found) > CAMPAIGNS_A_PAGE else None
        context = {"campaigns": shown, "more": more, "now": clock(), "notice": said, "mark": mark}
        return page(request, "campaigns.html", context)

    return router
