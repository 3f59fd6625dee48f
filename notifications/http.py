"""Messages over HTTP: what became of each, as JSON, and as pages that show them as their readers got them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any, Final, Protocol

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import HTMLResponse, PlainTextResponse
from psycopg_pool import AsyncConnectionPool

from schemas.access import Caller
from schemas.errors import NotFound
from schemas.messages import Status
from schemas.paging import DEFAULT_LIMIT, After, Limit, decode, next_link
from storage import mails
from storage.database import Conn, borrowed
from storage.mails import Message, Wanted

Authenticate = Callable[[Request], Awaitable[Caller]]
Pool = AsyncConnectionPool[Conn]
Name = Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]*$")]
Id = Annotated[int, Path(ge=1, lt=2**63)]

PAGE_SIZE: Final = 50
# A mail is shown in a frame that may run, load and send nothing.
_FRAME_HEADERS: Final = {
    "Content-Security-Policy": "sandbox allow-popups; default-src 'none'; style-src 'unsafe-inline'; img-src data:;"
    " frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class Page(Protocol):
    """Draws a page from a template."""

    def __call__(self, request: Request, name: str, context: Mapping[str, Any]) -> HTMLResponse: ...


def make_router(pool: Pool, authenticate: Authenticate, page: Page) -> APIRouter:
    """`/v1/messages` and `/mailbox`; `authenticate` gives the caller, `page` draws."""
    router = APIRouter()
    _add_messages(router, pool, authenticate)
    _add_mailbox(router, pool, authenticate, page)
    return router


def _add_messages(router: APIRouter, pool: Pool, authenticate: Authenticate) -> None:
    @router.get("/v1/messages", tags=["messages"])
    async def get_messages(
        *,
        request: Request,
        response: Response,
        campaign: Name = None,
        candidate: Name = None,
        status: Status | None = None,
        limit: Limit = DEFAULT_LIMIT,
        after: After = None,
        caller: Caller = Depends(authenticate),
    ) -> list[dict[str, Any]]:
        """Messages, the newest first. An employer sees those to its own candidates."""
        caller.require("organizer", "employer")
        wanted = Wanted(campaign=campaign, candidate=candidate, status=status, employer=caller.employer)
        async with borrowed(pool) as conn:
            found = await mails.listed(conn, wanted, before=decode(after, int, None), limit=limit + 1)
        if len(found) > limit:
            next_link(request, response, found[limit - 1].id)
        return [_entry(message) for message in found[:limit]]

    @router.get("/v1/messages/{id}", tags=["messages"])
    async def get_message(id: Id, caller: Caller = Depends(authenticate)) -> dict[str, Any]:
        """One message and all that was tried and changed."""
        caller.require("organizer", "employer")
        async with borrowed(pool) as conn:
            message = await mails.fetch(conn, id, employer=caller.employer)
            attempts = await mails.attempts(conn, id)
        return {**_entry(message), "log": attempts}


def _add_mailbox(router: APIRouter, pool: Pool, authenticate: Authenticate, page: Page) -> None:
    @router.get("/mailbox", include_in_schema=False)
    async def mailbox(
        request: Request,
        campaign: Name = None,
        candidate: Name = None,
        after: After = None,
        caller: Caller = Depends(authenticate),
    ) -> HTMLResponse:
        caller.require("organizer")
        wanted = Wanted(campaign=campaign or None, candidate=candidate or None)
        async with borrowed(pool) as conn:
            found = await mails.listed(conn, wanted, before=decode(after, int, None), limit=PAGE_SIZE + 1)
        carrier = Response()
        if len(found) > PAGE_SIZE:
            next_link(request, carrier, found[PAGE_SIZE - 1].id)
        older = carrier.headers.get("Link", "")[1:].partition(">")[0]
        context = {"messages": found[:PAGE_SIZE], "older": older, "wanted": wanted, "newest": after is None}
        return page(request, "mailbox.html", context)

    @router.get("/mailbox/{id}", include_in_schema=False)
    async def one(request: Request, id: Id, caller: Caller = Depends(authenticate)) -> HTMLResponse:
        caller.require("organizer")
        async with borrowed(pool) as conn:
            context = {
                "message": await mails.fetch(conn, id),
                "attempts": await mails.attempts(conn, id),
                "mail": await mails.mail(conn, id),
            }
        return page(request, "mail.html", context)

    @router.get("/mailbox/{id}/html", include_in_schema=False)
    async def html(id: Id, caller: Caller = Depends(authenticate)) -> HTMLResponse:
        caller.require("organizer")
        return HTMLResponse((await _kept(pool, id)).html, headers=_FRAME_HEADERS)

    @router.get("/mailbox/{id}/text", include_in_schema=False)
    async def text(id: Id, caller: Caller = Depends(authenticate)) -> PlainTextResponse:
        caller.require("organizer")
        return PlainTextResponse((await _kept(pool, id)).text, headers=_FRAME_HEADERS)


async def _kept(pool: Pool, id: int) -> mails.Mail:
    async with borrowed(pool) as conn:
        found = await mails.mail(conn, id)
    if found is None:
        raise NotFound(f"there is no mail of message {id}: it has not gone out, or was forgotten with its candidate")
    return found


def _entry(message: Message) -> dict[str, Any]:
    return {
        "id": message.id,
        "to": message.recipient,
        "channel": message.channel,
        "template": message.kind,
        "locale": message.locale,
        "subject": message.subject,
        "status": message.status,
        "reason": message.reason,
        "attempts": message.attempts,
        "campaign": message.campaign,
        "candidate": message.candidate,
        "fact": {"source": message.source, "id": message.fact} if message.fact else None,
        "requested_at": message.requested_at,
        "sent_at": message.sent_at,
    }
