"""`/wall`: the wall for those who sign in. For an audience it goes by a link: `dashboard/walls/screen.py`."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse
from psycopg_pool import AsyncConnectionPool

from dashboard.campaign.reading import with_targets
from dashboard.drawing import Clock, Page
from dashboard.known import known
from dashboard.live import Hub
from schemas.access import Authenticate, Caller
from storage.campaigns import reads
from storage.database import Conn, borrowed

MOST: Final = 30  # campaigns that it rotates between


def make_router(
    pool: AsyncConnectionPool[Conn], hub: Hub, authenticate: Authenticate, page: Page, clock: Clock
) -> APIRouter:
    """The page."""
    router = APIRouter(include_in_schema=False)

    @router.get("/wall")
    async def wall(
        request: Request,
        caller: Caller = Depends(authenticate),
        campaign: Annotated[str | None, Query(max_length=200)] = None,
    ) -> HTMLResponse:
        mark = hub.mark
        async with borrowed(pool) as conn:
            if campaign:
                found = [await known(conn, campaign)]
            else:
                found = await reads.campaigns(conn, limit=MOST, among=caller.campaigns)
            shown = await with_targets(conn, caller, found, clock())
        context = {"campaigns": shown, "campaign": campaign, "wall": True, "now": clock(), "mark": mark}
        return page(request, "wall.html", context)

    return router
