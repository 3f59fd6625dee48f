"""Logging in with a key: it becomes a cookie that scripts can't read. Logging out takes it away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Final
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from psycopg_pool import AsyncConnectionPool

from schemas.access import COOKIE
from schemas.errors import Unauthorized
from storage import keys
from storage.database import Conn, borrowed

Page = Callable[..., HTMLResponse]

HOME: Final = "/"
_REMEMBERED: Final = 30 * 24 * 3600  # seconds
_MAX_KEY: Final = 200
_MAX_PATH: Final = 2000


def make_router(pool: AsyncConnectionPool[Conn], page: Page) -> APIRouter:
    """`/login` and `/logout`, open to all."""
    router = APIRouter(include_in_schema=False)

    @router.get("/login")
    async def form(request: Request) -> Response:
        return page(request, "login.html", {"next": local(request.query_params.get("next")), "wrong": False})

    @router.post("/login")
    async def log_in(
        request: Request,
        key: Annotated[str, Form(max_length=_MAX_KEY)] = "",
        next: Annotated[str, Form(max_length=_MAX_PATH)] = HOME,
    ) -> Response:
        token = key.strip()
        try:
            async with borrowed(pool) as conn:
                await keys.verify(conn, token)
        except Unauthorized:
            return page(request, "login.html", {"next": local(next), "wrong": True}, 401)
        response = RedirectResponse(local(next), 303)
        secure = request.url.scheme == "https"
        response.set_cookie(COOKIE, token, max_age=_REMEMBERED, httponly=True, samesite="lax", secure=secure)
        return response

    @router.post("/logout")
    async def log_out() -> Response:
        response = RedirectResponse("/login", 303)
        response.delete_cookie(COOKIE, httponly=True, samesite="lax")
        return response

    return router


def local(path: str | None) -> str:
    """The path if it leads to a page of ours, else the home page: a link to /login must not send anybody elsewhere."""
    if not path or len(path) > _MAX_PATH or not path.startswith("/") or path.startswith("//"):
        return HOME
    if "\\" in path or not path.isprintable():
        return HOME
    try:
        parts = urlsplit(path)
    except ValueError:
        return HOME
    return HOME if parts.scheme or parts.netloc else path
