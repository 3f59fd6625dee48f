"""Opens a signed link: the message that it came with, and all that is known around it now."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, Protocol

from fastapi import Request
from fastapi.responses import HTMLResponse
from psycopg_pool import AsyncConnectionPool

from notifications.case import Case, Sender
from notifications.gathering import case_of
from schemas.errors import NotFound
from schemas.facts import Fact, validate_event
from storage import linked
from storage.database import Conn, borrowed
from storage.linked import Linked
from storage.links import Links, Purpose
from storage.links import load as load_links
from storage.outgoing import Claimed

GONE: Final = "what this link led to is no longer there"


class Page(Protocol):
    """Draws pages: in the language that the reader chose, else in the one `otherwise`."""

    def language(self, request: Request, otherwise: str | None = None) -> str: ...

    def __call__(
        self,
        request: Request,
        name: str,
        context: Mapping[str, Any] | None = None,
        status: int = 200,
        *,
        otherwise: str | None = None,
    ) -> HTMLResponse: ...


class Door:
    """Opens links of this installation. `sender` names who writes, and where the web app is reached."""

    def __init__(self, pool: AsyncConnectionPool[Conn], sender: Sender, clock: Callable[[], datetime]) -> None:
        self.pool, self.sender, self._clock = pool, sender, clock
        self._links: Links | None = None

    async def links(self, conn: Conn) -> Links:
        """The signed links of this installation."""
        self._links = self._links or await load_links(conn, self.sender.base_url)
        return self._links

    async def open(self, purpose: Purpose, token: str) -> tuple[Linked, Case]:
        """The message of a link, and its case. Raises NotFound when the link is none of ours, or its candidate was
        erased."""
        async with borrowed(self.pool) as conn:
            links = await self.links(conn)
            message = await linked.find(conn, links.read(purpose, token))
            if message is None:
                raise NotFound(GONE)
            claimed = Claimed(
                message.id, message.kind, message.campaign, message.candidate, message.params, message.attempts
            )
            case = await case_of(conn, claimed, self.sender, links, self._clock())
        if case.journey.erased:
            raise NotFound(GONE)
        return message, case


def gone(request: Request, page: Page) -> HTMLResponse:
    """The page for a link that leads nowhere."""
    return page(request, "gone.html", status=404)


def fact(type: str, message: Linked, data: Mapping[str, Any], *, source: str, nth: int, time: datetime) -> Fact:
    """What the holder of a link says, as a fact; `nth` of its source about its candidate, so that saying it twice at
    once says it once. Raises InvalidFact."""
    return validate_event(
        {
            "specversion": "1.0",
            "id": f"{message.id}-{nth}",
            "source": source,
            "type": type,
            "time": time.isoformat(),
            "datacontenttype": "application/json",
            "data": {"campaign": message.campaign, "candidate": message.candidate} | dict(data),
        }
    )
