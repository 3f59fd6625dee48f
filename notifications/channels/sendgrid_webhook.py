"""`POST /v1/webhooks/sendgrid`: what became of mails, told by SendGrid, signed over the raw body."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from fastapi import APIRouter, Request, Response
from psycopg_pool import AsyncConnectionPool

from notifications.channels import provider_events
from notifications.channels.sendgrid_events import read_events
from notifications.channels.sendgrid_signature import SIGNATURE_HEADER, TIMESTAMP_HEADER, require_signature
from schemas.errors import NotFound, TooLarge
from schemas.webhook_key import parse_webhook_key
from storage.database import Conn, borrowed

log = logging.getLogger(__name__)

MOST_BYTES: Final = 4 * 1024 * 1024  # SendGrid sends less than one


def make_router(pool: AsyncConnectionPool[Conn], key: str | None, clock: Callable[[], float]) -> APIRouter:
    """The router; without a `key` there is no such endpoint. `clock` gives seconds since 1970."""
    router = APIRouter(tags=["webhooks"])
    public_key = parse_webhook_key(key) if key else None

    @router.post("/v1/webhooks/sendgrid", status_code=204, response_class=Response)
    async def post_events(request: Request) -> None:
        """SendGrid's signed event webhook. 204 means that all is stored; the same events again change nothing."""
        if public_key is None:
            raise NotFound("set YINFENG_SENDGRID_WEBHOOK_KEY to take SendGrid's events")
        body = await _body(request)
        headers = request.headers
        signature, timestamp = headers.get(SIGNATURE_HEADER), headers.get(TIMESTAMP_HEADER)
        require_signature(public_key, body, signature=signature, timestamp=timestamp, now=clock())
        events = read_events(body)
        async with borrowed(pool) as conn:
            fresh = await provider_events.take(conn, events) if events else 0
        log.info("SendGrid told %d events, %d of them new", len(events), fresh)

    return router


async def _body(request: Request) -> bytes:
    """The body, read no further than allowed whatever the Content-Length says."""
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MOST_BYTES:
            raise TooLarge(f"a request may have {MOST_BYTES} bytes")
        chunks.append(chunk)
    return b"".join(chunks)
