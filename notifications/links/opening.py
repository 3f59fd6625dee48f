"""Opens a signed link: the message that it came with, and all that is known around it now."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from datetime import datetime
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from fastapi.routing import APIRoute
from psycopg_pool import AsyncConnectionPool

from notifications.drawing import Page
from notifications.links.limits import of_a_link
from notifications.sending.gathering import situation_of
from notifications.sending.signed_links import Links, Purpose
from notifications.sending.signed_links import load as load_links
from notifications.sending.situation import Situation, Writer
from schemas.errors import NotFound
from schemas.facts import Fact, validate_event
from schemas.journey import RETENTION
from storage.database import Conn, borrowed
from storage.messages import by_link
from storage.messages.by_link import Linked
from storage.messages.claiming import Claimed

Handle = Callable[[Request], Coroutine[Any, Any, Response]]

GONE: Final = "what this link led to is no longer there"


class Door:
    """Opens links of this installation. `sender` names who writes, and where the web app is reached."""

    def __init__(self, pool: AsyncConnectionPool[Conn], sender: Writer, clock: Callable[[], datetime]) -> None:
        self.pool, self.sender, self._clock = pool, sender, clock
        self.limit = of_a_link(clock)

    def now(self) -> datetime:
        """By the clock of this installation."""
        return self._clock()

    async def links(self, conn: Conn) -> Links:
        """The signed links of this installation."""
        return await load_links(conn, self.sender.base_url)

    async def open(self, purpose: Purpose, token: str) -> tuple[Linked, Situation]:
        """The message of a link, and its situation. Raises NotFound when the link is none of ours, or its candidate was
        erased, or is restricted and it shows more than to refuse mails, to have them sent elsewhere, or to sign up
        where that ends it."""
        async with borrowed(self.pool) as conn:
            name = (await self.links(conn)).read(purpose, token)
        message, situation = await self._open(name)
        hidden = situation.journey.hidden
        ends_it = hidden is not None and purpose == "signup" and hidden.ground == RETENTION
        if hidden is not None and purpose not in ("unsubscribe", "address") and not ends_it:
            raise NotFound(GONE)
        return message, situation

    async def open_own(self, token: str) -> tuple[Linked, Situation]:
        """The same of a link to a candidate's own page. Raises NotFound too when a newer link was asked for."""
        async with borrowed(self.pool) as conn:
            name, _, generation = (await self.links(conn)).read("me", token).partition(".")
        message, situation = await self._open(name)
        current = situation.background.generations.get((message.campaign, message.candidate), 0)
        if generation != str(current):
            raise NotFound(GONE)
        return message, situation

    async def _open(self, name: str) -> tuple[Linked, Situation]:
        async with borrowed(self.pool) as conn:
            links = await self.links(conn)
            message = await by_link.find(conn, name)
            if message is None:
                raise NotFound(GONE)
            claimed = Claimed(
                message.id,
                message.kind,
                message.campaign,
                message.candidate,
                message.params,
                message.attempts,
                nonce=message.nonce,
            )
            situation = await situation_of(conn, claimed, self.sender, links, self._clock())
        if situation.journey.erased:
            raise NotFound(GONE)
        return message, situation


def links_router(page: Page) -> APIRouter:
    """A router of links: one that leads nowhere (NotFound) is answered with the page that says so."""

    class Link(APIRoute):
        def get_route_handler(self) -> Handle:
            handle = super().get_route_handler()

            async def answer(request: Request) -> Response:
                try:
                    return await handle(request)
                except NotFound:
                    return gone(request, page)

            return answer

    return APIRouter(include_in_schema=False, route_class=Link)


def gone(request: Request, page: Page) -> HTMLResponse:
    """The page for a link that leads nowhere."""
    return page(request, "gone.html", status=404)


def fact(type: str, message: Linked, data: Mapping[str, Any], *, source: str, nth: int, time: datetime) -> Fact:
    """What the holder of a link says, as a fact; `nth` of its source about its candidate, so that saying it twice at
    once says it once. Raises InvalidFact."""
    return validate_event(
        {
            "specversion": "1.0",
            "id": f"{message.nonce}-{nth}",
            "source": source,
            "type": type,
            "time": time.isoformat(),
            "datacontenttype": "application/json",
            "data": {"campaign": message.campaign, "candidate": message.candidate} | dict(data),
        }
    )
