"""Unsubscribing: one POST by the mail program (RFC 8058), or a page with the kinds of mail to choose from.

Opening the page changes nothing. Mails about the reader's own affairs, an offer above all, go all the same.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response

from notifications.drawing import Page
from notifications.links.opening import GONE, Door, links_router
from notifications.sending.situation import Situation
from schemas.errors import NotFound
from schemas.kinds import MARKETING
from schemas.names import masked
from storage.database import borrowed
from storage.messages import suppressions
from storage.messages.by_link import Linked

ALL = ""


def make_router(door: Door, page: Page) -> APIRouter:
    """The router."""
    router = links_router(page)
    _add_page(router, door, page)
    _add_choosing(router, door)
    return router


def _add_page(router: APIRouter, door: Door, page: Page) -> None:
    @router.get("/unsubscribe/{token}")
    async def show(request: Request, token: str, saved: bool = False) -> HTMLResponse:
        _, situation, address = await _opened(door, token)
        refused = await _refused(door, address)
        context = {
            "address": masked(address),
            "kinds": sorted(MARKETING),
            "refused": MARKETING if ALL in refused else refused,
            "organizer": situation.campaign.get("organizer") or situation.sender.name,
            "saved": saved,
            "here": request.url.path,
        }
        return page(request, "unsubscribe.html", context, otherwise=situation.locale)


def _add_choosing(router: APIRouter, door: Door) -> None:
    @router.post("/unsubscribe/{token}")
    async def one_click(
        request: Request,
        token: str,
        by_program: Annotated[str, Form(alias="List-Unsubscribe", max_length=100)] = "",
    ) -> Response:
        message, _, address = await _opened(door, token)
        door.limit.take(message.nonce)
        await _prefer(door, message, address, {ALL})
        if by_program:
            return PlainTextResponse("Unsubscribed.")
        return RedirectResponse(f"/unsubscribe/{token}?saved=true", 303)

    @router.post("/unsubscribe/{token}/preferences")
    async def choose(
        request: Request, token: str, wanted: Annotated[list[str] | None, Form(max_length=len(MARKETING))] = None
    ) -> Response:
        message, _, address = await _opened(door, token)
        door.limit.take(message.nonce)
        refused = MARKETING - set(wanted or [])
        await _prefer(door, message, address, {ALL} if refused == MARKETING else refused)
        return RedirectResponse(f"/unsubscribe/{token}?saved=true", 303)


async def _opened(door: Door, token: str) -> tuple[Linked, Situation, str]:
    message, situation = await door.open("unsubscribe", token)
    address = message.recipient or situation.journey.attribute("email")
    if not address:
        raise NotFound(GONE)
    return message, situation, str(address)


async def _refused(door: Door, address: str) -> set[str]:
    async with borrowed(door.pool) as conn:
        found = await suppressions.of(conn, [address])
    return {each.about for each in found.get(address.lower(), []) if each.kind == "unsubscribe"}


async def _prefer(door: Door, message: Linked, address: str, refused: Collection[str]) -> None:
    async with borrowed(door.pool) as conn:
        await suppressions.prefer(conn, address, refused, message=message.id)
