"""Who sends a request: by the key that it carries, or by the session of an account."""

from __future__ import annotations

from fastapi import Request
from psycopg_pool import AsyncConnectionPool

from dashboard.access.cookies import Cookies
from schemas.access import Authenticate, Caller
from schemas.errors import Unauthorized
from storage.access import keys, sessions
from storage.database import Conn, borrowed
from yinfeng.web.campaign_limits import keep_to_campaigns

_MISSING = "a key is needed: Authorization: Bearer …, or sign in at /login"


def make_authenticate(pool: AsyncConnectionPool[Conn], cookies: Cookies) -> Authenticate:
    """A dependency that gives the caller by bearer key or by session, or raises Unauthorized; Forbidden when a browser
    sends what was not drawn for it, or the caller may not enter the campaign that the request is about."""

    known = keys.Keys(pool)

    async def authenticate(request: Request) -> Caller:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            caller, request.state.session = await known.verify(token.strip()), None
        else:
            caller = await _by_session(pool, cookies, request)
        keep_to_campaigns(caller, request)
        request.state.caller = caller  # for the page's head, also where an error follows
        return caller

    return authenticate


async def _by_session(pool: AsyncConnectionPool[Conn], cookies: Cookies, request: Request) -> Caller:
    token = cookies.token(request)
    if not token:
        raise Unauthorized(_MISSING)
    async with borrowed(pool) as conn:
        caller, request.state.session = await sessions.verify(conn, token)
    if request.method not in ("GET", "HEAD"):
        await cookies.require_own_form(request)
    return caller
