"""`/fairs/{campaign}/{fair}/calendar`: a fair for the calendar of whoever looks at its public page."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request, Response

from notifications.drawing import Page
from notifications.links.opening import Door, gone
from notifications.sending.calendar_file import FILE_NAME, calendar_file
from notifications.sending.enclosing import fair_event
from storage.campaigns import signup
from storage.database import borrowed


def make_router(door: Door, page: Page) -> APIRouter:
    """The router, open to all."""
    router = APIRouter(include_in_schema=False)

    @router.get("/fairs/{campaign}/{fair}/calendar")
    async def calendar(request: Request, campaign: str, fair: str) -> Response:
        if not (campaign.isprintable() and fair.isprintable()):
            return gone(request, page)
        async with borrowed(door.pool) as conn:
            found = await signup.load(conn, campaign, fair)
            links = await door.links(conn)
        if found is None or found.fair is None:
            return gone(request, page)
        zone, lang = ZoneInfo(found.campaign["timezone"]), page.language(request)
        event = fair_event(found.fair, found.campaign, zone, lang, links)
        headers = {"Content-Disposition": f'attachment; filename="{FILE_NAME}"', "Cache-Control": "no-store"}
        return Response(calendar_file(event, door.now()), headers=headers, media_type="text/calendar; charset=utf-8")

    return router
