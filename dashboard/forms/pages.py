"""`/forms/{form}`: the page of a form."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from psycopg_pool import AsyncConnectionPool

from dashboard.drawing import Clock, Page
from dashboard.forms.about import ROWS, About, gather, gather_fairs
from dashboard.forms.filling import choices, first_values, kept_conditions, zone_called
from dashboard.forms.notice import notice
from dashboard.forms.preview import would_count
from dashboard.known import askable, known
from dashboard.languages import language
from schemas.access import Authenticate, Caller
from schemas.counted import Explaining
from schemas.errors import NotFound
from schemas.facts import Fact
from schemas.forms import FORMS, MOST_AT_ONCE, SETUP, Field, Filled, Form, Typed, list_of
from storage.campaigns import openings
from storage.database import Conn, borrowed
from storage.journeys import people, sight
from storage.ledger import ledger

Show = Callable[[Request, Caller, Form, Filled], Awaitable[HTMLResponse]]


def make_show(pool: AsyncConnectionPool[Conn], page: Page, explaining: Explaining, clock: Clock) -> Show:
    """What draws a form's page, with what was typed into it, what is wrong, and what it would do."""

    async def show(request: Request, caller: Caller, form: Form, filled: Filled) -> HTMLResponse:
        typed, wrong = filled.typed, filled.wrong
        async with borrowed(pool) as conn:
            context = await _context(conn, request, caller, form, clock())
            if "sure" in wrong:
                context["over"] = await _over(conn, request, typed, clock())
            if filled.would:
                context["would"] = await would_count(conn, explaining, filled.would, clock())
        context["near"] = filled.near
        if wrong or filled.would:
            context["typed"] = {**typed, **_own(caller)}
            context["form_token"] = (typed.get("form") or [context["form_token"]])[0]
        return page(request, "forms/form.html", {**context, "wrong": wrong}, filled.status)

    return show


def make_router(pool: AsyncConnectionPool[Conn], authenticate: Authenticate, page: Page, show: Show) -> APIRouter:
    """The pages."""
    router = APIRouter(include_in_schema=False)

    @router.get("/forms/{name}")
    async def form(request: Request, name: str, caller: Caller = Depends(authenticate)) -> Response:
        wanted = FORMS.get(name)
        if wanted is None:
            raise NotFound(f"there is no form {name!r}")
        caller.require(*wanted.roles)
        query = request.query_params
        if wanted.many and query.get("campaign") and not query.get("candidate"):
            async with borrowed(pool) as conn:
                await known(conn, askable(query["campaign"]))
            narrowed = f"nobody=true&{query.get('list', '')}"
            return RedirectResponse(f"{list_of(query['campaign'], narrowed)}#chosen", 303)
        return await show(request, caller, wanted, Filled({}, {}, 200))

    return router


async def _context(conn: Conn, request: Request, caller: Caller, form: Form, now: datetime) -> dict[str, Any]:
    query = dict(request.query_params)
    campaign = askable(query["campaign"]) if query.get("campaign") else None
    if campaign is None and "campaign" in form.about:
        raise NotFound("a form is about a campaign")
    chosen = await _chosen(conn, request, caller, campaign, form)
    about = await gather(conn, caller, campaign, chosen, language(request))
    if form.name == "fair" and not query.get("fair"):
        await gather_fairs(conn, caller, query.get("like"), about)
    _require_there(form, about, query)
    into = await _into(conn, form, campaign, query, about)
    kept = [(name, value) for name, value in request.query_params.multi_items() if name not in ("done", "lang")]
    return {
        "form": form,
        "back": _back(campaign, chosen, query),
        "form_token": secrets.token_hex(16),
        "action": f"/forms/{form.name}?{urlencode(kept)}",
        "campaign": campaign,
        "chosen": chosen,
        "choices": {each.name: _choices(about, each, now) for each in form.fields},
        "typed": {**first_values(form, about, query, now), **_own(caller)},
        "notice": await notice(conn, request, caller),
        "told": await _told(conn, caller, campaign, query) if form.name == "retract" else None,
        "into": into,
        **_said_of(form, about, query),
    }


def _said_of(form: Form, about: About, query: dict[str, str]) -> dict[str, Any]:
    """What the page says of what the form is about, before anything was typed."""
    return {
        "about": about,
        "withdrawn": about.withdrawn,
        "kept": kept_conditions(about, query) if form.name == "target" else [],
        "setup": SETUP if query.get("setup") and form.name in SETUP else (),
        "changes": bool(form.keeps and query.get(form.keeps)),
        "what": about.called_by(query) if form.grave else None,
        "copies": about.copies,
        "like": query.get("like", ""),
        "over": None,
        "would": None,
    }


async def _chosen(conn: Conn, request: Request, caller: Caller, campaign: str | None, form: Form) -> list[str]:
    """The candidates whom the form is about, as far as the caller sees them. Raises NotFound where it needs some."""
    chosen = [askable(each) for each in dict.fromkeys(request.query_params.getlist("candidate"))][:MOST_AT_ONCE]
    if caller.role == "employer" and campaign is not None:
        seen = await sight.visible(conn, caller.employer or "", [(campaign, each) for each in chosen])
        chosen = [each for each in chosen if (campaign, each) in seen]
    if not chosen and ("candidates" in form.about or ("candidate" in form.about and form.name != "retract")):
        raise NotFound("nobody is chosen whom this form could be about")
    return chosen


async def _into(conn: Conn, form: Form, campaign: str | None, query: dict[str, str], about: About) -> str | None:
    """With whom a candidate may be the same person, by name from now on. Raises NotFound where the form needs one."""
    if "into" not in form.about:
        return None
    if not query.get("into") or campaign is None:
        raise NotFound("nobody is named with whom it could be the same person")
    into = askable(query["into"])
    about.names |= {into: into, **await people.names(conn, campaign, [into])}
    return into


async def _told(conn: Conn, caller: Caller, campaign: str | None, query: dict[str, str]) -> Fact | None:
    """The fact that is to be taken back; None where there is none of the campaign's, or the caller may not know."""
    if caller.role != "organizer" or not {"source", "id"} <= query.keys():
        return None
    found = await ledger.named(conn, [(askable(query["source"]), askable(query["id"]))])
    return next(
        (fact for fact in found if fact.campaign == campaign and fact.candidate == query.get("candidate")), None
    )


def _require_there(form: Form, about: About, query: dict[str, str]) -> None:
    """Raises NotFound for a fair or an opening that is not the campaign's, or that the caller does not see. Of so many
    that not all were read any may be there: that is for posting to find out."""
    for kind, rows in (("fair", about.fairs), ("opening", about.openings)):
        named = query.get(kind) if kind in (form.keeps, *form.about) else None
        if named and len(rows) < ROWS and all(row[kind] != named for row in rows):
            raise NotFound("what this form is about is not there")


def _back(campaign: str | None, chosen: list[str], query: dict[str, str]) -> str:
    """Where one came from: a person, a list of them, a campaign."""
    if campaign is None:
        return "/"
    if len(chosen) > 1:
        return list_of(campaign, query.get("list", ""))
    at = quote(campaign, safe="")
    return f"/candidates/{at}/{quote(chosen[0], safe='')}" if chosen else f"/campaigns/{at}"


def _choices(about: About, field: Field, now: datetime) -> list[tuple[str, str]]:
    if isinstance(field.choices, str):
        return choices(about, field.choices)
    zones = field.name == "timezone"
    return [(each, zone_called(each, about.lang, now) if zones else each) for each in field.choices]


def _own(caller: Caller) -> Typed:
    """An employer speaks for itself alone."""
    return {"employer": [caller.employer or ""]} if caller.role == "employer" else {}


async def _over(conn: Conn, request: Request, typed: Typed, now: datetime) -> dict[str, int] | None:
    """The sum that asks whether an opening's seats may be passed."""
    campaign, opening = request.query_params["campaign"], (typed.get("opening") or [""])[0]
    row = await openings.fetch(conn, campaign, opening)
    if row is None:
        return None
    standing = await openings.offers_standing(conn, campaign, opening, now)
    new = len(set(request.query_params.getlist("candidate")))
    return {"seats": row["seats"], "standing": standing, "new": new, "sum": standing + new}
