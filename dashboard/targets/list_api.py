"""`/v1/campaigns/{campaign}/targets`: a campaign's targets as JSON."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter, Depends
from psycopg_pool import AsyncConnectionPool

from dashboard.known import known
from dashboard.paging import Paging
from dashboard.parameters import Name
from schemas.access import Authenticate, Caller
from storage.campaigns import reads
from storage.database import Conn, borrowed

Row = dict[str, Any]

ENTRY: Final = ("target", "title", "measure", "goal", "progress", "due_on", "where")


def make_router(pool: AsyncConnectionPool[Conn], authenticate: Authenticate) -> APIRouter:
    """The router; `authenticate` gives the caller of a request, or raises Unauthorized."""
    router = APIRouter(tags=["reads"])

    @router.get("/v1/campaigns/{campaign}/targets")
    async def get_targets(
        campaign: Name,
        paging: Paging = Depends(),
        caller: Caller = Depends(authenticate),
    ) -> list[Row]:
        """A campaign's targets by id. Any key may read them; an employer those that count itself alone, or nothing
        that employers do."""
        caller.require("organizer", "employer", "viewer")
        async with borrowed(pool) as conn:
            await known(conn, campaign)
            found = await _readable(conn, caller, campaign, after=paging.after(str, ""), limit=paging.limit + 1)
        return [_entry(row) for row in paging.cut(found, "target")]

    return router


async def _readable(conn: Conn, caller: Caller, campaign: str, *, after: str, limit: int) -> list[Row]:
    """So many of the targets that the caller reads, by id."""
    found: list[Row] = []
    while len(found) < limit:
        portion = await reads.targets(conn, campaign, after=after, limit=limit)
        found += [row for row in portion if caller.reads_target(row)]
        if len(portion) < limit:
            break
        after = portion[-1]["target"]
    return found[:limit]


def _entry(row: Row) -> Row:
    """A target as the API tells of it. `counting`, where its number is not whole as yet."""
    return {name: row[name] for name in ENTRY} | ({"counting": True} if row["counting"] else {})
