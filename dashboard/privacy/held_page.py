"""`/candidates/{campaign}/{candidate}/data`: all that is held about a person, for the organizer to hand to them."""

from __future__ import annotations

from typing import Any

import msgspec
from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response

from dashboard.known import askable, known
from dashboard.languages import language
from dashboard.parameters import Name
from dashboard.privacy.retention_page import Shelf
from schemas.access import Authenticate, Caller
from schemas.errors import NotFound
from storage.access import audit
from storage.campaigns import naming
from storage.database import Conn, borrowed
from storage.vault import export, restricting


def make_router(shelf: Shelf, authenticate: Authenticate) -> APIRouter:
    """The page, and the same as JSON. Each look is in the audit. It must come before the page of a candidate, whose
    id may have slashes."""
    router = APIRouter(include_in_schema=False)

    @router.get("/candidates/{campaign}/{candidate:path}/data.json")
    async def download(
        request: Request, campaign: Name, candidate: Name, caller: Caller = Depends(authenticate)
    ) -> Response:
        async with borrowed(shelf.pool) as conn:
            held = await _held(conn, request, caller, campaign, candidate)
        headers = {"Content-Disposition": 'attachment; filename="yinfeng-person.json"', "Cache-Control": "no-store"}
        return Response(msgspec.json.encode(held), headers=headers, media_type="application/json")

    @router.get("/candidates/{campaign}/{candidate:path}/data")
    async def readable(
        request: Request, campaign: Name, candidate: Name, caller: Caller = Depends(authenticate)
    ) -> HTMLResponse:
        async with borrowed(shelf.pool) as conn:
            held = await _held(conn, request, caller, campaign, candidate)
            about = await known(conn, campaign)
            said = [each["event"]["data"] for each in held["facts"]]
            called = await naming.called_in(conn, campaign, said, language(request))
        context = {"held": held, "called": called, "about": about, "zone": about["timezone"]}
        return shelf.page(request, "privacy/person.html", context)

    return router


async def _held(conn: Conn, request: Request, caller: Caller, campaign: str, candidate: str) -> dict[str, Any]:
    """Raises NotFound where nothing is held, and for who is restricted: that is for themselves alone."""
    caller.require("organizer")
    key = (askable(campaign), askable(candidate))
    if await restricting.standing(conn, *key) is not None:
        raise NotFound("who is restricted is shown to nobody but themselves")
    held = await export.export(conn, *key)
    ip = request.client.host if request.client else ""
    await audit.add(conn, audit.who(caller, ip), "person_exported", campaign=campaign, subject=candidate)
    return held
