"""The JSON that is read: campaigns, a campaign, its targets, a candidate."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Request, Response
from psycopg_pool import AsyncConnectionPool

from dashboard.candidates.one import candidate_page
from schemas.access import Authenticate, Caller
from schemas.errors import NotFound
from schemas.fields import BY_EMPLOYERS
from schemas.paging import DEFAULT_LIMIT, MAX_LIMIT, After, Limit, decode, next_link
from storage.campaigns import breakdowns, employers, reads
from storage.database import Conn, borrowed
from storage.journeys.candidates import Place

Name = Annotated[str, Path(max_length=200)]
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
        key, place = (askable(campaign), askable(candidate)), paging.after(Place, None)
        async with borrowed(pool) as conn:
            found = await candidate_page(conn, caller, *key, after=place, limit=paging.limit + 1)
        return {**found, "timeline": paging.cut(found["timeline"], "time", "source", "id")}

    return router


class Paging:
    """`?limit=` and `?after=` of a request for a list; one row more than `limit` is to be read."""

    def __init__(self, request: Request, response: Response, limit: Limit = DEFAULT_LIMIT, after: After = None) -> None:
        self._request, self._response, self.limit, self._after = request, response, limit, after

    def after(self, kind: Any, default: Any) -> Any:
        """The key of the last row of the page before. Raises Refused."""
        return decode(self._after, kind, default)

    def part(self, rows: list[Row], onward: str | None) -> list[Row]:
        """The rows; where the list goes on after this key, the answer says so."""
        if onward is not None:
            next_link(self._request, self._response, onward)
        return rows

    def cut(self, rows: list[Row], *key: str) -> list[Row]:
        """The rows of this page; where there are more, the answer says where they are."""
        if len(rows) > self.limit:
            last = [rows[self.limit - 1][name] for name in key]
            next_link(self._request, self._response, last[0] if len(last) == 1 else last)
        return rows[: self.limit]


async def known(conn: Conn, campaign: str) -> Row:
    """The campaign's row. Raises NotFound."""
    found = await reads.campaign(conn, askable(campaign))
    if found is None:
        raise NotFound(f"there is no campaign {campaign!r}")
    return found


def askable(name: str) -> str:
    """The name, if the database can be asked for it. Raises NotFound."""
    if "\0" in name:
        raise NotFound("no id has a zero character")
    return name


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


ENTRY: Final = ("target", "title", "measure", "goal", "progress", "due_on", "where")
