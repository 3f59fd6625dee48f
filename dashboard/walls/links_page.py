"""`/walls`: links for the screens of an audience, made and revoked. For organizers who may enter every campaign."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from dashboard.access.office import Office, address_of, of_all_campaigns
from dashboard.parameters import PathId, Short
from schemas.access import Authenticate, Caller
from storage.access import audit, walls
from storage.campaigns import reads
from storage.database import borrowed

HERE: Final = "/walls"
MOST_CAMPAIGNS: Final = 200
Some = Annotated[list[Short] | None, Form(max_length=MOST_CAMPAIGNS)]


def make_router(office: Office, authenticate: Authenticate) -> APIRouter:
    """The pages."""
    router = APIRouter(include_in_schema=False)

    some = Depends(of_all_campaigns(authenticate))

    @router.get(HERE)
    async def show(request: Request, caller: Caller = some) -> Response:
        return await _draw(office, request)

    @router.post(HERE)
    async def make(request: Request, name: Short = "", campaigns: Some = None, caller: Caller = some) -> Response:
        if not name.strip():
            return await _draw(office, request, wrong={"name": "form.required"}, chosen=campaigns or [], status=422)
        async with borrowed(office.pool) as conn, conn.transaction():
            await walls.create(conn, name=name.strip(), campaigns=campaigns, made_by=caller.poster)
            await audit.add(conn, audit.who(caller, address_of(request)), "wall_made", subject=name.strip())
        return RedirectResponse(HERE, 303)

    @router.post(f"{HERE}/{{wall}}/revoke")
    async def revoke(request: Request, wall: PathId, caller: Caller = some) -> Response:
        async with borrowed(office.pool) as conn, conn.transaction():
            gone = await walls.revoke(conn, wall)
            await audit.add(conn, audit.who(caller, address_of(request)), "wall_revoked", subject=gone.name)
        return RedirectResponse(HERE, 303)

    return router


async def _draw(
    office: Office,
    request: Request,
    *,
    wrong: dict[str, str] | None = None,
    chosen: list[str] | None = None,
    status: int = 200,
) -> Response:
    async with borrowed(office.pool) as conn:
        found = await walls.listed(conn)
        tokens = await walls.tokens(conn, [each for each in found if each.revoked_at is None])
        known = await reads.campaigns(conn, limit=MOST_CAMPAIGNS)
    context: dict[str, Any] = {
        "walls": found,
        "links": {wall: f"{office.base_url}/wall/{token}" for wall, token in tokens.items()},
        "titles": {row["campaign"]: row["title"] for row in known},
        "wrong": wrong or {},
        "chosen": chosen or [],
    }
    return office.page(request, "walls/links.html", context, status)
