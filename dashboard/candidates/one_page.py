"""`/candidates/{campaign}/{candidate}`: the page of one candidate, and what HR notes there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from psycopg_pool import AsyncConnectionPool

from dashboard.access.office import address_of
from dashboard.api import Name, askable, known
from dashboard.candidates.folding import folded
from dashboard.candidates.one import candidate_page
from dashboard.console.notice import notice
from dashboard.languages import language
from dashboard.naming import names_of
from schemas.access import Authenticate, Caller
from schemas.errors import NotFound
from schemas.paging import After, decode, encode
from storage.access import audit
from storage.campaigns import reads
from storage.database import Conn, borrowed
from storage.journeys import candidates
from storage.journeys.candidates import Place
from storage.vault import notes

Page = Callable[..., HTMLResponse]
Row = dict[str, Any]
Prose = Annotated[str, Form(max_length=4000, pattern=r"^[^\x00]*$")]
FACTS_A_PAGE: Final = 100


def make_router(
    pool: AsyncConnectionPool[Conn], authenticate: Authenticate, page: Page, clock: Callable[[], datetime]
) -> APIRouter:
    """The page, and the endpoint of its notes."""
    router = APIRouter(include_in_schema=False)
    some = Depends(authenticate)

    @router.get("/candidates/{campaign}/{candidate:path}")
    async def person(
        request: Request, campaign: Name, candidate: Name, caller: Caller = some, after: After = None
    ) -> HTMLResponse:
        caller.require("organizer", "employer")
        key, place = (askable(campaign), askable(candidate)), decode(after, Place, None)
        async with borrowed(pool) as conn:
            found = await candidate_page(conn, caller, *key, after=place, limit=FACTS_A_PAGE + 1)
            about = await known(conn, campaign)
            titles = await reads.fair_titles(conn, campaign, list(found["fairs"]))
            said = await notice(conn, request, caller)
            facts = found["timeline"][:FACTS_A_PAGE]
            names = await names_of(conn, about, language(request), facts, offers=found["offers"])
            noted = await notes.of(conn, key) if caller.role == "organizer" else []
        last = facts[-1] if len(found["timeline"]) > FACTS_A_PAGE else None
        more = encode((last["time"], last["source"], last["id"])) if last else None
        shown = {"about": about, "steps": reads.FUNNEL, "titles": titles, "notice": said, "names": names}
        offers = [(offer, _state(terms, clock()), terms) for offer, terms in found["offers"].items()]
        context = {"more": more, **found, "timeline": folded(facts), "offers": offers, "notes": noted, **shown}
        return page(request, "candidates/one.html", context)

    @router.post("/notes/{campaign}/{candidate:path}")
    async def note(
        *,
        request: Request,
        campaign: Name,
        candidate: Name,
        text: Prose = "",
        remove: Annotated[int | None, Form(ge=1, le=2**63 - 1)] = None,
        caller: Caller = some,
    ) -> RedirectResponse:
        caller.require("organizer")
        key = (askable(campaign), askable(candidate))
        async with borrowed(pool) as conn, conn.transaction():
            if await candidates.load(conn, *key) is None:
                raise NotFound(f"there is no candidate {candidate!r} in the campaign {campaign!r}")
            by = audit.who(caller, address_of(request))
            if remove is not None and await notes.remove(conn, key, remove):
                await audit.add(conn, by, "note_removed", campaign=campaign, subject=candidate)
            elif said := text.strip():
                await notes.add(conn, key, said, author=caller.poster, name=caller.name)
                await audit.add(conn, by, "note_added", campaign=campaign, subject=candidate)
        return RedirectResponse(f"/candidates/{quote(campaign, safe='')}/{quote(candidate, safe='')}#notes", 303)

    return router


def _state(terms: Row, now: datetime) -> str:
    """Where an offer stands; one that nobody answered in time has expired, though no fact says so."""
    ends = terms["expires_at"]
    is_over = terms["status"] == "extended" and ends and datetime.fromisoformat(ends.upper()) < now
    return "expired" if is_over else str(terms["status"])
