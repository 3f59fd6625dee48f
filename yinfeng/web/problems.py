"""Every error that leaves the web app is a problem document (RFC 9457), or a page for a person with a browser."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException

from dashboard.languages import weighed
from schemas.errors import ConcurrentChange, FieldError, Refused, Unavailable
from yinfeng.web.pages import Pages
from yinfeng.web.refusals import why

log = logging.getLogger(__name__)

ErrorHandler = Callable[[Request, Exception], Awaitable[Response]]

CONTENT_TYPE = "application/problem+json"
_MOST_OF_A_PATH = 50
RETRY_AFTER = "5"  # seconds


def problem(
    status: int, detail: str, errors: list[FieldError] | None = None, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """A problem document; `errors` name the fields at fault."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    if errors:
        body["errors"] = [asdict(error) for error in errors]
    return JSONResponse(body, status_code=status, headers=dict(headers or {}), media_type=CONTENT_TYPE)


async def refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return problem(error.status, error.detail, error.errors, BESIDE.get(error.status))


async def unavailable(request: Request, error: Exception) -> Response:
    log.warning("%s %s: %s", request.method, _named(request), error)
    return problem(503, "a server that is needed does not answer; try again", headers={"Retry-After": RETRY_AFTER})


async def invalid_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    errors = [FieldError(".".join(map(str, each["loc"])), each["msg"]) for each in error.errors()]
    return problem(422, "; ".join(f"{each.field}: {each.message}" for each in errors), errors)


async def http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return problem(error.status_code, error.detail, headers=error.headers)


async def unexpected(request: Request, error: Exception) -> Response:
    log.exception("%s %s failed", request.method, _named(request))
    return problem(500, "something went wrong on our side; it is in the log")


def install(app: FastAPI, page: Pages) -> None:
    """Let the app answer with problem documents, or with pages where a browser asks for one."""
    for kind, handler in HANDLERS.items():
        app.add_exception_handler(kind, _for_people_too(handler, page))


def make_refuse(page: Pages) -> ErrorHandler:
    """The same for who answers past the app's own handlers: an error that has none is raised again."""
    handlers = {kind: _for_people_too(handler, page) for kind, handler in HANDLERS.items() if kind is not Exception}

    async def refuse(request: Request, error: Exception) -> Response:
        for kind in type(error).__mro__:
            if kind in handlers:
                return await handlers[kind](request, error)
        raise error

    return refuse


def prefers_html(accept: str) -> bool:
    """Whether a reader with this Accept header would rather have a page than JSON."""
    for name in weighed(accept):
        if name in ("text/html", "application/xhtml+xml"):
            return True
        if name in (CONTENT_TYPE, "application/json", "application/*", "*/*"):
            return False
    return False


def _named(request: Request) -> str:
    """The path for the log: as the route has it, since a path may have the token of a person's link in it."""
    if pattern := getattr(request.scope.get("route"), "path", ""):
        return str(pattern)
    first, *further = request.url.path[1:].split("/", 1)
    return f"/{quote(first[:_MOST_OF_A_PATH])}{'/…' if further else ''}"


def _for_people_too(handler: ErrorHandler, page: Pages) -> ErrorHandler:
    async def handle(request: Request, error: Exception) -> Response:
        document = await handler(request, error)
        if not prefers_html(request.headers.get("accept", "")):
            return document
        if document.status_code == HTTPStatus.UNAUTHORIZED:
            return RedirectResponse(f"/login?next={quote(_here(request))}", HTTPStatus.SEE_OTHER)
        status, detail = document.status_code, str(json.loads(bytes(document.body)).get("detail", ""))
        context = {"status": status, "why": why(status, detail, page.language(request))}
        return page(request, "error.html", context, status)

    return handle


def _here(request: Request) -> str:
    """The page to come back to: a form that was sent can't be sent again by a link."""
    if request.method != "GET":
        return "/"
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


BESIDE: dict[int, dict[str, str]] = {
    HTTPStatus.UNAUTHORIZED: {"WWW-Authenticate": 'Bearer realm="yinfeng"'},
    HTTPStatus.TOO_MANY_REQUESTS: {"Retry-After": "60"},
}
HANDLERS: dict[type[Exception], ErrorHandler] = {
    Refused: refused,
    Unavailable: unavailable,
    ConcurrentChange: unavailable,
    RequestValidationError: invalid_request,
    HTTPException: http_error,
    Exception: unexpected,
}
