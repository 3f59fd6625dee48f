"""`/retention`: what the clock brings next week and why, for how long a campaign keeps people, by which channel it
writes to them, and where that leads. For organizers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal
from urllib.parse import quote

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from psycopg_pool import AsyncConnectionPool

from dashboard.drawing import Clock, Page
from dashboard.known import known
from dashboard.parameters import WordQuery
from schemas.access import Authenticate, Caller
from schemas.channels import MailChannels
from schemas.errors import NotFound, Refused
from schemas.retention import OUTCOMES, RetentionOutcome, RetentionTerms, make_terms
from storage.access import audit
from storage.campaigns import reads, terms
from storage.database import Conn, borrowed
from storage.messages import asking
from storage.vault import restricting, retention

HERE: Final = "/retention"
WEEK: Final = timedelta(days=7)
ROWS: Final = 500
CAMPAIGNS: Final = 200
_Tick = Annotated[bool, Form()]
_Way = Annotated[Literal["usual", "sendgrid", "smtp", "local"] | None, Form()]


@dataclass(frozen=True, slots=True)
class Shelf:
    """What the pages take. `channels`: by which mail can go."""

    pool: AsyncConnectionPool[Conn]
    page: Page
    clock: Clock
    channels: MailChannels


def make_router(shelf: Shelf, authenticate: Authenticate) -> APIRouter:
    """The page and its forms."""
    router = APIRouter(include_in_schema=False)

    async def organizer(request: Request) -> Caller:
        caller = await authenticate(request)
        caller.require("organizer")
        return caller

    some = Depends(organizer)
    _add_terms(router, shelf, some)
    _add_abroad(router, shelf, some)
    return router


def _add_terms(router: APIRouter, shelf: Shelf, some: Any) -> None:
    @router.get(HERE)
    async def show(request: Request, campaign: WordQuery = "", caller: Caller = some) -> HTMLResponse:
        return await _shown(shelf, request, caller, campaign)

    @router.post(f"{HERE}/terms")
    async def set_terms(request: Request, campaign: WordQuery = "", caller: Caller = some) -> Response:
        typed = {name: str(value) for name, value in (await request.form(max_files=0, max_fields=20)).items()}
        wanted, wrong = _read(typed)
        if wrong:
            return await _shown(shelf, request, caller, campaign, typed=typed, wrong=wrong)
        async with borrowed(shelf.pool) as conn, conn.transaction():
            await known(conn, campaign)
            for outcome, each in wanted.items():
                await terms.keep(conn, campaign, outcome, each, by=caller.name)
            await _note(conn, request, caller, "retention_set", campaign)
        return _done(campaign)


def _add_abroad(router: APIRouter, shelf: Shelf, some: Any) -> None:
    @router.post(f"{HERE}/abroad")
    async def set_abroad(
        request: Request, campaign: WordQuery = "", waits: _Tick = False, way: _Way = None, caller: Caller = some
    ) -> Response:
        if way not in (None, "usual", *shelf.channels.there):
            raise Refused(f"{way} is not set up here")
        async with borrowed(shelf.pool) as conn, conn.transaction():
            await known(conn, campaign)
            await terms.wait_for_consent(conn, campaign, waits=waits, by=caller.name)
            if way is not None:
                await terms.choose_channel(conn, campaign, None if way == "usual" else way, by=caller.name)
            await asking.release_all_abroad(conn, but=await terms.held_for_consent(conn, shelf.channels))
            await _note(conn, request, caller, "abroad_set", campaign)
        return _done(campaign)


async def _shown(
    shelf: Shelf,
    request: Request,
    caller: Caller,
    campaign: str,
    *,
    typed: dict[str, str] | None = None,
    wrong: dict[str, str] | None = None,
) -> HTMLResponse:
    now = shelf.clock()
    among = caller.campaigns if not campaign else frozenset({campaign})
    async with borrowed(shelf.pool) as conn:
        chosen = await _chosen(conn, campaign, now) if campaign else None
        coming = await retention.coming(conn, now, now + WEEK, among=among, limit=ROWS)
        campaigns = await reads.campaigns(conn, limit=CAMPAIGNS, among=caller.campaigns)
        ways = await terms.channels(conn)
        months = await _months(conn, {each["campaign"] for each in coming} | ({campaign} if campaign else set()))
    context = {
        "coming": coming,
        "chosen": chosen,
        "campaigns": campaigns,
        "months": months,
        "channels": shelf.channels,
        "ways": ways,
        "typed": typed,
        "wrong": wrong or {},
        "said": request.query_params.get("said") if not wrong else None,
        "outcomes": OUTCOMES,
    }
    return shelf.page(request, "privacy/retention.html", context, 422 if wrong else 200)


async def _chosen(conn: Conn, campaign: str, now: datetime) -> dict[str, Any]:
    """All that is shown of one campaign beside what comes."""
    return {
        "about": await known(conn, campaign),
        "people": await retention.persons(conn, campaign, now + WEEK, limit=ROWS),
        "restricted": await restricting.count(conn, campaign),
        "waits": campaign in await terms.waiting_for_consent(conn, [campaign]),
        "waiting": await asking.waiting_abroad(conn, campaign),
    }


async def _months(conn: Conn, campaigns: set[str]) -> dict[str, dict[RetentionOutcome, RetentionTerms]]:
    """For how long each of these campaigns keeps people, by campaign and outcome."""
    found = await terms.retention(conn, campaigns)
    return {each: {outcome: found[each, outcome] for outcome in OUTCOMES} for each in campaigns}


def _read(typed: dict[str, str]) -> tuple[dict[RetentionOutcome, RetentionTerms], dict[str, str]]:
    """What was typed as terms, and which fields are wrong."""
    found: dict[RetentionOutcome, RetentionTerms] = {}
    wrong: dict[str, str] = {}
    for outcome in OUTCOMES:
        numbers = {name: _whole(typed.get(f"{outcome}_{name}", "")) for name in ("keep", "hold")}
        for name, number in numbers.items():
            try:
                make_terms(number, 0)
            except Refused:
                wrong[f"{outcome}_{name}"] = "retention.bad"
        if not wrong:
            found[outcome] = make_terms(**numbers)
    return found, wrong


def _whole(text: str) -> int:
    """A number of months; -1 for what is none."""
    text = text.strip()
    return int(text) if text.isascii() and text.isdecimal() else -1


async def _note(conn: Conn, request: Request, caller: Caller, action: str, campaign: str) -> None:
    ip = request.client.host if request.client else ""
    await audit.add(conn, audit.who(caller, ip), action, campaign=campaign)


def _done(campaign: str) -> RedirectResponse:
    if not campaign:
        raise NotFound("terms are a campaign's")
    return RedirectResponse(f"{HERE}?campaign={quote(campaign, safe='')}&said=saved", 303)
