"""Templates as pages: a gallery of every kind in both languages, and each to be edited, tried and tested.

A campaign may switch kinds off, and have templates of its own. Each version is kept, with who saved it and when.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.datastructures import URL

from notifications.authoring.faults import fault
from notifications.authoring.studio import Draft, Studio, campaign_row
from notifications.drawing import FRAME_HEADERS, Page
from notifications.sending.rendering import LOCALES
from notifications.sending.template_parts import default_parts
from schemas.access import Authenticate, Caller
from schemas.errors import Conflict, FieldError, NotFound, SendRefused
from schemas.kinds import TEMPLATED
from storage.database import borrowed
from storage.messages import templates
from storage.messages.templates import TemplateKey

SentDraft = Annotated[Draft, Form()]


def _known(campaign: str, kind: str, locale: str) -> TemplateKey:
    if kind not in TEMPLATED or locale not in LOCALES or "\0" in campaign:
        raise NotFound("there is no such template; /templates lists those that there are")
    return (campaign, kind, locale)


def make_router(studio: Studio, authenticate: Authenticate, page: Page) -> APIRouter:
    """The pages, for organizers."""
    router = APIRouter(include_in_schema=False)
    _add_looking(router, studio, authenticate, page)
    _add_preview(router, studio, authenticate, page)
    _add_changing(router, studio, authenticate, page)
    return router


def _add_looking(router: APIRouter, studio: Studio, authenticate: Authenticate, page: Page) -> None:
    @router.get("/templates")
    async def gallery(
        request: Request,
        campaign: Annotated[str | None, Query(max_length=200)] = None,
        caller: Caller = Depends(authenticate),
    ) -> HTMLResponse:
        caller.require("organizer")
        async with borrowed(studio.pool) as conn:
            return page(request, "templates.html", await studio.gallery(conn, campaign or None))

    @router.get("/templates/edit")
    async def edit(
        *,
        request: Request,
        campaign: str,
        kind: str,
        locale: str,
        version: int | None = None,
        saved: bool = False,
        caller: Caller = Depends(authenticate),
    ) -> HTMLResponse:
        caller.require("organizer")
        key = _known(campaign, kind, locale)
        async with borrowed(studio.pool) as conn:
            found = {each.id: each for each in await templates.history(conn, key)}
            old = found[version].parts or default_parts(kind, locale) if version in found else None
            context = await studio.editor(conn, key, old)
        return page(request, "template.html", {**context, "saved": saved, "version": version, "fault": fault})


def _add_preview(router: APIRouter, studio: Studio, authenticate: Authenticate, page: Page) -> None:
    async def framed(request: Request, key: TemplateKey, draft: Draft | None) -> HTMLResponse:
        """The mail, or what is wrong with its template."""
        async with borrowed(studio.pool) as conn:
            errors = await studio.faults(conn, draft) if draft else []
            try:
                if not errors:
                    candidate = draft.candidate.strip() or None if draft else None
                    html = await studio.preview(conn, key, draft.parts if draft else None, candidate)
                    return HTMLResponse(html, headers=FRAME_HEADERS)
            except SendRefused as error:
                errors = [FieldError("content", str(error))]
        answer = page(request, "template_faults.html", {"errors": errors, "fault": fault})
        return HTMLResponse(bytes(answer.body), headers=FRAME_HEADERS)

    @router.get("/templates/preview")
    async def preview(
        request: Request, campaign: str, kind: str, locale: str, caller: Caller = Depends(authenticate)
    ) -> HTMLResponse:
        caller.require("organizer")
        return await framed(request, _known(campaign, kind, locale), None)

    @router.post("/templates/preview")
    async def preview_draft(request: Request, draft: SentDraft, caller: Caller = Depends(authenticate)) -> HTMLResponse:
        caller.require("organizer")
        return await framed(request, _known(*draft.key), draft)


def _add_changing(router: APIRouter, studio: Studio, authenticate: Authenticate, page: Page) -> None:
    async def again(
        request: Request, draft: Draft, errors: list[FieldError], status: int, *, tested: str | None = None
    ) -> HTMLResponse:
        """The editor with what its author has written."""
        async with borrowed(studio.pool) as conn:
            context = await studio.editor(conn, _known(*draft.key), draft.parts)
        more = {"errors": errors, "to": draft.to or context["to"], "candidate": draft.candidate, "tested": tested}
        return page(request, "template.html", {**context, **more, "version": None, "fault": fault}, status)

    @router.post("/templates/edit")
    async def save(request: Request, draft: SentDraft, caller: Caller = Depends(authenticate)) -> Response:
        caller.require("organizer")
        key = _known(*draft.key)
        try:
            async with borrowed(studio.pool) as conn:
                errors = await studio.save(conn, draft, caller.name)
        except Conflict as error:
            return await again(request, draft, [FieldError("", error.detail)], 409)
        return await again(request, draft, errors, 422) if errors else _back(key)

    @router.post("/templates/default")
    async def default(draft: SentDraft, caller: Caller = Depends(authenticate)) -> Response:
        caller.require("organizer")
        key = _known(*draft.key)
        async with borrowed(studio.pool) as conn:
            await studio.back_to_default(conn, draft, caller.name)
        return _back(key)

    @router.post("/templates/test")
    async def test(request: Request, draft: SentDraft, caller: Caller = Depends(authenticate)) -> Response:
        caller.require("organizer")
        _known(*draft.key)
        async with borrowed(studio.pool) as conn:
            errors = await studio.test(conn, draft, caller.name)
        tested = None if errors else draft.to.strip()
        return await again(request, draft, errors, 422 if errors else 200, tested=tested)

    _add_switch(router, studio, authenticate)


def _add_switch(router: APIRouter, studio: Studio, authenticate: Authenticate) -> None:
    @router.post("/templates/switch")
    async def switch(
        campaign: Annotated[str, Form(max_length=200)],
        kind: Annotated[str, Form(max_length=100)],
        off: Annotated[bool, Form()],
        caller: Caller = Depends(authenticate),
    ) -> Response:
        caller.require("organizer")
        _known(campaign, kind, LOCALES[0])
        async with borrowed(studio.pool) as conn:
            await campaign_row(conn, campaign)
            await templates.switch(conn, campaign, kind, off=off, by=caller.name)
        return RedirectResponse(str(URL("/templates").include_query_params(campaign=campaign)) + f"#{kind}", 303)


def _back(key: TemplateKey) -> RedirectResponse:
    campaign, kind, locale = key
    to = URL("/templates/edit").include_query_params(campaign=campaign, kind=kind, locale=locale, saved="true")
    return RedirectResponse(str(to), 303)
