"""`/campaigns/{campaign}/duplicates`: who may be the same person, side by side; to be merged, or kept apart."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from psycopg_pool import AsyncConnectionPool

from dashboard.access.office import address_of
from dashboard.drawing import Page
from dashboard.forms.notice import notice
from dashboard.known import askable, known
from dashboard.parameters import Name
from schemas.access import Authenticate, Caller
from schemas.errors import NotFound
from schemas.paging import After, decode, encode
from storage.access import audit
from storage.database import Conn, borrowed
from storage.journeys import candidates, merging, people
from storage.journeys.candidates import KnownCandidate
from storage.journeys.counted import snapshot
from storage.journeys.tags import stage
from storage.vault import duplicates
from storage.vault.duplicates import AlikePair

Row = dict[str, Any]
TypedId = Annotated[str, Form(max_length=200, pattern=r"^[^\x00]*$")]
A_PAGE: Final = 25
OF_ONE: Final = 5
SHORT: Final = 5  # characters of an id's end
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
COMPARED: Final = ("phone", "email", "education", "school", "major", "graduation_year")


def make_router(pool: AsyncConnectionPool[Conn], authenticate: Authenticate, page: Page) -> APIRouter:
    """The page, and the endpoint that keeps two apart."""
    router = APIRouter(include_in_schema=False)
    _add_page(router, pool, Depends(authenticate), page)
    _add_apart(router, pool, Depends(authenticate))
    return router


def _add_page(router: APIRouter, pool: AsyncConnectionPool[Conn], some: Any, page: Page) -> None:
    @router.get("/campaigns/{campaign}/duplicates")
    async def show(request: Request, campaign: Name, caller: Caller = some, after: After = None) -> HTMLResponse:
        caller.require("organizer")
        async with borrowed(pool) as conn:
            about = await known(conn, campaign)
            place = decode(after, str, "")
            found, further = await duplicates.within(conn, campaign, place, limit=A_PAGE + 1)
            shown = _whole(found) if len(found) > A_PAGE else found
            pairs = await _beside(conn, campaign, shown)
            idle = await merging.idle(conn, campaign)
            named = await people.names(conn, campaign, [each for row in idle for each in (row.candidate, row.into)])
            said = await notice(conn, request, caller)
        more = encode(shown[-1].one) if len(found) > A_PAGE else encode(further) if further else None
        context: dict[str, object] = {
            "about": about,
            "pairs": pairs,
            "more": more,
            "compared": COMPARED,
            "notice": said,
        }
        context |= {"idle": idle, "names": named}
        return page(request, "candidates/duplicates.html", context)


def _add_apart(router: APIRouter, pool: AsyncConnectionPool[Conn], some: Any) -> None:
    @router.post("/campaigns/{campaign}/duplicates/apart")
    async def keep_apart(
        *,
        request: Request,
        campaign: Name,
        one: TypedId = "",
        other: TypedId = "",
        onward: Annotated[str, Form()] = "",
        caller: Caller = some,
    ) -> RedirectResponse:
        caller.require("organizer")
        async with borrowed(pool) as conn, conn.transaction():
            await known(conn, campaign)
            both = {askable(one), askable(other)}
            if len(await candidates.load_many(conn, campaign, sorted(both))) != 2:
                raise NotFound(f"{one!r} and {other!r} are not two candidates who are known")
            await duplicates.set_apart(conn, campaign, one, other, said_by=caller.poster)
            by = audit.who(caller, address_of(request))
            await audit.add(conn, by, "kept_apart", campaign=campaign, subject=f"{one} · {other}"[:200])
        path = f"/candidates/{quote(campaign, safe='')}/{quote(one, safe='')}" if onward == "candidate" else None
        return RedirectResponse(path or f"/campaigns/{quote(campaign, safe='')}/duplicates", 303)


async def suggested(conn: Conn, campaign: str, candidate: str) -> list[Row]:
    """Some who may be the same person as this candidate, with what is alike."""
    async with snapshot(conn):  # who is unmerged meanwhile would be like themselves
        ids = [each for _, each in await merging.of_persons(conn, [(campaign, candidate)])]
        found = await duplicates.of(conn, campaign, ids, limit=OF_ONE)
        persons = await candidates.load_each(conn, campaign, [pair.other for pair in found])
    return [
        {**_person(pair.other, persons.get(pair.other)), "alike": pair.alike, "end": _ends(candidate, pair.other)[1]}
        for pair in found
    ]


def _whole(found: list[AlikePair]) -> list[AlikePair]:
    """A page of more pairs than it holds: it goes on after an id, so that all pairs of one are on the same page."""
    return [pair for pair in found if pair.one != found[-1].one] or found[:A_PAGE]


async def _beside(conn: Conn, campaign: str, found: list[AlikePair]) -> list[Row]:
    """Both persons of each pair, read at once."""
    persons = await candidates.load_each(conn, campaign, sorted({each for p in found for each in (p.one, p.other)}))
    both = [[_person(each, persons.get(each)) for each in (pair.one, pair.other)] for pair in found]
    return [{"both": _told_apart(two), "alike": pair.alike} for two, pair in zip(both, found, strict=True)]


def _told_apart(both: list[Row]) -> list[Row]:
    """Two who are called alike have the end of their ids with the name."""
    one, other = both
    if one["name"] is None or one["name"] != other["name"]:
        return both
    ends = _ends(one["candidate"], other["candidate"])
    return [each | {"end": end} for each, end in zip(both, ends, strict=True)]


def _ends(one: str, other: str) -> tuple[str, str]:
    """As much of the ends of two ids as they differ in, all of them at most."""
    longest = max(len(one), len(other))
    length = next((n for n in range(SHORT, longest) if one[-n:] != other[-n:]), longest)
    return _end(one, length), _end(other, length)


def _end(id: str, length: int) -> str:
    return f"…{id[-length:]}" if len(id) > length else id


def _person(candidate: str, known_: KnownCandidate | None) -> Row:
    """What two are compared by."""
    if known_ is None:
        return {"candidate": candidate, "attributes": {}, "stage": None, "name": None, "first": None, "end": ""}
    attributes = {name: word.value for name, word in known_.journey.attributes.items()}
    where = stage(known_.journey, known_.standing)
    first = min(known_.standing.values(), default=None)
    return {
        "candidate": candidate,
        "attributes": attributes,
        "stage": where,
        "name": attributes.get("name"),
        "first": _EPOCH + timedelta(microseconds=first) if first is not None else None,
        "end": "",
    }
