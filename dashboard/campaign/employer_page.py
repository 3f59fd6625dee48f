"""`/campaigns/{campaign}/employers/{employer}`: an employer's part, for the employer itself and for organizers."""

from __future__ import annotations

from urllib.parse import quote

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse
from psycopg_pool import AsyncConnectionPool

from dashboard.campaign.employer_part import read_own
from dashboard.drawing import Clock, Page
from dashboard.forms.notice import notice
from dashboard.known import askable, known
from dashboard.live import Hub
from dashboard.parameters import Name
from schemas.access import Authenticate, Caller
from schemas.counted import Explaining
from schemas.errors import NotFound
from schemas.paging import After, decode
from storage.database import Conn, borrowed
from storage.journeys import of_employer


def make_router(
    pool: AsyncConnectionPool[Conn],
    hub: Hub,
    authenticate: Authenticate,
    page: Page,
    *,
    explaining: Explaining,
    clock: Clock,
) -> APIRouter:
    """The page; `explaining` is how targets count."""
    router = APIRouter(include_in_schema=False)

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
