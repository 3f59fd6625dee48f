"""`/v1/campaigns/{campaign}/candidates/{candidate}`: a candidate's journey as JSON."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends
from psycopg_pool import AsyncConnectionPool

from dashboard.candidates.one import candidate_page
from dashboard.known import askable
from dashboard.paging import Paging
from dashboard.parameters import Name
from schemas.access import Authenticate, Caller
from storage.database import Conn, borrowed
from storage.journeys.candidates import TimelinePlace

Row = dict[str, Any]


def make_router(pool: AsyncConnectionPool[Conn], authenticate: Authenticate) -> APIRouter:
    """The router; `authenticate` gives the caller of a request, or raises Unauthorized."""
    router = APIRouter(tags=["reads"])

    @router.get("/v1/campaigns/{campaign}/candidates/{candidate:path}")
    async def get_candidate(
        campaign: Name,
        candidate: Name,
        paging: Paging = Depends(),
        caller: Caller = Depends(authenticate),
    ) -> Row:
        """A candidate's journey, the facts in order of the world's time (retracted ones are marked; `limit` is theirs)
        and the messages. An employer reads its own candidates, without what is other employers' and without messages.
        """
        caller.require("organizer", "employer")
        key, place = (askable(campaign), askable(candidate)), paging.after(TimelinePlace, None)
        async with borrowed(pool) as conn:
            found = await candidate_page(conn, caller, *key, after=place, limit=paging.limit + 1)
        return {**found, "timeline": paging.cut(found["timeline"], "time", "source", "id")}

    return router
