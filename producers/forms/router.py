"""`POST /forms/{form}`: a form that a page showed becomes facts, or the page again with what is wrong."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlencode

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response
from psycopg_pool import AsyncConnectionPool

from producers.bell import FactsBell
from producers.forms.completing import TOKEN, complete
from producers.forms.documents import name_of, require_room, uploaded, was_put_in
from producers.forms.making import facts
from producers.forms.posting import Desk, KeepBeside, post, undo
from producers.forms.reading import first, read
from producers.forms.sent import SentForm, Wrong
from producers.forms.typed import typed_in
from producers.waiting import Waiters
from schemas.access import Authenticate, Caller
from schemas.errors import Forbidden, InvalidFact, NotFound
from schemas.facts import Fact
from schemas.forms import FORMS, Filled, Form, Typed, list_of
from storage.campaigns import openings
from storage.database import Conn, borrowed
from storage.journeys import documents

Show = Callable[[Request, Caller, Form, Filled], Awaitable[Response]]  # draws a form's page

_ASKS: Final = 409
MOST_ADDRESS: Final = 8000  # letters: a form about many names each of them


def make_router(pool: AsyncConnectionPool[Conn], authenticate: Authenticate, show: Show) -> APIRouter:
    """The endpoints; `show` draws the page of a form."""
    router = APIRouter(include_in_schema=False)
    desk = Desk(pool, FactsBell(pool), Waiters(pool), lambda: datetime.now(UTC))

    @router.post("/forms/undo")
    async def take_back(request: Request, caller: Caller = Depends(authenticate)) -> Response:
        caller.require("organizer", "employer")
        typed = await typed_in(request)
        token, campaign = first(typed, "token"), request.query_params.get("campaign", "")
        if not TOKEN.fullmatch(token):
            raise NotFound("there is no such form")
        undone = await undo(desk, caller, _address(request), campaign, token)
        onward = "/" if undone == "campaign.opened" else _local(first(typed, "next"))  # what was opened is not there
        return RedirectResponse(_with(onward, done=f"{token}-undo"), 303)

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
    typed = await typed_in(request)
    found = read(form, typed)
    if caller.role == "employer" and any(each.name == "employer" for each in form.fields):
        found.values["employer"] = caller.employer
        found.wrong.pop("employer", None)
    answer: Response | Filled = Filled(typed, found.wrong)
    try:
        if not found.wrong:
            answer = await _say(desk, request, caller, form, typed=typed, values=found.values)
    except Wrong as error:
        answer = Filled(typed, {error.field: error.why}, near=error.near)
    except InvalidFact as error:
        answer = Filled(typed, _faults(form, error))
    except Forbidden:
        answer = Filled(typed, {"form": "form.forbidden"}, 403)
    if isinstance(answer, Response):
        return answer
    if _takes_file(form) and await was_put_in(request, "document"):
        answer.wrong.setdefault("document", "form.bad.file_again")  # no browser keeps a file that was chosen
    return await show(request, caller, form, answer)


async def _say(
    desk: Desk, request: Request, caller: Caller, form: Form, *, typed: Typed, values: dict[str, Any]
) -> Response | Filled:
    """Post what the form says; or what it would do, where that is asked or should be known first."""
    file = await uploaded(request, "document") if _takes_file(form) else None
    async with borrowed(desk.pool) as conn:
        sent = await complete(conn, request, caller, form, typed=typed, values=values, now=desk.clock())
        asked = await _told_first(conn, form, sent, typed)
    if asked is not None:
        return asked
    if file is not None:
        sent.values["document"] = name_of(sent)
    made = facts(sent)
    with_it = _keep(sent, file, caller) if file is not None else None
    applied = await post(desk, caller, _address(request), sent.token, made, beside=with_it)
    return RedirectResponse(_onward(form, sent, made, request, caller, applied=applied), 303)


async def _told_first(conn: Conn, form: Form, sent: SentForm, typed: Typed) -> Filled | None:
    """What the form would do, where that is asked, or should be known before; else None."""
    if form.looks and typed.get("look"):
        return Filled(typed, {}, 200, facts(sent)[0].data)
    if not typed.get("sure") and await _is_too_many(conn, sent):
        return Filled(typed, {"sure": "form.over_hire"}, _ASKS)
    return None


def _takes_file(form: Form) -> bool:
    return any(each.kind == "file" for each in form.fields)


def _keep(sent: SentForm, file: bytes, caller: Caller) -> KeepBeside:
    """What keeps a form's document, in the transaction that commits its facts."""

    async def keep(conn: Conn) -> None:
        campaign = sent.about["campaign"]
        await require_room(conn, caller, campaign, file)
        await documents.store(conn, name_of(sent), campaign, sent.candidates, file, posted_by=caller.poster)

    return keep


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
    if request.query_params.get("setup") and (applied or form.name != "campaign"):
        step = "target" if form.name == "campaign" else form.name
        return f"/forms/{step}?{urlencode({'campaign': campaign, 'setup': '1', **done})}"
    if not applied and form.name in ("campaign", "candidate"):
        return _with("/", **done)
    if form.name == "hire" and caller.role == "employer":
        return _with(f"/campaigns/{quote(campaign, safe='')}", **done)
    if len(candidates) == 1:
        return _with(f"/candidates/{quote(campaign, safe='')}/{quote(candidates.pop(), safe='')}", **done)
    if candidates:
        return _with(list_of(campaign, request.query_params.get("list", "")), **done)
    return _with(f"/campaigns/{quote(campaign, safe='')}", **done)


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _local(path: str) -> str:
    ours = path.startswith("/") and not path.startswith("//") and "\\" not in path and path.isprintable()
    return path if ours and len(path) < MOST_ADDRESS else "/"


def _with(address: str, **query: str) -> str:
    """An address with these parameters, in the place of those that it has of their names."""
    path, _, asked = address.partition("?")
    kept = [(name, value) for name, value in parse_qsl(asked) if name not in query]
    return f"{path}?{urlencode([*kept, *query.items()])}"
