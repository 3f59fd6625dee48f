"""`/v1/campaigns/{campaign}/targets/{target}/counted`: who is counted, as JSON in pages, or whole as a table."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request, Response
from psycopg_pool import AsyncConnectionPool

from dashboard import exporting
from dashboard.access.office import address_of
from dashboard.drawing import Clock
from dashboard.known import askable, known
from dashboard.paging import Paging
from dashboard.parameters import Name
from dashboard.taking_away import Tables
from dashboard.targets.counted import asked_for, first, on, rows
from schemas.access import Authenticate, Caller
from schemas.counted import Explaining
from storage.access import audit
from storage.database import Conn, borrowed
from storage.journeys.counted import snapshot

Row = dict[str, Any]
EarnedOn = Annotated[date | None, Query(description="Only what was earned on this day, in the campaign's time zone.")]
PATH: Final = "/v1/campaigns/{campaign}/targets/{target}/counted"
NUMBER: Final = "Yinfeng-Progress"
HEAD: Final = ("candidate", "name", "at", "amount", "facts")
_TABLES: Final[dict[str, Any]] = {
    media: {"schema": {"type": "string", "format": "binary"}} for media, *_ in exporting.FORMATS.values()
}
_HEADERS: Final = {NUMBER: {"description": "The number at the moment of this answer.", "schema": {"type": "number"}}}


def make_router(
    pool: AsyncConnectionPool[Conn], authenticate: Authenticate, tables: Tables, explaining: Explaining, clock: Clock
) -> APIRouter:
    """The router; `explaining` is how targets count."""
    router = APIRouter(tags=["reads"])

    @router.get(PATH, response_model=list[dict[str, Any]], responses={200: {"content": _TABLES, "headers": _HEADERS}})
    async def get_counted(
        *,
        request: Request,
        response: Response,
        campaign: Name,
        target: Name,
        day: EarnedOn = None,
        form: str = Depends(tables.form),
        paging: Paging = Depends(),
        caller: Caller = Depends(authenticate),
    ) -> Any:
        """Who is counted by a target and by which facts, by id: `candidate`, `name`, `at`, `amount`, `facts`. Fairs
        have no candidate. JSON comes in pages; a table (CSV, XLSX) is whole, read within one moment, and noted in the
        audit. An employer reads its own candidates, of targets that it reads.
        """
        caller.require("organizer", "employer")
        after = "" if form in exporting.FORMATS else paging.after(str, "")
        async with tables.turn(form), borrowed(pool) as conn, snapshot(conn):
            about = await known(conn, campaign)
            row = await asked_for(conn, caller, campaign, askable(target))
            wanted = on(day, about["timezone"])
            found = rows(conn, explaining, caller, row, wanted=wanted, now=clock(), after=after)
            if form not in exporting.FORMATS:
                response.headers[NUMBER] = str(row["progress"])
                return await _part(found, row, paging)
            table = await exporting.written(HEAD, _cells(found), form)
        async with borrowed(pool) as conn:
            by = audit.who(caller, address_of(request))
            await audit.add(conn, by, "counted_exported", campaign=campaign, subject=target)
        return exporting.handed_out(table, form, "counted", {NUMBER: str(row["progress"])})

    return router


async def _part(found: AsyncIterator[Row], row: Row, paging: Paging) -> list[Row]:
    """A page of who is counted; fairs are few, and come at once."""
    if row["measure"] == "fairs_held":
        return [each async for each in found]
    return paging.cut(await first(found, paging.limit + 1), "candidate")


async def _cells(found: AsyncIterator[Row]) -> exporting.Rows:
    async for row in found:
        facts = [f"{f['type']} {f['time'].astimezone(UTC).isoformat()} {f['source']} {f['id']}" for f in row["facts"]]
        at = row["at"].astimezone(UTC).isoformat()
        yield row["candidate"] or "", row["name"] or "", at, row["amount"], "; ".join(facts)
