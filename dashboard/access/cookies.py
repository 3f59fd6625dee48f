"""The cookies of browsers, and the word that shows that a form was drawn for the browser that sends it (CSRF).

The word is drawn from the cookie, which no other site can read: the session's, or before signing in a visit's.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from fastapi import Request
from fastapi.responses import Response

from schemas.errors import Forbidden

FIELD: Final = "csrf"
HEADER: Final = "x-csrf-token"
_NO_FORMS: Final = "/v1/"
_SESSION: Final = "yinfeng_session"
_VISIT: Final = "yinfeng_visit"
_PURPOSE: Final = b"yinfeng.csrf"
_LASTS: Final = 30 * 24 * 3600  # seconds
_MOST: Final = 200
_FOREIGN: Final = "this came from another site; open the page here and try again"
_STALE: Final = "this form is out of date; open the page again and send it once more"


@dataclass(frozen=True, slots=True)
class Cookies:
    """Names and attributes of the cookies; `secure` where the public address is https."""

    secure: bool

    @property
    def session(self) -> str:
        """The name of the session's cookie."""
        return self.named(_SESSION)

    @property
    def visit(self) -> str:
        return self.named(_VISIT)

    def named(self, name: str) -> str:
        """A cookie's name as browsers get it. `__Host-`: no other host of the domain can set it."""
        return f"__Host-{name}" if self.secure else name

    def token(self, request: Request) -> str:
        """What the session's cookie holds; nothing where there is none."""
        return request.cookies.get(self.session, "")[:_MOST]

    def begin_visit(self, request: Request) -> None:
        """Make sure that the form drawn for this request can be told from one of another site."""
        if not self._secret(request):
            request.state.visit = secrets.token_urlsafe(32)

    def csrf(self, request: Request) -> str:
        """The word for the forms of this request's page; nothing where the browser has no cookie of ours."""
        secret = self._secret(request) or getattr(request.state, "visit", "")
        return _word(secret) if secret else ""

    def let_in(self, response: Response, token: str) -> None:
        """Have the browser signed in."""
        response.set_cookie(
            self.session, token, max_age=_LASTS, httponly=True, samesite="lax", secure=self.secure, path="/"
        )
        response.delete_cookie(self.visit, httponly=True, samesite="lax", secure=self.secure)

    def let_out(self, response: Response) -> None:
        response.delete_cookie(self.session, httponly=True, samesite="lax", secure=self.secure)

    def keep_visit(self, request: Request, response: Response) -> None:
        """Set the visit's cookie where this request began one."""
        if visit := getattr(request.state, "visit", ""):
            response.set_cookie(self.visit, visit, httponly=True, samesite="lax", secure=self.secure, path="/")

    async def require_own_form(self, request: Request) -> None:
        """Raises Forbidden when what is sent was not drawn for this browser, or comes from another site. Under `/v1/`
        the word comes in the header alone: bodies there are large, and read by whoever they are for."""
        if from_elsewhere(request):
            raise Forbidden(_FOREIGN)
        secret = self._secret(request)
        given = request.headers.get(HEADER) or await _word_of_form(request)
        if not secret or not hmac.compare_digest(_word(secret).encode(), given.encode("utf-8", "surrogatepass")):
            raise Forbidden(_STALE)

    def _secret(self, request: Request) -> str:
        return self.token(request) or request.cookies.get(self.visit, "")[:_MOST]


def from_elsewhere(request: Request) -> bool:
    """Whether another site has a browser do something here."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return True
    origin = request.headers.get("origin")
    return origin is not None and _host(origin) != request.headers.get("host", "")


async def _word_of_form(request: Request) -> str:
    if request.scope["path"].startswith(_NO_FORMS):
        return ""
    return str((await request.form()).get(FIELD) or "")


def _host(origin: str) -> str:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""


def _word(secret: str) -> str:
    return hmac.digest(secret.encode("utf-8", "surrogatepass"), _PURPOSE, hashlib.sha256).hex()
