"""`/login/forgotten`: a mail with a link for a new password. What the page answers tells nobody who has an account."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import Response
from starlette.background import BackgroundTask

from dashboard.access.account_mails import letter
from dashboard.access.office import Office, address_of
from dashboard.languages import Lang, language
from schemas.errors import TooMany, Unavailable
from storage.access import accounts, audit, once, throttles
from storage.access.audit import Who
from storage.database import borrowed

log = logging.getLogger(__name__)

MOST: Final = 5  # from an address, within
WITHIN: Final = timedelta(minutes=15)
REST: Final = timedelta(minutes=5)  # between two mails to an account
HERE: Final = "/login/forgotten"


def make_router(office: Office) -> APIRouter:
    """The page, open to all."""
    router = APIRouter(include_in_schema=False)

    @router.get(HERE)
    async def form(request: Request) -> Response:
        office.cookies.begin_visit(request)
        return office.page(request, "access/forgotten.html", {"sent": False, "mails": office.mails})

    @router.post(HERE, dependencies=[Depends(office.cookies.require_own_form)])
    async def ask(request: Request, email: Annotated[str, Form(max_length=254)] = "") -> Response:
        address = "".join(each for each in email if each.isprintable()).strip()
        async with borrowed(office.pool) as conn:
            await throttles.attempt(conn, f"forgotten:{address_of(request)}", MOST, WITHIN)
        answer = office.page(request, "access/forgotten.html", {"sent": True, "mails": office.mails})
        answer.background = BackgroundTask(_answer, office, address, address_of(request), language(request))
        return answer

    return router


async def _answer(office: Office, address: str, ip: str, lang: Lang) -> None:
    """Mail a link. Whoever asks too often learns nothing of it, and takes away no link that is on its way."""
    try:
        async with borrowed(office.pool) as conn:
            account = await accounts.by_email(conn, address)
            if account is None or account.disabled_at or not office.mails:
                return
            await throttles.attempt(conn, f"forgotten:{account.account}", 1, REST)
            token = await once.make(conn, "forgotten", account.account)
            await audit.add(conn, Who(None, account.name, ip), "password_forgotten", subject=account.email)
        link = f"{office.base_url}/welcome/{token}"
        await office.post(letter("reset", account.email, account.name, link, lang))
    except TooMany:
        log.info("a mail for a new password went a moment ago")
    except Unavailable as error:
        log.warning("no mail for a new password: %s", error)
