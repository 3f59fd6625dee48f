"""`/signup/{token}`: who typed an address shows that it is theirs; then what they typed is said. Opening the link says
nothing: programs that look at mails open links too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from notifications.drawing import Page
from notifications.links.opening import GONE, Door, links_router
from notifications.sending.situation import Situation
from schemas.errors import NotFound
from schemas.journey import Journey
from schemas.signing_up import Sent, facts
from storage.access import own_pages
from storage.campaigns import signup
from storage.campaigns.signup import ADMITS, Signup
from storage.database import borrowed
from storage.journeys import unconfirmed
from storage.ledger import ledger
from storage.messages.by_link import Linked
from storage.vault.accepting import accept


@dataclass(frozen=True, slots=True)
class AwaitingConfirmation:
    """A signup that waits: what was typed, and where it was for."""

    message: Linked
    situation: Situation
    typed: dict[str, Any]
    where: Signup

    @property
    def public(self) -> str:
        """The page that it was typed into."""
        campaign, fair = quote(self.message.campaign, safe=""), self.typed["fair"]
        return f"/campaigns/{campaign}/signup" if fair is None else f"/fairs/{campaign}/{quote(fair, safe='')}"


def make_router(door: Door, page: Page) -> APIRouter:
    """The router."""
    router = links_router(page)

    @router.get("/signup/{token}")
    async def show(request: Request, token: str) -> HTMLResponse:
        found = await _waiting(door, token)
        context = {
            "title": (found.where.fair or found.where.campaign)["title"],
            "organizer": found.where.campaign["organizer"],
            "name": found.typed["values"]["name"],
            "address": found.typed["values"]["email"],
            "here": request.url.path,
        }
        return page(request, "confirm.html", context, otherwise=found.situation.locale)

    @router.post("/signup/{token}")
    async def confirm(request: Request, token: str) -> Response:
        found = await _waiting(door, token)
        if found.where.state(door.now()) not in ADMITS:
            return RedirectResponse(found.public, 303)
        door.limit.take(found.message.nonce)
        await _say(door, found)
        return RedirectResponse(f"{found.public}?done=1&lang={found.typed['lang']}", 303)

    return router


async def _waiting(door: Door, token: str) -> AwaitingConfirmation:
    message, situation = await door.open("signup", token)
    named = message.params.get("signup", "")
    async with borrowed(door.pool) as conn:
        typed = await unconfirmed.fetch(conn, named, message.campaign, message.candidate)
        where = await signup.load(conn, message.campaign, typed["fair"]) if typed else None
    if typed is None or where is None:
        raise NotFound(GONE)
    return AwaitingConfirmation(message, situation, typed, where)


async def _say(door: Door, found: AwaitingConfirmation) -> None:
    """The address is theirs: all that they typed counts. Confirmed twice, it is said once. Of who is known, links of
    before to their own page end: somebody else may have them, who only wrote this address there."""
    typed, message = found.typed, found.message
    sent = Sent(
        message.campaign,
        typed["fair"],
        tuple(typed["employers"]),
        typed["values"],
        message.params["signup"],
        typed["lang"],
        door.now(),
    )
    said = facts(sent, message.candidate, Journey())
    async with borrowed(door.pool) as conn:
        async with conn.transaction():
            new = await accept(conn, said, posted_by=f"link:{message.id}")
            if new and found.situation.journey.first_signup is not None:
                await own_pages.renew(conn, message.campaign, message.candidate)
        await ledger.ring(conn)
