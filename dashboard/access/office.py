"""What the pages of access share: the pool, the renderer, the cookies, the passwords, the clock."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import Request
from psycopg_pool import AsyncConnectionPool

from dashboard.access.account_mails import Post
from dashboard.access.cookies import Cookies
from dashboard.access.passwords import Passwords
from dashboard.drawing import Clock, Page
from schemas.access import Authenticate, Caller
from storage.access.audit import Who
from storage.database import Conn


@dataclass(frozen=True, slots=True)
class Office:
    """`base_url`: where the outside reaches the pages, for links that are handed on; `post` sends mails, which leave
    this platform if `mails`; `provider`: what people call the identity provider, where there is one."""

    pool: AsyncConnectionPool[Conn]
    page: Page
    cookies: Cookies
    passwords: Passwords
    clock: Clock
    base_url: str
    mails: bool
    post: Post
    provider: str | None = None


def of_all_campaigns(authenticate: Authenticate) -> Authenticate:
    """A dependency that lets in organizers who may enter every campaign. Raises Forbidden."""

    async def manager(request: Request) -> Caller:
        caller = await authenticate(request)
        caller.require("organizer")
        caller.require_all_campaigns()
        return caller

    return manager


def address_of(request: Request) -> str:
    """The address that a request came from, as far as the server knows it."""
    return request.client.host if request.client else ""


def stranger(name: str, request: Request) -> Who:
    """Somebody who is not signed in, for the audit."""
    return Who(None, name[:200], address_of(request))
