"""`/me/{token}`: what somebody said of themselves is corrected. Another address counts once a link was used that went
there (`/address/{token}`): else a slip sends what is theirs to a stranger. Opening the link says nothing: programs that
look at mails open links too. A question lapses once another address was written or said, or another link to the page
was asked for: who answers it later may be whom the slip, or somebody else with the link, wrote to."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from notifications.drawing import Page
from notifications.links.opening import GONE, Door, links_router
from notifications.links.own import reading, saying
from notifications.links.own.reading import Own
from notifications.links.own.saying import OwnFact
from notifications.links.own.showing import answer, head
from schemas.errors import Conflict, NotFound
from schemas.journey import ABROAD
from schemas.messages import SIGNUP_CHECK, MessageRequest, dedupe_key
from storage.access import throttles
from storage.database import borrowed
from storage.journeys import merging, unconfirmed
from storage.messages import asking

MOST: Final = 5  # addresses of one person's that are written to, in
HOUR: Final = timedelta(hours=1)
_NAME: Final = 16  # bytes


def make_router(door: Door, page: Page) -> APIRouter:
    """What corrects, the question whether an address is theirs, and its form."""
    router = links_router(page)

    @router.post("/me/{token}/correct")
    async def correct(request: Request, token: str) -> Response:
        values, lang = await _values(request), page.language(request)
        written = values.pop("email", None)

        async def have_confirmed(own: Own) -> bool:
            if written is None or written == own.journey.attribute("email"):
                return False
            await ask(door, own, written, lang)
            return True

        def corrected(own: Own) -> list[OwnFact]:
            saying.require_address(own, written)
            return saying.correcting(own, values)

        return await answer(door, page, request, token, corrected, also=have_confirmed)

    @router.get("/address/{token}")
    async def show(request: Request, token: str) -> HTMLResponse:
        own, address = await _waiting(door, token)
        context = {**head(own), "address": address, "here": request.url.path, "done": False}
        return page(request, "address.html", context, otherwise=own.situation.locale)

    @router.post("/address/{token}")
    async def confirm(request: Request, token: str) -> Response:
        try:
            own, address = await _waiting(door, token)
            said = saying.correcting(own, {"email": address})
            if said:
                await saying.say(door, own, said)
                await saying.leave_address(door, own)
        except Conflict:
            raise NotFound(GONE) from None
        return page(request, "address.html", {**head(own), "done": True}, otherwise=own.situation.locale)

    return router


async def ask(door: Door, own: Own, address: str, lang: str) -> None:
    """Write to an address that somebody wrote on their page; it waits, sealed. Raises TooMany."""
    message, name = own.message, secrets.token_hex(_NAME)
    known = {"email": address, "name": own.journey.attribute("name") or ""}
    typed: dict[str, Any] = {"values": known, "employers": [], "lang": lang, "fair": None, "corrects": True}
    typed |= {"instead_of": own.journey.attribute("email"), "generation": _generation(own)}
    agreed = {"abroad": True} if own.journey.attribute(ABROAD) is True else {}
    params: dict[str, Any] = {"locale": lang, "signup": name, "corrects": True, **agreed}
    key = dedupe_key(SIGNUP_CHECK, message.campaign, message.candidate, [name])
    async with borrowed(door.pool) as conn:
        await throttles.attempt(conn, f"address:{message.campaign}:{message.candidate}", MOST, HOUR)
        async with conn.transaction():
            await unconfirmed.keep(conn, name, message.campaign, message.candidate, typed)
            await asking.request(conn, [MessageRequest(SIGNUP_CHECK, key, message.campaign, message.candidate, params)])


async def _waiting(door: Door, token: str) -> tuple[Own, str]:
    """Whose the address would be, and which it is. Raises NotFound."""
    message, situation = await door.open("address", token)
    own = await reading.of(door, message, situation)
    name, key = message.params.get("signup", ""), (message.campaign, message.candidate)
    async with borrowed(door.pool) as conn:
        typed = await unconfirmed.fetch(conn, name, *key)
        last = await unconfirmed.last_correction(conn, await merging.of_persons(conn, [key]))
    if typed is None or last != name or not _still_stands(own, typed):
        raise NotFound(GONE)
    return own, str(typed["values"]["email"])


def _still_stands(own: Own, typed: Mapping[str, Any]) -> bool:
    """Whether nothing was said of the address since but this one, and the link under which it was written is good."""
    now = own.journey.attribute("email")
    return now in (typed.get("instead_of", now), typed["values"]["email"]) and (
        typed.get("generation", 0) == _generation(own)
    )


def _generation(own: Own) -> int:
    return own.situation.background.generations.get((own.message.campaign, own.message.candidate), 0)


async def _values(request: Request) -> dict[str, Any]:
    """What was typed; what was left empty is not touched."""
    form = await request.form(max_files=0, max_fields=50)
    typed = {name: str(form[name]).strip() for name in reading.CORRECTABLE if isinstance(form.get(name), str)}
    values: dict[str, Any] = {name: text for name, text in typed.items() if text}
    year = values.get("graduation_year", "")
    if year.isascii() and year.isdecimal():
        values["graduation_year"] = int(year[:6])
    return values
