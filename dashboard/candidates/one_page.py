"""`/candidates/{campaign}/{candidate}`: the page of one candidate, and what HR notes there."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response
from psycopg_pool import AsyncConnectionPool

from dashboard.access.office import address_of
from dashboard.api import Name, askable, known
from dashboard.candidates.duplicates_page import suggested
from dashboard.candidates.folding import folded
from dashboard.candidates.one import candidate_page
from dashboard.console.notice import notice
from dashboard.drawing import Clock, Page
from dashboard.languages import language
from dashboard.naming import names_of
from schemas.access import Authenticate, Caller
from schemas.errors import NotFound
from schemas.fields import FUNNEL
from schemas.paging import After, decode, encode
from storage.access import audit
from storage.database import Conn, borrowed
from storage.journeys import candidates, merging
from storage.journeys.candidates import Place
from storage.vault import notes

Row = dict[str, Any]
Prose = Annotated[str, Form(max_length=4000, pattern=r"^[^\x00]*$")]
FACTS_A_PAGE: Final = 100


def make_router(pool: AsyncConnectionPool[Conn], authenticate: Authenticate, page: Page, clock: Clock) -> APIRouter:
    """The page, and the endpoint of its notes."""
    router = APIRouter(include_in_schema=False)
    some = Depends(authenticate)

    @router.get("/candidates/{campaign}/{candidate:path}")
    async def person(
        request: Request, campaign: Name, candidate: Name, caller: Caller = some, after: After = None
    ) -> Response:
        caller.require("organizer", "employer")
        key, place = (askable(campaign), askable(candidate)), decode(after, Place, None)
        async with borrowed(pool) as conn:
            found = await candidate_page(conn, caller, *key, after=place, limit=FACTS_A_PAGE + 1)
            if found["merged_into"] is not None:
                return _onward(request, campaign, found["merged_into"], candidate)
            about = await known(conn, campaign)
            said = await notice(conn, request, caller)
            facts = found["timeline"][:FACTS_A_PAGE]
            lang, fairs = language(request), found["fairs"]
            names = await names_of(conn, about, lang, facts, fairs=fairs, offers=found["offers"])
            organizes = caller.role == "organizer"
            noted = await _notes(conn, campaign, found["members"] or [candidate]) if organizes else []
            merges = await _merges(conn, campaign, found["members"]) if organizes else []
            ids = found["members"] or [candidate]
            idle = await merging.idle(conn, campaign, ids) if organizes else []
            alike = await suggested(conn, *key) if organizes and not found["restricted"] else []
        last = facts[-1] if len(found["timeline"]) > FACTS_A_PAGE else None
        more = encode((last["time"], last["source"], last["id"])) if last else None
        merged_from = request.query_params.get("merged", "")
        shown = {
            "alike": alike,
            "merges": merges,
            "idle": {(each.source, each.id) for each in idle},
            "merged_from": merged_from if merged_from in found["members"] else "",
            "about": about,
            "steps": FUNNEL,
            "notice": said,
            "names": names,
        }
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
            ids = await merging.of_persons(conn, [key])
            if remove is not None and any([await notes.remove(conn, each, remove) for each in ids]):
                await audit.add(conn, by, "note_removed", campaign=campaign, subject=candidate)
            elif said := text.strip():
                await notes.add(conn, key, said, author=caller.poster, name=caller.name)
                await audit.add(conn, by, "note_added", campaign=campaign, subject=candidate)
        return RedirectResponse(f"/candidates/{quote(campaign, safe='')}/{quote(candidate, safe='')}#notes", 303)

    return router


def _onward(request: Request, campaign: str, head: str, candidate: str) -> RedirectResponse:
    """To the page of the person, who stands under another id."""
    kept = [(name, value) for name, value in request.query_params.multi_items() if name in ("done", "lang")]
    query = urlencode([*kept, ("merged", candidate)])
    return RedirectResponse(f"/candidates/{quote(campaign, safe='')}/{quote(head, safe='')}?{query}", 303)


async def _notes(conn: Conn, campaign: str, ids: list[str]) -> list[notes.Note]:
    """What was noted of a person, under whichever of their ids, the latest first."""
    found = [note for each in ids for note in await notes.of(conn, (campaign, each))]
    return sorted(found, key=lambda note: note.id, reverse=True)


async def _merges(conn: Conn, campaign: str, members: list[str]) -> list[tuple[str, str]]:
    """Who of a person's ids was merged into which."""
    rows = await merging.around(conn, [(campaign, each) for each in members])
    return sorted(
        (other if into == one else one, into)
        for _, one, other, into, *_ in rows
        if into and {one, other} <= set(members)
    )


def _state(terms: Row, now: datetime) -> str:
    """Where an offer stands; one that nobody answered in time has expired, though no fact says so."""
    ends = terms["expires_at"]
    is_over = terms["status"] == "extended" and ends and datetime.fromisoformat(ends.upper()) < now
    return "expired" if is_over else str(terms["status"])
