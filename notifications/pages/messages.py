"""Messages as pages: a list to search, each mail as its reader got it and what was tried, and HR's word on it.

The same pages answer at `/messages` and at `/mailbox`, where those look who have no mail provider.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final, get_args

from fastapi import APIRouter, Depends, Form, Path, Request, Response
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse

from notifications.drawing import FRAME_HEADERS, Page, with_images
from notifications.pages.api import MessageId, NameQuery
from notifications.pages.reasons import reason
from notifications.rules.statuses import may
from notifications.sending import hr_steps
from schemas.access import Authenticate, Caller
from schemas.errors import Conflict, NotFound
from schemas.kinds import AUDIENCES
from schemas.messages import Status
from schemas.paging import After, decode, next_link
from storage import beats
from storage.campaigns import reads
from storage.database import Conn, Pool, borrowed
from storage.journeys import people
from storage.journeys.narrowing import Wanted
from storage.ledger.ledger import JourneyKey
from storage.messages import attachments, channel_rests, reading, suppressions
from storage.messages.reading import MessageFilter
from storage.messages.sealed import KeptMail
from storage.messages.suppressions import Suppression

FileName = Annotated[str, Path(max_length=100, pattern=r"^[A-Za-z0-9._-]+$")]
TypedReason = Annotated[str, Form(max_length=hr_steps.MOST_OF_A_REASON, pattern=r"^[^\x00]*$")]

BASES: Final = ("/messages", "/mailbox")
PAGE_SIZE: Final = 50
CAMPAIGNS: Final = 500  # to choose from
SEARCHED: Final = 20  # campaigns in which somebody is looked for, where none is chosen
FOUND: Final = 50  # people of each
STATUSES: Final = get_args(Status)


def make_router(pool: Pool, authenticate: Authenticate, page: Page) -> APIRouter:
    """The pages, for organizers; `authenticate` gives the caller, `page` draws."""
    router = APIRouter(include_in_schema=False)
    for base in BASES:
        _add_list(router, base, pool, authenticate, page)
        _add_one(router, base, pool, authenticate, page)
        _add_mails(router, base, pool, authenticate)
    _add_steps(router, pool, authenticate)
    return router


def _add_list(router: APIRouter, base: str, pool: Pool, authenticate: Authenticate, page: Page) -> None:
    @router.get(base)
    async def search(
        *,
        request: Request,
        campaign: NameQuery = None,
        candidate: NameQuery = None,
        kind: NameQuery = None,
        status: NameQuery = None,
        after: After = None,
        caller: Caller = Depends(authenticate),
    ) -> HTMLResponse:
        caller.require("organizer")
        async with borrowed(pool) as conn:
            campaigns = await reads.campaigns(conn, limit=CAMPAIGNS, among=caller.campaigns)
            searched = [campaign] if campaign else [each["campaign"] for each in campaigns[:SEARCHED]]
            also = await _called(conn, searched, candidate) if candidate else ()
            wanted = MessageFilter(
                campaign=campaign or None,
                candidate=candidate or None,
                also=also,
                kind=kind or None,
                status=status or None,
            )
            found = await reading.listed(conn, wanted, before=decode(after, int, None), limit=PAGE_SIZE + 1)
            resting = await channel_rests.listed(conn)
            lost_senders = await beats.sender_troubles(conn)
        context = {
            "messages": found[:PAGE_SIZE],
            "older": _older(request, found[PAGE_SIZE - 1].id) if len(found) > PAGE_SIZE else None,
            "wanted": wanted,
            "resting": resting,
            "lost_senders": lost_senders,
            "campaigns": campaigns,
            "newest": after is None,
            "kinds": list(AUDIENCES),
            "statuses": STATUSES,
            "base": base,
            "reason": reason,
        }
        return page(request, "messages.html", context)


def _add_one(router: APIRouter, base: str, pool: Pool, authenticate: Authenticate, page: Page) -> None:
    @router.get(base + "/{id}")
    async def one(request: Request, id: MessageId, caller: Caller = Depends(authenticate)) -> HTMLResponse:
        caller.require("organizer")
        async with borrowed(pool) as conn:
            message = await reading.fetch(conn, id)
            context = {
                "message": message,
                "attempts": await reading.attempts(conn, id),
                **await _shown(conn, id),
                "zone": await reading.timezone(conn, message.campaign),
                "resend": may("resend", message.status),
                "cancel": may("cancel", message.status),
                "suppressions": await _suppressions(conn, message.recipient),
                "base": base,
                "reason": reason,
            }
        return page(request, "message.html", context)


def _add_mails(router: APIRouter, base: str, pool: Pool, authenticate: Authenticate) -> None:
    @router.get(base + "/{id}/html")
    async def html(id: MessageId, caller: Caller = Depends(authenticate)) -> HTMLResponse:
        caller.require("organizer")
        found = await _kept(pool, id)
        async with borrowed(pool) as conn:
            return HTMLResponse(with_images(found.html, await attachments.of(conn, id)), headers=FRAME_HEADERS)

    @router.get(base + "/{id}/text")
    async def text(id: MessageId, caller: Caller = Depends(authenticate)) -> PlainTextResponse:
        caller.require("organizer")
        return PlainTextResponse((await _kept(pool, id)).text, headers=FRAME_HEADERS)

    @router.get(base + "/{id}/attachments/{name}")
    async def attachment(id: MessageId, name: FileName, caller: Caller = Depends(authenticate)) -> Response:
        caller.require("organizer")
        await _kept(pool, id)
        async with borrowed(pool) as conn:
            found = {each.name: each for each in await attachments.of(conn, id)}
        if name not in found:
            raise NotFound(f"message {id} has no attachment of this name; its page lists those that it has")
        disposition = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(found[name].data, headers=FRAME_HEADERS | disposition, media_type=found[name].content_type)


def _add_steps(router: APIRouter, pool: Pool, authenticate: Authenticate) -> None:
    @router.post("/messages/{id}/resend")
    async def resend(
        id: MessageId,
        reason: TypedReason = "",
        force: Annotated[bool, Form()] = False,
        caller: Caller = Depends(authenticate),
    ) -> Response:
        caller.require("organizer")
        async with borrowed(pool) as conn:
            await hr_steps.resend(conn, id, by=caller.name, reason=reason, force=force)
        return RedirectResponse(f"/messages/{id}", 303)

    @router.post("/messages/{id}/cancel")
    async def cancel(id: MessageId, reason: TypedReason = "", caller: Caller = Depends(authenticate)) -> Response:
        caller.require("organizer")
        async with borrowed(pool) as conn:
            await hr_steps.cancel(conn, id, by=caller.name, reason=reason)
        return RedirectResponse(f"/messages/{id}", 303)

    @router.post("/messages/{id}/lift")
    async def lift(id: MessageId, reason: TypedReason = "", caller: Caller = Depends(authenticate)) -> Response:
        caller.require("organizer")
        async with borrowed(pool) as conn:
            await hr_steps.lift(conn, id, by=caller.name, reason=reason)
        return RedirectResponse(f"/messages/{id}", 303)


async def _called(conn: Conn, campaigns: Sequence[str], words: str) -> list[JourneyKey]:
    """Who is found by these words in these campaigns, as on the list of candidates; nobody else where they are
    somebody's id, with which other ids may begin."""
    wanted = Wanted(q=words)
    found = [
        (campaign, each.candidate)
        for campaign in campaigns
        for each in (await people.listed(conn, campaign, wanted, limit=FOUND)).people
    ]
    return [] if any(candidate == words for _, candidate in found) else found


async def _suppressions(conn: Conn, address: str | None) -> list[Suppression]:
    return (await suppressions.of(conn, [address])).get(address.lower(), []) if address else []


def _older(request: Request, last: int) -> str:
    carrier = Response()
    next_link(request, carrier, last)
    return carrier.headers["Link"][1:].partition(">")[0]


async def _shown(conn: Conn, id: int) -> dict[str, Any]:
    """The mail of a message with its files, or that it is one that this version can't read."""
    try:
        mail, files = await reading.mail(conn, id), await attachments.of(conn, id)
        return {"mail": mail, "attachments": files, "of_another_version": False}
    except Conflict:
        return {"mail": None, "attachments": [], "of_another_version": True}


async def _kept(pool: Pool, id: int) -> KeptMail:
    async with borrowed(pool) as conn:
        found = await reading.mail(conn, id)
    if found is None:
        raise NotFound(f"there is no mail of message {id}: it has not gone out, or was forgotten with its candidate")
    return found
