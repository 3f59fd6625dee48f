"""`/candidates/{campaign}/{candidate}`: the page of one candidate, and what HR notes there."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response
from psycopg_pool import AsyncConnectionPool

from dashboard.access.office import address_of
from dashboard.candidates.duplicates_page import suggested
from dashboard.candidates.folding import folded
from dashboard.candidates.one import candidate_page
from dashboard.drawing import Clock, Page
from dashboard.forms.notice import notice
from dashboard.known import askable, known
from dashboard.languages import language
from dashboard.naming import names_of
from dashboard.parameters import Name
from schemas.access import Authenticate, Caller
from schemas.errors import NotFound
from schemas.fields import FUNNEL
from schemas.paging import After, decode, encode
from storage.access import audit
from storage.database import Conn, borrowed
from storage.journeys import candidates, merging
from storage.journeys.candidates import TimelinePlace
from storage.ledger.ledger import JourneyKey
from storage.vault import notes

Row = dict[str, Any]
NoteText = Annotated[str, Form(max_length=4000, pattern=r"^[^\x00]*$")]
FACTS_A_PAGE: Final = 100


def make_router(pool: AsyncConnectionPool[Conn], authenticate: Authenticate, page: Page, clock: Clock) -> APIRouter:
    """The page, and the endpoint of its notes."""
    router = APIRouter(include_in_schema=False)
    _add_page(router, pool, Depends(authenticate), page, clock)
    _add_notes(router, pool, Depends(authenticate))
    return router


def _add_page(router: APIRouter, pool: AsyncConnectionPool[Conn], some: Any, page: Page, clock: Clock) -> None:
    @router.get("/candidates/{campaign}/{candidate:path}")
    async def person(
        request: Request, campaign: Name, candidate: Name, caller: Caller = some, after: After = None
    ) -> Response:
        caller.require("organizer", "employer")
        key, place = (askable(campaign), askable(candidate)), decode(after, TimelinePlace, None)
        async with borrowed(pool) as conn:
            found = await candidate_page(conn, caller, *key, after=place, limit=FACTS_A_PAGE + 1)
            if found["merged_into"] is not None:
                return _onward(request, campaign, found["merged_into"], candidate)
            facts = found["timeline"][:FACTS_A_PAGE]
            beside = await _beside(conn, request, caller, campaign, found=found, facts=facts)
            known_to_hr = await _known_to_hr(conn, key, found) if caller.role == "organizer" else _UNKNOWN
        last = facts[-1] if len(found["timeline"]) > FACTS_A_PAGE else None
        more = encode((last["time"], last["source"], last["id"])) if last else None
        merged_from = request.query_params.get("merged", "")
        offers = [(offer, _state(terms, clock()), terms) for offer, terms in found["offers"].items()]
        shown = {
            "timeline": folded(facts),
            "offers": offers,
            "merged_from": merged_from if merged_from in found["members"] else "",
            "steps": FUNNEL,
        }
        return page(request, "candidates/one.html", {"more": more, **found, **shown, **beside, **known_to_hr})


def _add_notes(router: APIRouter, pool: AsyncConnectionPool[Conn], some: Any) -> None:
    @router.post("/notes/{campaign}/{candidate:path}")
    async def note(
        *,
        request: Request,
        campaign: Name,
        candidate: Name,
        text: NoteText = "",
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


async def _beside(conn: Conn, request: Request, caller: Caller, campaign: str, *, found: Row, facts: list[Row]) -> Row:
    """The campaign, what somebody has just done, and what all that is named on the page is called."""
    about = await known(conn, campaign)
    return {
        "about": about,
        "notice": await notice(conn, request, caller),
        "names": await names_of(conn, about, language(request), facts, fairs=found["fairs"], offers=found["offers"]),
    }


async def _known_to_hr(conn: Conn, key: JourneyKey, found: Row) -> Row:
    """What HR alone knows of the person: notes, which ids were merged, and who may be the same."""
    campaign, candidate = key
    ids = found["members"] or [candidate]
    return {
        "notes": await _notes(conn, campaign, ids),
        "merges": await _merges(conn, campaign, found["members"]),
        "idle": {(each.source, each.id) for each in await merging.idle(conn, campaign, ids)},
        "alike": [] if found["restricted"] else await suggested(conn, *key),
    }


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


_UNKNOWN: Final[Row] = {"notes": [], "merges": [], "idle": set(), "alike": []}
