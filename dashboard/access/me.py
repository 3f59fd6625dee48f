"""`/accounts/me`: one's own password, second factor and sessions."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from dashboard.access import guessing, second_factor
from dashboard.access.office import Office, address_of
from dashboard.access.passwords import fault
from dashboard.parameters import Password, Short
from schemas.access import Authenticate, Caller
from schemas.errors import Conflict, Forbidden
from storage.access import accounts, audit, credentials, sessions, throttles
from storage.access.accounts import Account
from storage.database import Conn, borrowed

HERE = "/accounts/me"


def make_router(office: Office, authenticate: Authenticate) -> APIRouter:
    """The page and what it does; for whoever is signed in."""
    router = APIRouter(include_in_schema=False)
    some = Depends(authenticate)

    @router.get(HERE)
    async def show(request: Request, caller: Caller = some) -> Response:
        return await _draw(office, request, caller)

    @router.post(f"{HERE}/password")
    async def change(
        request: Request, now: Password = "", password: Password = "", again: Password = "", caller: Caller = some
    ) -> Response:
        account = await _account(office, caller)
        if not await _is_own(office, account, now):
            return await _draw(office, request, caller, wrong={"now": "password.not_right"}, status=422)
        if bad := fault(password, email=account.email):
            return await _draw(office, request, caller, wrong={"password": bad}, status=422)
        if password != again:
            return await _draw(office, request, caller, wrong={"again": "password.differs"}, status=422)
        hashed = await office.passwords.hashed(password)
        async with borrowed(office.pool) as conn, conn.transaction():
            await credentials.renew(conn, account, hashed, but=request.state.session)
            await audit.add(conn, audit.who(caller, address_of(request)), "password_set", subject=account.email)
        return RedirectResponse(f"{HERE}?done=password", 303)

    @router.post(f"{HERE}/sessions/end")
    async def end(request: Request, session: Short = "", caller: Caller = some) -> Response:
        async with borrowed(office.pool) as conn:
            if session:
                await sessions.end_one(conn, caller.key, session)
            else:
                await sessions.end_all(conn, caller.key, but=request.state.session)
            await audit.add(conn, audit.who(caller, address_of(request)), "sessions_ended", subject=caller.name)
        return RedirectResponse(HERE, 303)

    _add_second(router, office, some)
    return router


def _add_second(router: APIRouter, office: Office, some: Any) -> None:
    @router.post(f"{HERE}/second-factor")
    async def second(
        *,
        request: Request,
        secret: Short = "",
        code: Short = "",
        current: Password = "",
        off: Short = "",
        caller: Caller = some,
    ) -> Response:
        account = await _account(office, caller)
        if not await _is_own(office, account, current):
            wrong = {"current": "password.not_right"}
            return await _draw(office, request, caller, wrong=wrong, secret=secret, status=422)
        if off:
            return await _end_second(office, request, caller, account, code)
        return await _begin_second(office, request, caller, account, (secret, code))


async def _account(office: Office, caller: Caller) -> Account:
    if caller.holder != "account":
        raise Forbidden("this is for people with an account; you are signed in with a key")
    async with borrowed(office.pool) as conn:
        return await accounts.fetch(conn, caller.key)


async def _is_own(office: Office, account: Account, password: str) -> bool:
    """Whether who is signed in knows the account's password: a session that somebody else took is not enough."""
    limit = guessing.of_own_password(account)
    async with borrowed(office.pool) as conn:
        await guessing.attempt(conn, limit)
    if not await office.passwords.is_right(password, account.password):
        return False
    async with borrowed(office.pool) as conn:
        await throttles.forget(conn, limit.name)
    return True


async def _begin_second(
    office: Office, request: Request, caller: Caller, account: Account, typed: tuple[str, str]
) -> Response:
    secret, code = typed
    step = second_factor.step_of(secret, code, office.clock()) if _is_secret(secret) else None
    if step is None:
        return await _draw(office, request, caller, wrong={"code": "second.wrong"}, secret=secret, status=422)
    codes = second_factor.new_recovery_codes()
    try:
        async with borrowed(office.pool) as conn, conn.transaction():
            await accounts.set_second_factor(conn, account.account, secret, step, codes)
            await sessions.end_all(conn, account.account, but=request.state.session)
            await audit.add(conn, audit.who(caller, address_of(request)), "second_factor_set", subject=account.email)
    except Conflict:
        return await _draw(office, request, caller, wrong={"code": "second.stands"}, status=409)
    return await _draw(office, request, caller, codes=codes)


async def _end_second(office: Office, request: Request, caller: Caller, account: Account, code: str) -> Response:
    async with borrowed(office.pool) as conn:
        right = await guessing.try_code(conn, account, code, office.clock())
        if right:
            await accounts.end_second_factor(conn, account.account)
            await audit.add(conn, audit.who(caller, address_of(request)), "second_factor_ended", subject=account.email)
    if not right:
        return await _draw(office, request, caller, wrong={"code": "second.wrong"}, status=422)
    return RedirectResponse(HERE, 303)


def _is_secret(text: str) -> bool:
    return len(text) == 32 and all(each in "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567" for each in text)


async def _draw(
    office: Office,
    request: Request,
    caller: Caller,
    *,
    wrong: dict[str, str] | None = None,
    codes: list[str] | None = None,
    secret: str = "",
    status: int = 200,
) -> Response:
    async with borrowed(office.pool) as conn:
        context = await _context(conn, caller, secret)
    context |= {"wrong": wrong or {}, "codes": codes, "here": request.state.session}
    return office.page(request, "access/me.html", context, status)


async def _context(conn: Conn, caller: Caller, secret: str) -> dict[str, Any]:
    account = await accounts.fetch(conn, caller.key) if caller.holder == "account" else None
    fresh = secret if _is_secret(secret) else second_factor.new_secret()
    return {
        "account": account,
        "sessions": await sessions.of(conn, caller.key),
        "codes_left": await accounts.recovery_codes_left(conn, caller.key) if account else 0,
        "secret": fresh,
        "qr": second_factor.qr(fresh, account.email) if account else "",
    }
