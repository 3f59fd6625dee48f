"""`/v1/campaigns` and `/v1/campaigns/{campaign}`: campaigns as JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from fastapi import APIRouter, Depends
from psycopg_pool import AsyncConnectionPool

from dashboard.known import known
from dashboard.paging import Paging
from dashboard.parameters import Name
from schemas.access import Authenticate, Caller
from schemas.fields import BY_EMPLOYERS
from schemas.paging import MAX_LIMIT
from storage.campaigns import breakdowns, employers, reads
from storage.database import Conn, borrowed

Row = dict[str, Any]

PARTICULARS: Final = (
    *("campaign", "title", "organizer", "kind", "starts_on", "ends_on", "timezone", "locale", "closed"),
    *("reply_to", "contact", "signup"),
)


def make_router(pool: AsyncConnectionPool[Conn], authenticate: Authenticate) -> APIRouter:
    """The router; `authenticate` gives the caller of a request, or raises Unauthorized."""
    router = APIRouter(tags=["reads"])

    @router.get("/v1/campaigns")
    async def get_campaigns(
        paging: Paging = Depends(),
        caller: Caller = Depends(authenticate),
    ) -> list[Row]:
        """Campaigns by id. Any key may read them."""
        caller.require("organizer", "employer", "viewer")
        async with borrowed(pool) as conn:
            place = paging.after(str, "")
            found = await reads.campaigns(conn, after=place, limit=paging.limit + 1, among=caller.campaigns)
        return [_particulars(row) for row in paging.cut(found, "campaign")]

    @router.get("/v1/campaigns/{campaign}")
    async def get_campaign(campaign: Name, caller: Caller = Depends(authenticate)) -> Row:
        """A campaign with its fairs, employers and openings (10,000 at most), and how many stand at each step from
        signup to hire. An employer reads its own openings, and how many it interviewed, made an offer, won and hired.
        """
        caller.require("organizer", "employer")
        async with borrowed(pool) as conn:
            found = await known(conn, campaign)
            return {
                **_particulars(found),
                "funnel": await _funnel(conn, campaign, caller),
                "fairs_in_number": await reads.fair_numbers(conn, campaign, datetime.now(UTC)),
                "fairs": [_fair(row, caller) for row in await reads.fairs(conn, campaign, limit=MAX_LIMIT)],
                "employers": [
                    _employer(row, caller) for row in await employers.listed(conn, campaign, limit=MAX_LIMIT)
                ],
                "openings": await reads.openings(conn, campaign, of=_own(caller), limit=MAX_LIMIT),
            }

    return router


def _employer(row: Row, caller: Caller) -> Row:
    """An employer as the API tells of it; where its answers go is its own and the organizer's to know."""
    knows = caller.role == "organizer" or caller.employer == row["employer"]
    return row if knows else {name: value for name, value in row.items() if name != "reply_to"}


def _own(caller: Caller) -> str | None:
    """The employer whose alone a caller sees; None who sees all."""
    return caller.employer or "" if caller.role == "employer" else None


async def _funnel(conn: Conn, campaign: str, caller: Caller) -> dict[str, int]:
    if caller.role == "employer":
        found = await breakdowns.of_employer(conn, campaign, caller.employer or "")
        return {step: found[step] for step in BY_EMPLOYERS}
    return await breakdowns.funnel(conn, campaign)


def _fair(row: Row, caller: Caller) -> Row:
    """A fair as the API tells of it; what it costs is the organizer's to know."""
    return row if caller.role == "organizer" else {name: value for name, value in row.items() if name != "cost"}


def _particulars(row: Row) -> Row:
    return {name: row[name] for name in PARTICULARS}
