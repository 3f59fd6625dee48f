"""`/campaigns/{campaign}/facts`: what was said of a campaign itself, the latest first. For organizers."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse
from psycopg_pool import AsyncConnectionPool

from dashboard.campaign.subjects import with_subjects
from dashboard.drawing import Page
from dashboard.known import known
from dashboard.languages import language
from dashboard.parameters import Name
from schemas.access import Authenticate, Caller
from schemas.paging import After, decode, encode
from storage.campaigns import facts
from storage.database import Conn, borrowed

FACTS: Final = 100


def make_router(pool: AsyncConnectionPool[Conn], authenticate: Authenticate, page: Page) -> APIRouter:
    """The page."""
    router = APIRouter(include_in_schema=False)

    @router.get("/campaigns/{campaign}/facts")
    async def show(
        request: Request, campaign: Name, after: After = None, caller: Caller = Depends(authenticate)
    ) -> HTMLResponse:
        caller.require("organizer")
        async with borrowed(pool) as conn:
            about = await known(conn, campaign)
            found = await facts.listed(conn, campaign, before=decode(after, int, None), limit=FACTS + 1)
            rows = await with_subjects(conn, about, language(request), found[:FACTS])
        more = encode(rows[-1]["seq"]) if len(found) > FACTS else None
        return page(request, "campaign/facts.html", {"about": about, "facts": rows, "more": more})

    return router
