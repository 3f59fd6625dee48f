"""`/me/{token}`: the page, and what is said on it. Opening a link says nothing: programs that look at mails open links
too."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, Response

from notifications.drawing import Page
from notifications.links.opening import Door, links_router
from notifications.links.own import reading, saying
from notifications.links.own.reading import Own
from notifications.links.own.saying import OwnFact
from notifications.links.own.showing import answer, head, shown, takes_part
from schemas.errors import Conflict
from schemas.receipt import receipt

MOST: Final = 300  # characters of a field
_Typed = Annotated[str, Form(max_length=MOST)]
_Tick = Annotated[bool, Form()]


def make_router(door: Door, page: Page) -> APIRouter:
    """The page and its forms."""
    router = links_router(page)

    @router.get("/me/{token}")
    async def show(request: Request, token: str) -> HTMLResponse:
        return shown(request, page, await reading.read(door, token))

    @router.get("/me/{token}/erase")
    async def ask(request: Request, token: str) -> HTMLResponse:
        own = await reading.read(door, token)
        return _asked(request, page, own, await reading.records(door, own), wrong=False)

    _add_forms(router, door, page)
    return router


def _add_forms(router: APIRouter, door: Door, page: Page) -> None:
    @router.post("/me/{token}/sign-off")
    async def sign_off(request: Request, token: str, fair: _Typed = "") -> Response:
        return await answer(door, page, request, token, lambda own: _off(own, fair))

    @router.post("/me/{token}/sign-up")
    async def sign_up(request: Request, token: str, fair: _Typed = "") -> Response:
        return await answer(door, page, request, token, lambda own: _back_to(own, fair))

    @router.post("/me/{token}/consent")
    async def consent(
        request: Request, token: str, employers: _Tick = False, marketing: _Tick = False, abroad: _Tick = False
    ) -> Response:
        wanted = {"employers": employers, "marketing": marketing, "abroad": abroad}
        lang = page.language(request)
        return await answer(door, page, request, token, lambda own: saying.agreeing(own, _asked_for(own, wanted), lang))

    @router.post("/me/{token}/erase")
    async def erase(
        request: Request, token: str, sure: _Tick = False, record: Annotated[list[_Typed] | None, Form()] = None
    ) -> Response:
        own = await reading.read(door, token)
        said = saying.erasing(own, record or ())
        if not sure or not said:
            return _asked(request, page, own, await reading.records(door, own), wrong=True)
        await saying.say(door, own, said)
        told = receipt(own.situation.now).said(page.language(request, own.situation.locale))
        return page(request, "own_erased.html", head(own) | {"receipt": told}, otherwise=own.situation.locale)


def _off(own: Own, fair: str) -> list[OwnFact]:
    if not fair:
        return saying.signing_off() if takes_part(own) else []
    row = reading.require(own, fair=fair)
    return saying.signing_off(fair) if reading.state(own, fair, row) in reading.IN_LINE else []


def _back_to(own: Own, fair: str) -> list[OwnFact]:
    row = reading.require(own, fair=fair)
    if row["cancelled"] or own.situation.now >= row["ends_at"] or own.situation.campaign.get("closed"):
        raise Conflict("nobody can sign up for this fair any more")
    return saying.signing_up(own, fair) if own.journey.in_line(fair) is None else []


def _asked_for(own: Own, wanted: dict[str, bool]) -> dict[str, bool]:
    """What the page asked for: whoever was not asked about going abroad did not say no to it."""
    return wanted if reading.asks_abroad(own) else {name: said for name, said in wanted.items() if name != "abroad"}


def _asked(request: Request, page: Page, own: Own, records: dict[str, str], *, wrong: bool) -> HTMLResponse:
    here = "/".join(request.url.path.split("/")[:3])
    context = {**head(own), "here": here, "records": records, "wrong": wrong}
    return page(request, "own_erase.html", context, 422 if wrong else 200, otherwise=own.situation.locale)
