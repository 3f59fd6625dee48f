"""`/me/{token}/data`: all that is held about a candidate, to read and to take away."""

from __future__ import annotations

from typing import Any

import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from notifications.drawing import Page
from notifications.links.opening import Door, links_router
from notifications.links.own import reading
from notifications.links.own.reading import Own
from notifications.links.own.showing import head
from storage.campaigns import naming
from storage.database import borrowed
from storage.vault import export


def make_router(door: Door, page: Page) -> APIRouter:
    """The page, and the same as JSON."""
    router = links_router(page)

    @router.get("/me/{token}/data")
    async def readable(request: Request, token: str) -> HTMLResponse:
        own = await reading.read(door, token)
        lang = page.language(request, own.situation.locale)
        context = await _readable(door, own, lang) | {"here": f"/me/{token}"} | head(own)
        return page(request, "own_data.html", context, otherwise=own.situation.locale)

    @router.get("/me/{token}/data.json")
    async def download(request: Request, token: str) -> Response:
        own = await reading.read(door, token)
        async with borrowed(door.pool) as conn:
            held = await export.export(conn, own.message.campaign, own.message.candidate)
        headers = {"Content-Disposition": 'attachment; filename="yinfeng-my-data.json"', "Cache-Control": "no-store"}
        return Response(msgspec.json.encode(held), headers=headers, media_type="application/json")

    return router


async def _readable(door: Door, own: Own, lang: str) -> dict[str, Any]:
    async with borrowed(door.pool) as conn:
        held = await export.export(conn, own.message.campaign, own.message.candidate)
        said = [each["event"]["data"] for each in held["facts"]]
        called = await naming.called_in(conn, own.message.campaign, said, lang)
    return {"held": held, "called": called, "zone": own.situation.zone.key}
