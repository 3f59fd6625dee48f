"""`/v1/campaigns/{campaign}/candidates`: the list as JSON in pages, or whole as a table."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request
from psycopg_pool import AsyncConnectionPool

from dashboard import exporting
from dashboard.access.office import address_of
from dashboard.candidates import listing
from dashboard.candidates.asking import Asking
from dashboard.candidates.listing import HEADS, Reader, chosen
from dashboard.drawing import Clock, TextOf
from dashboard.known import known
from dashboard.languages import language
from dashboard.naming import Names
from dashboard.paging import Paging
from dashboard.parameters import Name
from dashboard.taking_away import Tables
from schemas.access import Authenticate, Caller
from schemas.errors import FieldError, Refused
from schemas.paging import MAX_LIMIT
from storage.access import audit
from storage.campaigns import employers, naming
from storage.database import Conn, borrowed
from storage.journeys.counted import snapshot
from storage.journeys.narrowing import Wanted

Row = dict[str, Any]
PATH: Final = "/v1/campaigns/{campaign}/candidates"
ColumnNames = Annotated[
    str, Query(max_length=400, description=f"The columns of a table, with commas between them, of {', '.join(HEADS)}.")
]
_TABLES: Final[dict[str, Any]] = {
    media: {"schema": {"type": "string", "format": "binary"}} for media, *_ in exporting.FORMATS.values()
}


def make_router(
    pool: AsyncConnectionPool[Conn], authenticate: Authenticate, tables: Tables, text: TextOf, clock: Clock
) -> APIRouter:
    """The router; `text` gives what tables say."""
    router = APIRouter(tags=["reads"])

    @router.get(PATH, response_model=list[dict[str, Any]], responses={200: {"content": _TABLES}})
    async def get_candidates(
        *,
        request: Request,
        campaign: Name,
        asking: Asking = Depends(),
        columns: ColumnNames = "",
        form: str = Depends(tables.form),
        paging: Paging = Depends(),
        caller: Caller = Depends(authenticate),
    ) -> Any:
        """Candidates by id: `candidate`, `name`, `stage` (the furthest step), particulars, `fairs`, `employers`,
        `offer_ends`, `email`, `phone`, `updated_at`. JSON comes in pages; a table (CSV, XLSX) is whole, in the reader's
        language, read within one moment, and noted in the audit. An employer reads its own candidates; a page of them
        may be short, or empty, and go on all the same.
        """
        caller.require("organizer", "employer")
        wanted, shown = asking.wanted(caller, clock()), _shown(columns)
        async with borrowed(pool) as conn, snapshot(conn):
            about = await known(conn, campaign)
            if form not in exporting.FORMATS:
                after = paging.after(str, "")
                found, onward = await listing.rows(conn, campaign, wanted, after=after, limit=paging.limit)
                return paging.part(found, onward)
            reader = await reader_of(conn, request, about, text)
        async with borrowed(pool) as conn:
            by = audit.who(caller, address_of(request))
            await audit.add(conn, by, "candidates_exported", campaign=campaign, subject=str(asking)[:500] or None)
        head = [reader.head(each) for each in shown]
        cells = _cells(reader, _whole(pool, tables.turn(form), campaign, wanted), shown)
        return await exporting.handed_out_while_written(head, cells, form, "candidates")

    return router


async def reader_of(conn: Conn, request: Request, about: Row, text: TextOf) -> Reader:
    """Who reads a list of this campaign, with the names of all its fairs and employers."""
    campaign = about["campaign"]
    found = naming.KnownNames(
        {each["employer"]: each for each in await employers.listed(conn, campaign, limit=MAX_LIMIT)},
        await naming.fairs(conn, campaign, limit=MAX_LIMIT),
    )
    return Reader(text, Names(language(request), about["timezone"], found))


def _shown(columns: str) -> list[str]:
    named = [each.strip() for each in columns.split(",") if each.strip()]
    if unknown := [each for each in named if each not in HEADS]:
        raise Refused(f"columns: there is no column {unknown[0]!r}", [FieldError("columns", f"are {', '.join(HEADS)}")])
    return chosen(named)


async def _whole(
    pool: AsyncConnectionPool[Conn], turn: AbstractAsyncContextManager[Any], campaign: str, wanted: Wanted
) -> AsyncGenerator[Row]:
    async with turn, borrowed(pool) as conn, snapshot(conn):
        async for row in listing.all_rows(conn, campaign, wanted):
            yield row


async def _cells(reader: Reader, rows: AsyncGenerator[Row], columns: Sequence[str]) -> exporting.Rows:
    async with aclosing(rows):
        async for row in rows:
            yield [reader.cell(row, each) for each in columns]
