"""`POST /forms/{form}`: a form that a page showed becomes facts, or the page again with what is wrong."""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response
from psycopg_pool import AsyncConnectionPool

from producers.bell import FactsBell
from producers.forms.documents import name_of, uploaded
from producers.forms.making import SentForm, Wrong, facts
from producers.forms.posting import Beside, Desk, post, undo
from producers.forms.reading import read
from producers.waiting import Waiters
from schemas.access import Caller
from schemas.errors import Forbidden, InvalidFact, NotFound
from schemas.facts import Fact
from schemas.forms import FORMS, MOST_AT_ONCE, Filled, Form
from schemas.names import by_name
from storage.campaigns import employers, openings, reads
from storage.database import Conn, borrowed
from storage.journeys import documents

Authenticate = Callable[[Request], Awaitable[Caller]]
Show = Callable[[Request, Caller, Form, Filled], Awaitable[Response]]  # draws a form's page
Typed = dict[str, list[str]]

_TOKEN: Final = re.compile("[0-9a-f]{32}")
_ID: Final = re.compile("[^\x00-\x1f\x7f]{1,200}")
_ASKS: Final = 409
NAMES_EMPLOYERS: Final = frozenset({"employer", "only_employer", "employers"})
MOST_EMPLOYERS: Final = 10_000


def make_router(pool: AsyncConnectionPool[Conn], authenticate: Authenticate, show: Show) -> APIRouter:
    """The endpoints; `show` draws the page of a form."""
    router = APIRouter(include_in_schema=False)
    desk = Desk(pool, FactsBell(pool), Waiters(pool), lambda: datetime.now(UTC))

    @router.post("/forms/undo")
    async def take_back(request: Request, caller: Caller = Depends(authenticate)) -> Response:
        caller.require("organizer", "employer")
        typed = await _typed(request)
        token, campaign = _first(typed, "token"), request.query_params.get("campaign", "")
        if not _TOKEN.fullmatch(token):
            raise NotFound("there is no such form")
        await undo(desk, caller, _address(request), campaign, token)
        return RedirectResponse(_with(_local(_first(typed, "next")), done=f"{token}-undo"), 303)

    @router.post("/forms/{name}")
    async def send(request: Request, name: str, caller: Caller = Depends(authenticate)) -> Response:
        form = FORMS.get(name)
        if form is None:
            raise NotFound(f"there is no form {name!r}")
        caller.require(*form.roles)
        try:
            return await _send(desk, request, caller, form, show)
        finally:
            await request.close()  # what was put in lies in files

    return router


async def _send(desk: Desk, request: Request, caller: Caller, form: Form, show: Show) -> Response:
    typed = await _typed(request)
    found = read(form, typed)
    if caller.role == "employer" and any(each.name == "employer" for each in form.fields):
        found.values["employer"] = caller.employer
        found.wrong.pop("employer", None)
    if found.wrong:
        return await show(request, caller, form, Filled(typed, found.wrong))
    try:
        async with borrowed(desk.pool) as conn:
            token, now = _first(typed, "form"), desk.clock()
            file = await uploaded(request, "document") if _takes_file(form) else None
            sent = await _complete(conn, request, caller, form, values=found.values, given=token, now=now)
            if await _is_too_many(conn, sent) and not typed.get("sure"):
                return await show(request, caller, form, Filled(typed, {"sure": "form.over_hire"}, _ASKS))
        if file is not None:
            sent.values["document"] = name_of(sent)
        made = facts(sent)
        with_it = _keep(sent, file, caller) if file is not None else None
        applied = await post(desk, caller, _address(request), sent.token, made, beside=with_it)
    except Wrong as error:
        return await show(request, caller, form, Filled(typed, {error.field: error.why}))
    except InvalidFact as error:
        return await show(request, caller, form, Filled(typed, _faults(form, error)))
    except Forbidden:
        return await show(request, caller, form, Filled(typed, {"form": "form.forbidden"}, 403))
    return RedirectResponse(_onward(form, sent, made, request, caller, applied=applied), 303)


def _takes_file(form: Form) -> bool:
    return any(each.kind == "file" for each in form.fields)


def _keep(sent: SentForm, file: bytes, caller: Caller) -> Beside:
    """What keeps a form's document, in the transaction that commits its facts."""

    async def keep(conn: Conn) -> None:
        campaign = sent.about["campaign"]
        await documents.store(conn, name_of(sent), campaign, sent.candidates, file, posted_by=caller.poster)

    return keep


async def _complete(
    conn: Conn, request: Request, caller: Caller, form: Form, *, values: dict[str, Any], given: str, now: datetime
) -> SentForm:
    """With what the address names, and what the campaign knows. Raises NotFound, and Wrong for an opening that the
    caller was not given to choose: of another employer's it is told the same as of none."""
    query = request.query_params
    names = {*form.about, *([form.keeps] if form.keeps else [])} - {"candidates"}
    about = {name: query[name] for name in names if query.get(name)}
    candidates = list(dict.fromkeys(query.getlist("candidate")))[:MOST_AT_ONCE] if form.many else []
    for each in (*about.values(), *candidates):
        if not _ID.fullmatch(each):
            raise NotFound("no id is like this")
    known = await reads.campaign(conn, about["campaign"]) if "campaign" in about else None
    missing = [name for name in form.about if name not in about and name not in ("candidates", "candidate")]
    if missing or (form.many and not candidates) or ("campaign" in about and known is None):
        raise NotFound("what this form is about is not there")
    if "campaign" in about and NAMES_EMPLOYERS & values.keys():
        values |= _with_ids(values, by_name(await employers.listed(conn, about["campaign"], limit=MOST_EMPLOYERS)))
    if opening := values.get("opening"):
        row = await openings.fetch(conn, about["campaign"], opening)
        if caller.role == "employer" and (row is None or row["employer"] != caller.employer):
            raise Wrong("opening", "form.bad.choice")
        values |= {"employer": row["employer"], "position": row["position"]} if row else {}
    zone = ZoneInfo(known["timezone"] if known else values.get("timezone", "Asia/Shanghai"))
    token = given if _TOKEN.fullmatch(given) else secrets.token_hex(16)
    locale = known["locale"] if known else "zh-CN"
    return SentForm(form.name, token, values, about, candidates, zone, locale, now)


def _with_ids(values: dict[str, Any], ids: dict[str, str]) -> dict[str, Any]:
    """What was typed as names, as the ids that these stand for; what is no name is an id."""
    found: dict[str, Any] = {
        name: ids.get(values[name], values[name]) for name in ("employer", "only_employer") if name in values
    }
    if "employers" in values:
        lines = [line.strip() for line in re.split(r"[\n,，;；]", values["employers"])]
        found["employers"] = "\n".join(ids.get(line, line) for line in lines if line)
    return found


async def _is_too_many(conn: Conn, sent: SentForm) -> bool:
    """Whether these offers could hire more than the opening has seats."""
    if sent.form != "offer" or "opening" not in sent.values:
        return False
    campaign, opening = sent.about["campaign"], sent.values["opening"]
    row = await openings.fetch(conn, campaign, opening)
    standing = await openings.offers_standing(conn, campaign, opening, sent.now)
    return row is not None and standing + len(sent.candidates) > row["seats"]


def _faults(form: Form, error: InvalidFact) -> dict[str, str]:
    """What the catalogue refuses, beside the field of that name where there is one."""
    names = {each.name for each in form.fields}
    found = {}
    for each in error.errors:
        name = each.field.removeprefix("data.").partition(".")[0]
        found[name if name in names else "form"] = "form.bad"
    return found


def _onward(form: Form, sent: SentForm, made: list[Fact], request: Request, caller: Caller, *, applied: bool) -> str:
    """The page that shows what the form did; who started is reported where those are who still wait for it."""
    campaign, candidates = made[0].campaign, {fact.candidate for fact in made if fact.candidate}
    done = {"done": sent.token}
    if request.query_params.get("setup"):
        step = "target" if form.name == "campaign" else form.name
        return f"/forms/{step}?{urlencode({'campaign': campaign, 'setup': '1', **done})}"
    if not applied and form.name in ("campaign", "candidate"):
        return _with("/", **done)
    if form.name == "hire" and caller.role == "employer":
        return _with(f"/campaigns/{quote(campaign, safe='')}", **done)
    if len(candidates) == 1:
        return _with(f"/candidates/{quote(campaign, safe='')}/{quote(candidates.pop(), safe='')}", **done)
    if candidates:
        return _with(f"/campaigns/{quote(campaign, safe='')}/candidates", **done)
    return _with(f"/campaigns/{quote(campaign, safe='')}", **done)


async def _typed(request: Request) -> Typed:
    found: Typed = {}
    for name, value in (await request.form()).multi_items():
        if isinstance(value, str):
            found.setdefault(name, []).append(value)
    return found


def _first(typed: Typed, name: str) -> str:
    return typed.get(name, [""])[0]


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _local(path: str) -> str:
    ours = path.startswith("/") and not path.startswith("//") and "\\" not in path and path.isprintable()
    return path.partition("?")[0] if ours and len(path) < 2000 else "/"


def _with(path: str, **query: str) -> str:
    return f"{path}?{urlencode(query)}"
