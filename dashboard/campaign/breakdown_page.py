"""`/campaigns/{campaign}/by/{dimension}`: a breakdown at length. For organizers."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse
from psycopg_pool import AsyncConnectionPool

from dashboard.campaign.reading import DIMENSIONS, called, ranked
from dashboard.drawing import Page
from dashboard.known import known
from dashboard.parameters import Name
from schemas.access import Authenticate, Caller
from schemas.errors import NotFound
from storage.campaigns import breakdowns
from storage.database import Conn, borrowed

MOST: Final = 500  # values of a breakdown


def make_router(pool: AsyncConnectionPool[Conn], authenticate: Authenticate, page: Page) -> APIRouter:
    """The page."""
    router = APIRouter(include_in_schema=False)

    @router.get("/campaigns/{campaign}/by/{dimension}")
    async def by(
        request: Request, campaign: Name, dimension: Name, caller: Caller = Depends(authenticate)
    ) -> HTMLResponse:
        caller.require("organizer")
        if dimension not in (*DIMENSIONS, "fair"):
            raise NotFound(f"nothing is broken down by {dimension!r}")
        async with borrowed(pool) as conn:
            about = await known(conn, campaign)
            if dimension == "fair":
                rows = ranked(about, await breakdowns.fairs(conn, campaign, limit=MOST))
            else:
                rows = await breakdowns.by(conn, campaign, dimension, limit=MOST)
            named = await called(conn, about, [row["value"] for row in rows] if dimension == "employer" else [])
            counting = await breakdowns.is_due(conn, campaign)
        context = {"about": about, "dimension": dimension, "rows": rows, "called": named, "most": MOST}
        return page(request, "campaign/by.html", context | {"counting": counting})

    return router
