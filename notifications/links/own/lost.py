"""`/lost`: who has lost the link to their own page has a new one by mail. What is answered, and how soon, is the same
for an address that is known and for one that is not."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Annotated, Final
from uuid import uuid4

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse
from starlette.background import BackgroundTask

from notifications.drawing import Page
from notifications.links.opening import Door
from schemas.errors import ConcurrentChange, TooMany, Unavailable
from schemas.limits import Limit, network
from schemas.messages import OWN_PAGE, MessageRequest, dedupe_key
from storage.access import own_pages, throttles
from storage.database import Conn, borrowed
from storage.journeys import journeys, merging
from storage.ledger.ledger import JourneyKey
from storage.messages import asking
from storage.vault.process import vault

log = logging.getLogger(__name__)

HERE: Final = "/lost"
AT_ONCE: Final = 30  # from one network
EVERY: Final = 10.0
REST: Final = timedelta(minutes=5)  # between two links to one person
A_DAY: Final = 6  # links to one person
DAY: Final = timedelta(days=1)
_SAID: Final = "this was asked for too often from your network; wait a minute, then try again"


def make_router(door: Door, page: Page) -> APIRouter:
    """The page, open to all."""
    router = APIRouter(include_in_schema=False)
    limit = Limit(door.now, AT_ONCE, EVERY, _SAID)

    @router.get(HERE)
    async def form(request: Request) -> HTMLResponse:
        return page(request, "own_lost.html", {"sent": False})

    @router.post(HERE)
    async def ask(request: Request, email: Annotated[str, Form(max_length=254)] = "") -> HTMLResponse:
        limit.take(network(request.client.host if request.client else ""))
        address = "".join(each for each in email if each.isprintable()).strip()
        answer = page(request, "own_lost.html", {"sent": True})
        answer.background = BackgroundTask(_send, door, address)
        return answer

    return router


async def _send(door: Door, address: str) -> None:
    """Mail a new link to whoever has this address, for each campaign; those of before end. It raises nothing."""
    try:
        async with borrowed(door.pool) as conn:
            keys = await own_pages.mailed_at(conn, address)
            known = dict((await journeys.carried(conn, keys)).values()) if keys else {}
            await vault().embody(conn, {key: stored.journey for key, stored in known.items()}, hidden=True)
            for key, stored in known.items():
                if str(stored.journey.attribute("email") or "").lower() == address.lower():
                    await _renew(conn, key)
    except (Unavailable, ConcurrentChange) as error:
        log.warning("no new link goes: %s", error)


async def _renew(conn: Conn, key: JourneyKey) -> None:
    campaign, candidate = key
    try:
        await throttles.attempt(conn, f"lost:{campaign}:{candidate}", 1, REST)
        await throttles.attempt(conn, f"lost-today:{campaign}:{candidate}", A_DAY, DAY)
    except TooMany:
        log.info("a new link went a moment ago, or often today")
        return
    async with conn.transaction():
        for _, each in await merging.of_persons(conn, [key]):
            await own_pages.renew(conn, campaign, each)
        reason = dedupe_key(OWN_PAGE, campaign, candidate, [uuid4().hex])
        await asking.request(conn, [MessageRequest(OWN_PAGE, reason, campaign, candidate, {})])
