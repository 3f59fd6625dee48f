"""Messages over HTTP, as JSON: what became of each."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from schemas.access import Authenticate, Caller
from schemas.messages import Status
from schemas.paging import DEFAULT_LIMIT, After, PageLimit, decode, next_link
from storage.database import Pool, borrowed
from storage.messages import reading
from storage.messages.reading import Message, MessageFilter

NameQuery = Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]*$")]
MessageId = Annotated[int, Path(ge=1, lt=2**63)]


def make_router(pool: Pool, authenticate: Authenticate) -> APIRouter:
    """`/v1/messages`; `authenticate` gives the caller."""
    router = APIRouter(tags=["messages"])

    @router.get("/v1/messages")
    async def get_messages(
        *,
        request: Request,
        response: Response,
        campaign: NameQuery = None,
        candidate: NameQuery = None,
        kind: NameQuery = None,
        status: Status | None = None,
        limit: PageLimit = DEFAULT_LIMIT,
        after: After = None,
        caller: Caller = Depends(authenticate),
    ) -> list[dict[str, Any]]:
        """Messages, the newest first. An employer sees those to its own candidates."""
        caller.require("organizer", "employer")
        wanted = MessageFilter(
            campaign=campaign, candidate=candidate, kind=kind, status=status, employer=caller.employer
        )
        async with borrowed(pool) as conn:
            found = await reading.listed(conn, wanted, before=decode(after, int, None), limit=limit + 1)
        if len(found) > limit:
            next_link(request, response, found[limit - 1].id)
        return [_entry(message) for message in found[:limit]]

    @router.get("/v1/messages/{id}")
    async def get_message(id: MessageId, caller: Caller = Depends(authenticate)) -> dict[str, Any]:
        """One message and all that was tried and changed."""
        caller.require("organizer", "employer")
        async with borrowed(pool) as conn:
            message = await reading.fetch(conn, id, employer=caller.employer)
            attempts = await reading.attempts(conn, id)
        return {**_entry(message), "log": attempts}

    return router


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
