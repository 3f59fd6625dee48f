"""`/me/{token}`: the page, and what is said on it. Opening a link says nothing: programs that look at mails open links
too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from notifications.drawing import Page
from notifications.links.opening import Door, gone
from notifications.links.own import reading, saying
from notifications.links.own.reading import Own
from notifications.links.own.saying import Said
from schemas import consents
from schemas.errors import Conflict, FieldError, InvalidFact, NotFound
from schemas.fields import Education
from schemas.kinds import AUDIENCES
from schemas.receipt import receipt
from storage.database import borrowed
from storage.journeys import candidates

FACTS: Final = 1000
MOST: Final = 300  # characters of a field
_Typed = Annotated[str, Form(max_length=MOST)]
_Tick = Annotated[bool, Form()]


def make_router(door: Door, page: Page) -> APIRouter:
    """The page and its forms."""
    router = APIRouter(include_in_schema=False)

    @router.get("/me/{token}")
    async def show(request: Request, token: str) -> HTMLResponse:
        try:
            return _shown(request, page, await reading.read(door, token))
        except NotFound:
            return gone(request, page)

    @router.get("/me/{token}/data")
    async def readable(request: Request, token: str) -> HTMLResponse:
        try:
            own = await reading.read(door, token)
        except NotFound:
            return gone(request, page)
        context = await _data(door, own) | {"here": f"/me/{token}", "zone": own.situation.zone.key} | _head(own)
        return page(request, "own_data.html", context, otherwise=own.situation.locale)

    @router.get("/me/{token}/data.json")
    async def download(request: Request, token: str) -> Response:
        try:
            own = await reading.read(door, token)
        except NotFound:
            return gone(request, page)
        headers = {"Content-Disposition": 'attachment; filename="yinfeng-my-data.json"', "Cache-Control": "no-store"}
        return Response(msgspec.json.encode(await _data(door, own)), headers=headers, media_type="application/json")

    @router.get("/me/{token}/erase")
    async def ask(request: Request, token: str) -> HTMLResponse:
        try:
            own = await reading.read(door, token)
        except NotFound:
            return gone(request, page)
        return _asked(request, page, own, wrong=False)

    _add_forms(router, door, page)
    return router


def _add_forms(router: APIRouter, door: Door, page: Page) -> None:
    @router.post("/me/{token}/sign-off")
    async def sign_off(request: Request, token: str, fair: _Typed = "") -> Response:
        return await _do(door, page, request, token, lambda own: _off(own, fair))

    @router.post("/me/{token}/sign-up")
    async def sign_up(request: Request, token: str, fair: _Typed = "") -> Response:
        return await _do(door, page, request, token, lambda own: _back_to(own, fair))

    @router.post("/me/{token}/consent")
    async def consent(request: Request, token: str, employers: _Tick = False, marketing: _Tick = False) -> Response:
        wanted = {"employers": employers, "marketing": marketing}
        lang = page.language(request)
        return await _do(door, page, request, token, lambda own: saying.agreeing(own, wanted, lang))

    @router.post("/me/{token}/correct")
    async def correct(request: Request, token: str) -> Response:
        values = await _values(request)
        return await _do(door, page, request, token, lambda own: saying.correcting(own, values))

    @router.post("/me/{token}/erase")
    async def erase(request: Request, token: str, sure: _Tick = False) -> Response:
        try:
            own = await reading.read(door, token)
        except NotFound:
            return gone(request, page)
        if not sure:
            return _asked(request, page, own, wrong=True)
        await saying.say(door, own, [("candidate.erased", {})])
        said = receipt(own.situation.now).said(page.language(request, own.situation.locale))
        return page(request, "own_erased.html", _head(own) | {"receipt": said}, otherwise=own.situation.locale)


async def _do(door: Door, page: Page, request: Request, token: str, what: Any) -> Response:
    """Say something, and show the page again; with what is wrong, where the catalogue refuses it."""
    try:
        own = await reading.read(door, token)
    except NotFound:
        return gone(request, page)
    try:
        said: Sequence[Said] = what(own)
        applied = await saying.say(door, own, said) if said else True
        for address in (data["email"] for _, data in said if "email" in data):
            await saying.change_address(door, own, str(address))
    except InvalidFact as error:
        return _shown(request, page, own, wrong=_faults(error.errors), status=422)
    except Conflict:
        return _shown(request, page, own, wrong={"form": "own.not_now"}, status=409)
    return RedirectResponse(f"/me/{token}?said={'done' if applied else 'waits'}", 303)


def _takes_part(own: Own) -> bool:
    return own.journey.first_signup is not None and not own.journey.withdrawn


def _off(own: Own, fair: str) -> list[Said]:
    if not fair:
        return saying.signing_off() if _takes_part(own) else []
    row = reading.require(own, fair=fair)
    return saying.signing_off(fair) if reading.state(own, fair, row) in reading.IN_LINE else []


def _back_to(own: Own, fair: str) -> list[Said]:
    row = reading.require(own, fair=fair)
    if row["cancelled"] or own.situation.now >= row["ends_at"] or own.situation.campaign.get("closed"):
        raise Conflict("nobody can sign up for this fair any more")
    return saying.signing_up(own, fair) if own.journey.in_line(fair) is None else []


async def _values(request: Request) -> dict[str, Any]:
    """What was typed; what was left empty is not touched."""
    form = await request.form(max_files=0, max_fields=50)
    typed = {name: str(form[name]).strip() for name in reading.CORRECTABLE if isinstance(form.get(name), str)}
    values: dict[str, Any] = {name: text for name, text in typed.items() if text}
    year = values.get("graduation_year", "")
    if year.isascii() and year.isdecimal():
        values["graduation_year"] = int(year[:6])
    return values


def _faults(errors: Sequence[FieldError]) -> dict[str, str]:
    names = [each.field.removeprefix("data.") for each in errors]
    return {name if name in reading.CORRECTABLE else "form": "own.bad" for name in names}


def _head(own: Own) -> dict[str, Any]:
    return {
        "organizer": own.situation.campaign.get("organizer") or own.situation.sender.name,
        "campaign": own.situation.campaign.get("title") or own.message.campaign,
        "contact": own.situation.campaign.get("contact"),
    }


def _shown(
    request: Request, page: Page, own: Own, *, wrong: dict[str, str] | None = None, status: int = 200
) -> HTMLResponse:
    lang = page.language(request, own.situation.locale)
    path = request.url.path.split("/")
    context = {
        **_head(own),
        "here": "/".join(path[:3]),
        "name": own.journey.attribute("name") or "",
        "withdrawn": own.journey.withdrawn,
        "takes_part": _takes_part(own),
        "fairs": reading.fairs(own, lang),
        "interviews": reading.interviews(own, lang),
        "offers": reading.offers(own, lang),
        "attributes": reading.attributes(own),
        "correctable": reading.CORRECTABLE,
        "educations": Education.__args__,  # type: ignore[attr-defined]
        "agreed": reading.agreed(own),
        "words": {**consents.WORDS[lang]},
        "preferences": own.situation.links.url("unsubscribe", own.message.nonce),
        "said": request.query_params.get("said"),
        "wrong": wrong or {},
    }
    return page(request, "own.html", context, status, otherwise=own.situation.locale)


def _asked(request: Request, page: Page, own: Own, *, wrong: bool) -> HTMLResponse:
    context = {**_head(own), "here": "/".join(request.url.path.split("/")[:3]), "wrong": wrong}
    return page(request, "own_erase.html", context, 422 if wrong else 200, otherwise=own.situation.locale)


async def _data(door: Door, own: Own) -> dict[str, Any]:
    """All that is kept of somebody in this campaign."""
    campaign, candidate = own.message.campaign, own.message.candidate
    async with borrowed(door.pool) as conn:
        told = await candidates.timeline(conn, campaign, candidate, limit=FACTS)
        mails = await candidates.messages(conn, campaign, candidate, limit=FACTS)
    kept = ("time", "type", "source", "id", "data", "retracted")
    sent = ("to", "channel", "template", "locale", "subject", "status", "requested_at", "sent_at")
    return {
        "campaign": campaign,
        "attributes": reading.attributes(own),
        "consent": reading.agreed(own),
        "facts": [{name: each[name] for name in kept} for each in told],
        "messages": [
            {name: each[name] for name in sent} for each in mails if AUDIENCES[each["template"]] == "candidate"
        ],
    }
