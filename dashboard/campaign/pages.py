"""`/campaigns/{campaign}/by/{dimension}`: a breakdown at length; `/campaigns/{campaign}/employers/{employer}`: an
employer's part, for the employer itself and for organizers."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse
from psycopg_pool import AsyncConnectionPool

from dashboard.api import Name, askable, known
from dashboard.campaign.own import read_own
from dashboard.campaign.reading import DIMENSIONS, called, ranked
from dashboard.campaign.subjects import with_subjects
from dashboard.console.notice import notice
from dashboard.drawing import Clock, Page
from dashboard.languages import language
from dashboard.live import Hub
from schemas.access import Authenticate, Caller
from schemas.counted import Explaining
from schemas.errors import NotFound
from schemas.paging import After, decode, encode
from storage.campaigns import breakdowns, said
from storage.database import Conn, borrowed
from storage.journeys import of_employer

MOST: Final = 500  # values of a breakdown
FACTS: Final = 100


def make_router(
    pool: AsyncConnectionPool[Conn],
    hub: Hub,
    authenticate: Authenticate,
    page: Page,
    *,
    explaining: Explaining,
    clock: Clock,
) -> APIRouter:
    """The pages; `explaining` is how targets count."""
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

    @router.get("/campaigns/{campaign}/facts")
    async def facts(
        request: Request, campaign: Name, after: After = None, caller: Caller = Depends(authenticate)
    ) -> HTMLResponse:
        caller.require("organizer")
        async with borrowed(pool) as conn:
            about = await known(conn, campaign)
            found = await said.listed(conn, campaign, before=decode(after, int, None), limit=FACTS + 1)
            rows = await with_subjects(conn, about, language(request), found[:FACTS])
        more = encode(rows[-1]["seq"]) if len(found) > FACTS else None
        return page(request, "campaign/facts.html", {"about": about, "facts": rows, "more": more})

    @router.get("/campaigns/{campaign}/employers/{employer:path}")
    async def own(
        request: Request, campaign: Name, employer: Name, after: After = None, caller: Caller = Depends(authenticate)
    ) -> HTMLResponse:
        caller.require("organizer", "employer")
        mark, place = hub.mark, decode(after, str, "")
        async with borrowed(pool) as conn:
            about = await known(conn, campaign)
            await _require_own(conn, caller, campaign, askable(employer))
            context = await read_own(conn, caller, about, employer, clock(), after=place, explaining=explaining)
            shown = await notice(conn, request, caller)
        return page(request, "campaign/own.html", context | {"notice": shown, "mark": mark, "now": clock()})

    return router


async def _require_own(conn: Conn, caller: Caller, campaign: str, employer: str) -> None:
    """Raises NotFound, for an employer the same of every other as of one that does not exist."""
    theirs = caller.employer == employer
    if theirs or (caller.role == "organizer" and await of_employer.visible(conn, campaign, employer)):
        return
    raise NotFound(f"there is no employer {employer!r} in the campaign {campaign!r} whose page you may see")


def own_page(campaign: str, employer: str, query: str) -> str:
    """Where an employer's part of a campaign is shown; `query` goes along."""
    path = f"/campaigns/{quote(campaign, safe='')}/employers/{quote(employer, safe='')}"
    return f"{path}?{query}" if query else path
