"""`/login/provider`: in by an identity provider, for those who have an account here. It makes none: who may do what is
said here, by invitation. A second factor is the provider's own affair."""

from __future__ import annotations

import hmac
import logging
from dataclasses import astuple
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from itsdangerous import BadSignature, URLSafeTimedSerializer

from dashboard.access import guessing
from dashboard.access.office import Office, address_of, stranger
from dashboard.access.provider import Attempt, Provider, ProviderIdentity, attempt
from dashboard.access.signing_in import form_page, let_account_in, local
from schemas.errors import Unauthorized, Unavailable
from storage.access import accounts, audit, throttles
from storage.access.accounts import Account
from storage.access.audit import Who
from storage.database import Conn, borrowed
from storage.messages.link_secret import load_secret

log = logging.getLogger(__name__)

LASTS: Final = 600  # seconds for showing who one is
AT: Final = "/login/provider"
BACK: Final = "/login/provider/back"
_COOKIE: Final = "yinfeng_provider"
_MOST: Final = 4000


def make_router(office: Office, provider: Provider) -> APIRouter:
    """The way there and the way back, open to all."""
    router = APIRouter(include_in_schema=False)

    @router.get(AT)
    async def go(request: Request) -> Response:
        made = attempt(local(request.query_params.get("next")))
        try:
            there = await provider.address(made)
        except Unavailable as error:
            log.warning("nobody can sign in by the provider: %s", error)
            return form_page(office, request, made.next, 503, wrong="provider_away")
        answer = RedirectResponse(there, 303)
        kept = (await _signer(office)).dumps(astuple(made))
        name, is_safe = office.cookies.named(_COOKIE), office.cookies.secure
        answer.set_cookie(name, str(kept), max_age=LASTS, httponly=True, samesite="lax", secure=is_safe, path="/")
        return answer

    @router.get(BACK)
    async def back(request: Request) -> Response:
        answer = await _back(office, provider, request)
        name, is_safe = office.cookies.named(_COOKIE), office.cookies.secure
        answer.delete_cookie(name, httponly=True, samesite="lax", secure=is_safe, path="/")
        return answer

    return router


async def _back(office: Office, provider: Provider, request: Request) -> Response:
    made = await _kept(office, request)
    if made is None or not hmac.compare_digest(made.state.encode(), _given(request, "state").encode()):
        return form_page(office, request, "/", 401, wrong="provider_late")
    async with borrowed(office.pool) as conn:
        await guessing.attempt(conn, guessing.from_address(address_of(request)))
    try:
        identity = await provider.identity(made, _given(request, "code"))
    except Unavailable as error:
        log.warning("nobody can sign in by the provider: %s", error)
        return form_page(office, request, made.next, 503, wrong="provider_away")
    except Unauthorized as error:
        log.warning("somebody could not sign in by the provider: %s", error)
        return form_page(office, request, made.next, 401, wrong="provider_refused")
    async with borrowed(office.pool) as conn:
        account = await accounts.by_subject(conn, identity.issuer, identity.subject)
        account = account or await _bound(conn, request, identity)
        if account is None or account.disabled_at:
            await audit.add(conn, stranger(identity.email or identity.subject, request), "sign_in_failed")
            wrong = "provider_nobody" if identity.email else "provider_refused"
            return form_page(office, request, made.next, 401, wrong=wrong, email=identity.email)
        await throttles.give_back(conn, guessing.from_address(address_of(request)).name)
        return await let_account_in(conn, office, request, account, made.next)


async def _bound(conn: Conn, request: Request, identity: ProviderIdentity) -> Account | None:
    """The account of this address, which is this person's from now on; None where there is none, or it is somebody
    else's already: an address that a house gives to a new person opens nothing of the old one's."""
    if identity.email is None:
        return None
    account = await accounts.by_email(conn, identity.email)
    if account is None or account.disabled_at or not _is_same(account.email, identity.email):
        return None
    async with conn.transaction():
        if not await accounts.bind(conn, account.account, identity.issuer, identity.subject):
            return None
        by = Who(account.poster, account.name, address_of(request))
        await audit.add(conn, by, "account_bound", subject=account.email)
    return account


async def _kept(office: Office, request: Request) -> Attempt | None:
    """What this browser set out with, not long ago."""
    try:
        signed = request.cookies.get(office.cookies.named(_COOKIE), "")[:_MOST]
        return Attempt(*(await _signer(office)).loads(signed, max_age=LASTS))
    except (BadSignature, TypeError):
        return None


def _is_same(address: str, other: str) -> bool:
    """Whatever the case of plain letters: the database folds others too, some of which are another address's."""
    return address.encode().lower() == other.encode("utf-8", "replace").lower()


async def _signer(office: Office) -> URLSafeTimedSerializer:
    async with borrowed(office.pool) as conn:
        return URLSafeTimedSerializer(await load_secret(conn), salt="yinfeng.provider")


def _given(request: Request, name: str) -> str:
    return request.query_params.get(name, "")[:_MOST]
