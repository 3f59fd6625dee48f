"""`/accounts`: people and machines that may come in. For organizers who may enter every campaign."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from dashboard.access.account_mails import MailPurpose, letter
from dashboard.access.office import Office, address_of, of_all_campaigns
from dashboard.languages import language
from dashboard.parameters import PathId, WordQuery
from schemas.access import Authenticate, Caller
from schemas.errors import ConfigurationError, Conflict, Refused
from schemas.names import by_name, called
from storage.access import accounts, audit, keys, once, sessions
from storage.campaigns import employers, reads
from storage.database import Conn, borrowed

HERE = "/accounts"
NEEDS_EMPLOYER = {"key_employer": "accounts.needs_employer"}
TypedWord = Annotated[str, Form(max_length=254, pattern=r"^[^\x00]*$")]
_MOST_CAMPAIGNS = 200


def make_router(office: Office, authenticate: Authenticate) -> APIRouter:
    """The pages."""
    router = APIRouter(include_in_schema=False)

    some = Depends(of_all_campaigns(authenticate))
    _add_inviting(router, office, some)
    _add_shutting(router, office, some)
    _add_keys(router, office, some)
    return router


def _add_inviting(router: APIRouter, office: Office, some: Any) -> None:
    @router.get(HERE)
    async def show(request: Request, role: WordQuery = "", employer: WordQuery = "", caller: Caller = some) -> Response:
        asked = {"role": role, "employer": employer} if role or employer else {}
        return await _draw(office, request, typed=asked, inviting=bool(asked))

    @router.post(f"{HERE}/invite")
    async def invite(
        *,
        request: Request,
        email: TypedWord = "",
        name: TypedWord = "",
        role: TypedWord = "viewer",
        employer: TypedWord = "",
        campaigns: Annotated[list[str] | None, Form(max_length=_MOST_CAMPAIGNS)] = None,
        caller: Caller = some,
    ) -> Response:
        typed = {"email": email.strip(), "name": name.strip(), "role": role, "employer": employer.strip()}
        if not typed["name"]:
            return await _draw(office, request, typed=typed, wrong={"name": "form.required"}, status=422)
        try:
            async with borrowed(office.pool) as conn, conn.transaction():
                meant = typed | {"employer": await _employer(conn, typed["employer"])}
                made = await accounts.create(conn, **meant, campaigns=campaigns)
                token = await once.make(conn, "invitation", made)
                await _note(conn, request, caller, "account_invited", typed["email"])
        except (Refused, Conflict) as error:
            return await _draw(office, request, typed=typed, wrong={_field(error): _why(error)}, status=422)
        handed_on = await _hand_on(office, request, "invitation", (typed["email"], typed["name"]), token)
        return await _draw(office, request, **handed_on)

    @router.post(f"{HERE}/{{account}}/link")
    async def link(request: Request, account: PathId, caller: Caller = some) -> Response:
        async with borrowed(office.pool) as conn, conn.transaction():
            known = await accounts.fetch(conn, account)
            purpose: MailPurpose = "reset" if known.password else "invitation"
            token = await once.make(conn, purpose, account)
            await _note(conn, request, caller, "link_made", known.email)
        handed_on = await _hand_on(office, request, purpose, (known.email, known.name), token)
        return await _draw(office, request, **handed_on)


def _add_shutting(router: APIRouter, office: Office, some: Any) -> None:
    @router.post(f"{HERE}/{{account}}/disable")
    async def disable(request: Request, account: PathId, caller: Caller = some) -> Response:
        if account == caller.key:
            raise Conflict("nobody shuts the account that they are signed in with")
        async with borrowed(office.pool) as conn, conn.transaction():
            known = await accounts.fetch(conn, account)
            await accounts.set_disabled(conn, account, disabled=True)
            await sessions.end_all(conn, account)
            await once.revoke(conn, account)
            await _note(conn, request, caller, "account_disabled", known.email)
        return RedirectResponse(HERE, 303)

    @router.post(f"{HERE}/{{account}}/enable")
    async def enable(request: Request, account: PathId, caller: Caller = some) -> Response:
        async with borrowed(office.pool) as conn, conn.transaction():
            known = await accounts.fetch(conn, account)
            await accounts.set_disabled(conn, account, disabled=False)
            await _note(conn, request, caller, "account_enabled", known.email)
        return RedirectResponse(HERE, 303)


def _add_keys(router: APIRouter, office: Office, some: Any) -> None:
    @router.post(f"{HERE}/keys")
    async def make(
        request: Request,
        name: TypedWord = "",
        role: TypedWord = "viewer",
        employer: TypedWord = "",
        caller: Caller = some,
    ) -> Response:
        typed = {"key_name": name.strip(), "key_role": role, "key_employer": employer.strip()}
        if not name.strip():
            return await _draw(office, request, typed=typed, wrong={"key_name": "form.required"}, status=422)
        try:
            async with borrowed(office.pool) as conn, conn.transaction():
                stands_for = await _employer(conn, employer.strip())
                key = await keys.create(conn, name=name.strip(), role=role, employer=stands_for or None)
                await _note(conn, request, caller, "key_made", name.strip())
        except ConfigurationError:
            return await _draw(office, request, typed=typed, wrong=NEEDS_EMPLOYER, status=422)
        return await _draw(office, request, key=key)

    @router.post(f"{HERE}/keys/{{key}}/revoke")
    async def revoke(request: Request, key: PathId, caller: Caller = some) -> Response:
        async with borrowed(office.pool) as conn, conn.transaction():
            await keys.revoke(conn, key)
            await sessions.end_all(conn, key)
            await _note(conn, request, caller, "key_revoked", key)
        return RedirectResponse(HERE, 303)


async def _employer(conn: Conn, typed: str) -> str:
    """The id of the employer that is called so; what is no name is an id."""
    return by_name(await employers.everywhere(conn)).get(typed, typed)


async def _note(conn: Conn, request: Request, caller: Caller, action: str, subject: str) -> None:
    await audit.add(conn, audit.who(caller, address_of(request)), action, subject=subject)


async def _hand_on(
    office: Office, request: Request, purpose: MailPurpose, person: tuple[str, str], token: str
) -> dict[str, Any]:
    """The link for the page, and by mail where mail goes out; `mailed` says whether it did."""
    link = f"{office.base_url}/welcome/{token}"
    mailed = office.mails and await office.post(letter(purpose, *person, link, language(request)))
    return {"made_link": link, "link_to": person[0], "mailed": mailed}


def _field(error: Refused) -> str:
    return "employer" if "employer" in error.detail else "email"


def _why(error: Refused) -> str:
    if isinstance(error, Conflict):
        return "accounts.known"
    return "accounts.needs_employer" if "employer" in error.detail else "form.email"


async def _draw(office: Office, request: Request, *, status: int = 200, **more: Any) -> Response:
    lang = language(request)
    async with borrowed(office.pool) as conn:
        known = {row["employer"]: row for row in await employers.everywhere(conn)}
        context: dict[str, Any] = {
            "employers": {id: called(row, lang, id) for id, row in known.items()},
            "accounts": await accounts.listed(conn),
            "keys": await keys.listed(conn),
            "titles": {c["campaign"]: c["title"] for c in await reads.campaigns(conn, limit=_MOST_CAMPAIGNS)},
        }
    context["campaigns"] = list(context["titles"].items())
    nothing = {"made_link": None, "link_to": None, "mailed": False, "key": None}
    given = {"typed": {}, "wrong": {}, "inviting": False, **nothing, **more}
    return office.page(request, "access/accounts.html", context | given, status)
