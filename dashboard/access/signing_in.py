"""`/login` and `/logout`: in by address and password, with a second factor where there is one, or with a key."""

from __future__ import annotations

from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from dashboard.access import guessing
from dashboard.access.office import Office, address_of, stranger
from schemas.errors import NotFound, Unauthorized
from storage.access import accounts, audit, keys, once, sessions, throttles
from storage.access.accounts import Account
from storage.access.audit import Who
from storage.database import Conn, borrowed

HOME: Final = "/"
_MAX_KEY: Final = 200
_MAX_PATH: Final = 2000
_MAX_EMAIL: Final = 254
_MAX_PASSWORD: Final = 300

NextPage = Annotated[str, Form(max_length=_MAX_PATH)]


def make_router(office: Office) -> APIRouter:
    """The pages, open to all."""
    router = APIRouter(include_in_schema=False)
    own = [Depends(office.cookies.require_own_form)]
    _add_in(router, office, own)
    _add_out(router, office, own)
    return router


def _add_in(router: APIRouter, office: Office, own: list[Any]) -> None:
    @router.get("/login")
    async def form(request: Request) -> Response:
        return form_page(office, request, local(request.query_params.get("next")))

    @router.post("/login", dependencies=own)
    async def log_in(
        request: Request,
        email: Annotated[str, Form(max_length=_MAX_EMAIL)] = "",
        password: Annotated[str, Form(max_length=_MAX_PASSWORD)] = "",
        key: Annotated[str, Form(max_length=_MAX_KEY)] = "",
        next: NextPage = HOME,
    ) -> Response:
        async with borrowed(office.pool) as conn:
            await guessing.attempt(conn, guessing.from_address(address_of(request)))
        if key.strip():
            return await _by_key(office, request, key.strip(), local(next))
        address = "".join(each for each in email if each.isprintable()).strip()
        return await _by_password(office, request, address, password, local(next))

    @router.post("/login/code", dependencies=own)
    async def log_in_further(
        request: Request,
        ticket: Annotated[str, Form(max_length=_MAX_KEY)] = "",
        code: Annotated[str, Form(max_length=_MAX_KEY)] = "",
        next: NextPage = HOME,
    ) -> Response:
        return await _by_code(office, request, ticket, code, local(next))


def _add_out(router: APIRouter, office: Office, own: list[Any]) -> None:
    @router.post("/logout", dependencies=own)
    async def log_out(request: Request) -> Response:
        async with borrowed(office.pool) as conn:
            await sessions.end(conn, office.cookies.token(request))
        response = RedirectResponse("/login", 303)
        office.cookies.let_out(response)
        return response


def form_page(office: Office, request: Request, next: str, status: int = 200, **more: Any) -> Response:
    """The page with the form; `wrong` names what was wrong."""
    office.cookies.begin_visit(request)
    context = {"next": next, "wrong": None, "email": "", "ticket": None, "provider": office.provider, **more}
    return office.page(request, "access/login.html", context, status)


async def _by_key(office: Office, request: Request, token: str, next: str) -> Response:
    try:
        async with borrowed(office.pool) as conn:
            caller = await keys.verify(conn, token)
            await throttles.give_back(conn, guessing.from_address(address_of(request)).name)
            return await _let_in(conn, office, request, next, audit.who(caller, address_of(request)), key=caller.key)
    except Unauthorized:
        return form_page(office, request, next, 401, wrong="key")


async def _by_password(office: Office, request: Request, email: str, password: str, next: str) -> Response:
    async with borrowed(office.pool) as conn:
        account = await accounts.by_email(conn, email)
        pair, whole = guessing.of_password(account, email, address_of(request))
        await guessing.attempt(conn, pair, whole)
    right = await office.passwords.is_right(password, account.password if account else None)
    if account is None or not right or account.disabled_at:
        async with borrowed(office.pool) as conn:
            await audit.add(conn, stranger(email, request), "sign_in_failed")
        return form_page(office, request, next, 401, wrong="password", email=email)
    async with borrowed(office.pool) as conn:
        await throttles.forget(conn, pair.name)
        for each in (whole, guessing.from_address(address_of(request))):
            await throttles.give_back(conn, each.name)
        if account.totp:
            ticket = await once.make(conn, "second", account.account)
            return form_page(office, request, next, ticket=ticket)
        return await let_account_in(conn, office, request, account, next)


async def _by_code(office: Office, request: Request, ticket: str, code: str, next: str) -> Response:
    async with borrowed(office.pool) as conn:
        try:
            link = await once.find(conn, ticket, "second")
            account = await accounts.fetch(conn, link.account or "")
        except NotFound:
            return form_page(office, request, next, 401, wrong="late")
        if account.disabled_at or not await guessing.try_code(conn, account, code, office.clock()):
            await audit.add(conn, _as(account, request), "second_factor_failed")
            return form_page(office, request, next, 401, wrong="code", ticket=ticket)
        await once.use(conn, ticket)
        return await let_account_in(conn, office, request, account, next)


async def let_account_in(conn: Conn, office: Office, request: Request, account: Account, next: str) -> Response:
    """Start a session of an account whose holder has shown who they are."""
    return await _let_in(conn, office, request, next, _as(account, request), account=account.account)


async def _let_in(
    conn: Conn,
    office: Office,
    request: Request,
    next: str,
    by: Who,
    *,
    account: str | None = None,
    key: str | None = None,
) -> Response:
    agent = request.headers.get("user-agent", "")
    async with conn.transaction():
        await sessions.end(conn, office.cookies.token(request))
        token = await sessions.start(conn, account=account, key=key, ip=address_of(request), agent=agent)
        await audit.add(conn, by, "signed_in")
    response = RedirectResponse(next, 303)
    office.cookies.let_in(response, token)
    return response


def _as(account: Account, request: Request) -> Who:
    return Who(account.poster, account.name, address_of(request))


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
