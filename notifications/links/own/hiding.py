"""`/me/{token}`: whether a candidate is kept and seen: they say that they want to be kept, hidden, or shown again."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from notifications.drawing import Page
from notifications.links.opening import Door, links_router
from notifications.links.own import reading, saying
from notifications.links.own.showing import answer, head
from schemas import consents


def make_router(door: Door, page: Page) -> APIRouter:
    """The question whether they want to be kept, and the forms."""
    router = links_router(page)

    @router.get("/me/{token}/keep")
    async def stay_or_go(request: Request, token: str) -> HTMLResponse:
        own = await reading.read(door, token)
        lang = page.language(request, own.situation.locale)
        context = {**head(own), "here": f"/me/{token}", "words": consents.words(lang)["keeping"]}
        return page(request, "own_keep.html", context, otherwise=own.situation.locale)

    @router.post("/me/{token}/keep")
    async def keep(request: Request, token: str) -> Response:
        lang = page.language(request)
        return await answer(door, page, request, token, lambda own: saying.staying(lang))

    @router.post("/me/{token}/hide")
    async def hide(request: Request, token: str) -> Response:
        return await answer(door, page, request, token, lambda own: [] if own.journey.hidden else saying.hiding())

    @router.post("/me/{token}/show")
    async def show_again(request: Request, token: str) -> Response:
        return await answer(door, page, request, token, saying.showing)

    return router
