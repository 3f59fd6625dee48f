"""`/forms/{form}`: the page of a form; and the list of candidates, where people are chosen for one."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse
from psycopg_pool import AsyncConnectionPool

from dashboard.api import Name, askable, known
from dashboard.console.filling import Typed, choices, first_values, gather
from dashboard.console.notice import notice
from dashboard.languages import language
from schemas.access import Caller
from schemas.errors import NotFound
from schemas.forms import FORMS, MOST_AT_ONCE, SETUP, Filled, Form
from schemas.paging import After, decode, encode
from storage.campaigns import openings, reads
from storage.database import Conn, borrowed
from storage.journeys import people, sight
from storage.vault import restricting

Authenticate = Callable[[Request], Awaitable[Caller]]
Page = Callable[..., HTMLResponse]
Show = Callable[[Request, Caller, Form, Filled], Awaitable[HTMLResponse]]
PEOPLE_A_PAGE: Final = 100
Word = Annotated[str, Query(max_length=200, pattern=r"^[^\x00]*$")]


def make_show(pool: AsyncConnectionPool[Conn], page: Page, clock: Callable[[], datetime]) -> Show:
    """What draws a form's page, with what was typed into it and what is wrong."""

    async def show(request: Request, caller: Caller, form: Form, filled: Filled) -> HTMLResponse:
        typed, wrong = filled.typed, filled.wrong
        async with borrowed(pool) as conn:
            context = await _context(conn, request, caller, form, clock())
            if "sure" in wrong:
                context["over"] = await _over(conn, request, typed)
        if wrong:
            context["typed"] = {**typed, **_own(caller)}
            context["form_token"] = (typed.get("form") or [context["form_token"]])[0]
        return page(request, "console/form.html", {**context, "wrong": wrong}, filled.status)

    return show


def make_router(pool: AsyncConnectionPool[Conn], authenticate: Authenticate, page: Page, show: Show) -> APIRouter:
    """The pages."""
    router = APIRouter(include_in_schema=False)

    @router.get("/forms/{name}")
    async def form(request: Request, name: str, caller: Caller = Depends(authenticate)) -> HTMLResponse:
        wanted = FORMS.get(name)
        if wanted is None:
            raise NotFound(f"there is no form {name!r}")
        caller.require(*wanted.roles)
        return await show(request, caller, wanted, Filled({}, {}, 200))

    @router.get("/campaigns/{campaign}/candidates")
    async def candidates(
        *,
        request: Request,
        campaign: Name,
        q: Word = "",
        stage: Word = "",
        after: After = None,
        caller: Caller = Depends(authenticate),
    ) -> HTMLResponse:
        caller.require("organizer")
        async with borrowed(pool) as conn:
            about = await known(conn, campaign)
            found = await people.listed(
                conn,
                askable(campaign),
                words=q.strip() or None,
                stage=stage if stage in reads.FUNNEL else None,
                after=decode(after, str, ""),
                limit=PEOPLE_A_PAGE + 1,
            )
            hidden = await restricting.count(conn, campaign)
            said = await notice(conn, request, caller)
        more = encode(found[PEOPLE_A_PAGE - 1]["candidate"]) if len(found) > PEOPLE_A_PAGE else None
        context = {"about": about, "people": found[:PEOPLE_A_PAGE], "more": more, "q": q, "stage": stage}
        about_all = {"steps": reads.FUNNEL, "notice": said, "hidden": hidden}
        return page(request, "console/candidates.html", context | about_all)

    return router


async def _context(conn: Conn, request: Request, caller: Caller, form: Form, now: datetime) -> dict[str, Any]:
    query = dict(request.query_params)
    campaign = askable(query["campaign"]) if query.get("campaign") else None
    if campaign is None and "campaign" in form.about:
        raise NotFound("a form is about a campaign")
    chosen = [askable(each) for each in dict.fromkeys(request.query_params.getlist("candidate"))][:MOST_AT_ONCE]
    if caller.role == "employer" and campaign is not None:
        seen = await sight.visible(conn, caller.employer or "", [(campaign, each) for each in chosen])
        chosen = [each for each in chosen if (campaign, each) in seen]
    if not chosen and ("candidates" in form.about or ("candidate" in form.about and form.name != "retract")):
        raise NotFound("nobody is chosen whom this form could be about")
    about = await gather(conn, caller, campaign, chosen, language(request))
    kept = [(name, value) for name, value in request.query_params.multi_items() if name not in ("done", "lang")]
    offered = {each.name: _choices(about, each.choices) for each in form.fields}
    return {
        "form": form,
        "form_token": secrets.token_hex(16),
        "action": f"/forms/{form.name}?{urlencode(kept)}",
        "about": about,
        "campaign": campaign,
        "chosen": chosen,
        "choices": offered,
        "typed": {**first_values(form, about, query, now), **_own(caller)},
        "setup": SETUP if query.get("setup") and form.name in SETUP else (),
        "changes": bool(form.keeps and query.get(form.keeps)),
        "notice": await notice(conn, request, caller),
        "over": None,
    }


def _choices(about: Any, given: tuple[str, ...] | str) -> list[tuple[str, str]]:
    return choices(about, given) if isinstance(given, str) else [(each, each) for each in given]


def _own(caller: Caller) -> Typed:
    """An employer speaks for itself alone."""
    return {"employer": [caller.employer or ""]} if caller.role == "employer" else {}


async def _over(conn: Conn, request: Request, typed: Typed) -> dict[str, int] | None:
    """The sum that asks whether an opening's seats may be passed."""
    campaign, opening = request.query_params["campaign"], (typed.get("opening") or [""])[0]
    row = await openings.fetch(conn, campaign, opening)
    if row is None:
        return None
    standing = await openings.offers_standing(conn, campaign, opening)
    new = len(set(request.query_params.getlist("candidate")))
    return {"seats": row["seats"], "standing": standing, "new": new, "sum": standing + new}
