"""`/campaigns/{campaign}/candidates`: the list, where people are looked for and chosen; and the lists that one
keeps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final, get_args
from urllib.parse import parse_qsl, quote, urlencode

from fastapi import APIRouter, Depends, Form, Path, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from psycopg_pool import AsyncConnectionPool

from dashboard.candidates import listing
from dashboard.candidates.asking import STAGES, Asking
from dashboard.candidates.list_api import reader_of
from dashboard.candidates.listing import HEADS, chosen
from dashboard.drawing import Clock, Page, TextOf
from dashboard.forms.notice import notice
from dashboard.known import known
from dashboard.parameters import Name
from schemas.access import Authenticate, Caller
from schemas.errors import NotFound
from schemas.fields import Education
from schemas.paging import After, decode, encode
from storage.access import views
from storage.campaigns import breakdowns, employers
from storage.database import Conn, borrowed
from storage.vault import restricting

ListName = Annotated[str, Form(max_length=100, pattern=r"^[^\x00]*$")]
ChosenColumns = Annotated[list[str] | None, Query(max_length=40)]
ViewId = Annotated[str, Path(max_length=40, pattern=r"^[\w-]+$")]
A_PAGE: Final = 100
SUGGESTED: Final = 200  # values that most have, while one types
EXPIRING: Final = (3, 7, 14, 30)  # days to choose from


def make_router(
    pool: AsyncConnectionPool[Conn], authenticate: Authenticate, page: Page, text: TextOf, clock: Clock
) -> APIRouter:
    """The pages; `text` gives what cells say."""
    router = APIRouter(include_in_schema=False)
    _add_list(router, pool, Depends(authenticate), page, text=text, clock=clock)
    _add_views(router, pool, Depends(authenticate))
    return router


def _add_list(
    router: APIRouter, pool: AsyncConnectionPool[Conn], some: Any, page: Page, *, text: TextOf, clock: Clock
) -> None:
    @router.get("/campaigns/{campaign}/candidates")
    async def show(
        *,
        request: Request,
        campaign: Name,
        asking: Asking = Depends(),
        column: ChosenColumns = None,
        all: bool = False,
        nobody: bool = False,
        view: Annotated[str, Query(max_length=40)] = "",
        after: After = None,
        caller: Caller = some,
    ) -> HTMLResponse:
        caller.require("organizer", "employer")
        wanted, columns = asking.wanted(caller, clock()), chosen(column or ())
        async with borrowed(pool) as conn:
            about = await known(conn, campaign)
            found, onward = await listing.rows(conn, campaign, wanted, after=decode(after, str, ""), limit=A_PAGE)
            reader = await reader_of(conn, request, about, text)
            beside = await _beside(conn, request, caller, campaign, reader)
        context = {
            "about": about,
            "rows": [reader.drawn(each, columns) for each in found],
            "more": encode(onward) if onward else None,
            "columns": {each: reader.head(each) for each in columns},
            "view": view,
            "all": all,
            "nobody": nobody and not all,
            **_asked(asking, column or (), columns),
            **beside,
        }
        return page(request, "candidates/list.html", context)


def _add_views(router: APIRouter, pool: AsyncConnectionPool[Conn], some: Any) -> None:
    @router.post("/campaigns/{campaign}/candidates/views")
    async def keep(
        *,
        campaign: Name,
        asking: Asking = Depends(),
        column: ChosenColumns = None,
        name: ListName = "",
        caller: Caller = some,
    ) -> RedirectResponse:
        caller.require("organizer", "employer")
        query = urlencode(_query(asking, column or ()))
        async with borrowed(pool) as conn:
            await known(conn, campaign)
            view = await views.save(conn, caller.poster, campaign, name.strip(), query) if name.strip() else None
        return RedirectResponse(_path(campaign, query, view), 303)

    @router.get("/campaigns/{campaign}/candidates/views/{view}")
    async def open_view(campaign: Name, view: ViewId, caller: Caller = some) -> RedirectResponse:
        caller.require("organizer", "employer")
        async with borrowed(pool) as conn:
            found = await views.fetch(conn, campaign, view)
        if found is None:
            raise NotFound("nobody keeps this list any more")
        return RedirectResponse(_path(campaign, found.query, view), 303)

    @router.post("/campaigns/{campaign}/candidates/views/{view}/remove")
    async def remove(campaign: Name, view: ViewId, caller: Caller = some) -> RedirectResponse:
        caller.require("organizer", "employer")
        async with borrowed(pool) as conn:
            await views.remove(conn, caller.poster, campaign, view)
        return RedirectResponse(_path(campaign, "", None), 303)


def _asked(asking: Asking, column: list[str] | tuple[str, ...], columns: Sequence[str]) -> dict[str, Any]:
    """What was asked for, as the form shows it and as addresses carry it."""
    return {
        "asked": vars(asking),
        "narrowed": urlencode(_query(asking, column)),
        "exported": urlencode([*asking.narrowing(), ("q", asking.q), ("columns", ",".join(columns))]),
    }


async def _beside(
    conn: Conn, request: Request, caller: Caller, campaign: str, reader: listing.Reader
) -> dict[str, Any]:
    """What the page shows beside the list itself."""
    return {
        "heads": HEADS,
        "views": await views.listed(conn, caller.poster, campaign),
        "notice": await notice(conn, request, caller),
        "hidden": await restricting.count(conn, campaign) if caller.role == "organizer" else 0,
        **await _choices(conn, caller, campaign, reader),
    }


async def _choices(conn: Conn, caller: Caller, campaign: str, reader: listing.Reader) -> dict[str, Any]:
    """What the fields are to choose from: values, and what they are called."""
    names = reader.names
    found: dict[str, Any] = {
        "stages": STAGES,
        "fairs": [(names.fair(each), each) for each in names.known.fairs],
        "educations": get_args(Education),
        "expiring": EXPIRING,
    }
    if caller.role == "employer":  # what all candidates say is none of its business
        return {**found, "employers": [], "schools": [], "chains": []}
    had = {each: await breakdowns.by(conn, campaign, each, limit=SUGGESTED) for each in ("school", "chain")}
    named = {*names.known.employers, *await employers.spoken_of(conn, campaign)}
    return {
        **found,
        "employers": sorted((names.employer(each), each) for each in named),
        "schools": sorted(row["value"] for row in had["school"]),
        "chains": sorted(row["value"] for row in had["chain"]),
    }


def _query(asking: Asking, columns: list[str] | tuple[str, ...]) -> list[tuple[str, str]]:
    return [*asking.narrowing(), *(("column", each) for each in columns if each in HEADS)]


def _path(campaign: str, query: str, view: str | None) -> str:
    words = urlencode([*parse_qsl(query), *([("view", view)] if view else [])])
    return f"/campaigns/{quote(campaign, safe='')}/candidates" + (f"?{words}" if words else "")
