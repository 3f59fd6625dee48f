"""`/welcome/{token}`: where a one-time link leads: the first organizer, an invitation, a new password."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import Response

from dashboard.access.office import Office, address_of
from dashboard.access.passwords import fault
from dashboard.access.signing_in import HOME, let_account_in
from dashboard.parameters import Password
from schemas.errors import Conflict, NotFound, Refused
from storage.access import accounts, audit, credentials, once
from storage.access.accounts import Account
from storage.access.audit import Who
from storage.access.once import Link
from storage.database import Conn, borrowed

OPENS: Final[tuple[once.OncePurpose, ...]] = ("first", "invitation", "reset", "forgotten")

TypedEmail = Annotated[str, Form(max_length=254, pattern=r"^[^\x00]*$")]
TypedName = Annotated[str, Form(max_length=200, pattern=r"^[^\x00]*$")]


@dataclass(frozen=True, slots=True)
class _Opened:
    """A link that somebody opened; `account`: None for the first organizer's, who has none yet."""

    token: str
    link: Link
    account: Account | None


def make_router(office: Office) -> APIRouter:
    """The pages: who holds the link may use it once. Looking at it does not use it up: mail scanners look."""
    router = APIRouter(include_in_schema=False)

    @router.get("/welcome/{token}")
    async def show(request: Request, token: str) -> Response:
        async with borrowed(office.pool) as conn:
            try:
                link, account = await _found(conn, token)
            except NotFound:
                return _draw(office, request, None, None, status=404)
        return _draw(office, request, link, account)

    @router.post("/welcome/{token}", dependencies=[Depends(office.cookies.require_own_form)])
    async def take_up(
        *,
        request: Request,
        token: str,
        email: TypedEmail = "",
        name: TypedName = "",
        password: Password = "",
        again: Password = "",
    ) -> Response:
        async with borrowed(office.pool) as conn:
            try:
                link, account = await _found(conn, token)
            except NotFound:
                return _draw(office, request, None, None, status=404)
            typed = {"email": account.email if account else email.strip(), "name": name.strip()}
            wrong = _wrong(typed, password, again, first=account is None)
            if wrong:
                return _draw(office, request, link, account, status=422, typed=typed, wrong=wrong)
            opened = _Opened(token, link, account)
            return await _take_up(conn, office, request, opened, typed | {"password": password})

    return router


async def _found(conn: Conn, token: str) -> tuple[Link, Account | None]:
    link = await once.find(conn, token, *OPENS)
    if link.account is None:
        if await accounts.has_organizer(conn):  # somebody was quicker, by another link
            raise NotFound("the first organizer is made")
        return link, None
    account = await accounts.fetch(conn, link.account)
    if account.disabled_at:
        raise NotFound("the account is shut")
    return link, account


def _wrong(typed: dict[str, str], password: str, again: str, *, first: bool) -> dict[str, str]:
    """What is wrong, by field, as keys of texts."""
    found: dict[str, str] = {}
    if first and not typed["name"]:
        found["name"] = "form.required"
    if first and not typed["email"]:
        found["email"] = "form.required"
    if bad := fault(password, email=typed["email"]):
        found["password"] = bad
    elif password != again:
        found["again"] = "password.differs"
    return found


async def _take_up(
    conn: Conn,
    office: Office,
    request: Request,
    opened: _Opened,
    typed: dict[str, str],
) -> Response:
    link, account = opened.link, opened.account
    hashed = await office.passwords.hashed(typed["password"])
    try:
        async with conn.transaction():
            await once.use(conn, opened.token)
            account = account or await _first(conn, typed)
            await credentials.renew(conn, account, hashed)
            by = Who(account.poster, account.name, address_of(request))
            await audit.add(conn, by, ACTIONS[link.purpose], subject=account.email)
    except (Conflict, Refused) as error:
        if isinstance(error, NotFound):
            return _draw(office, request, None, None, status=404)
        return _draw(office, request, link, None, status=422, typed=typed, wrong={"email": "form.email"})
    if account.totp:  # a link from a mail is one factor; the telephone is the other
        return await _ask_for_code(conn, office, request, account)
    return await let_account_in(conn, office, request, account, HOME)


async def _ask_for_code(conn: Conn, office: Office, request: Request, account: Account) -> Response:
    ticket = await once.make(conn, "second", account.account)
    office.cookies.begin_visit(request)
    context = {"next": HOME, "wrong": None, "email": "", "ticket": ticket}
    return office.page(request, "access/login.html", context)


async def _first(conn: Conn, typed: dict[str, str]) -> Account:
    made = await accounts.create(conn, email=typed["email"], name=typed["name"], role="organizer")
    return await accounts.fetch(conn, made)


def _draw(
    office: Office, request: Request, link: Link | None, account: Account | None, *, status: int = 200, **more: Any
) -> Response:
    office.cookies.begin_visit(request)
    context = {"opened": link, "account": account, "typed": {"email": "", "name": ""}, "wrong": {}, **more}
    return office.page(request, "access/welcome.html", context, status)


ACTIONS: Final[dict[str, str]] = {
    "first": "first_organizer_made",
    "invitation": "invitation_taken",
    "reset": "password_set",
    "forgotten": "password_set",
}
