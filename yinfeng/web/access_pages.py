"""The pages by which people get in: signing in, accounts, and walls with their links."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Final

from fastapi import FastAPI

from dashboard.access.accounts_pages import make_router as accounts_router
from dashboard.access.audit_page import make_router as audit_router
from dashboard.access.cookies import Cookies
from dashboard.access.forgotten import make_router as forgotten_router
from dashboard.access.me import make_router as me_router
from dashboard.access.office import Office
from dashboard.access.passwords import Passwords
from dashboard.access.signing_in import make_router as signing_in_router
from dashboard.access.welcome import make_router as welcome_router
from dashboard.stream import FULL
from dashboard.turnstile import Turnstile
from dashboard.walls.links_page import make_router as walls_router
from dashboard.walls.screen import make_router as screen_router
from dashboard.walls.watch import Watch
from storage.access import walls
from storage.database import borrowed
from yinfeng.web.access_mail import has_a_way, make_post
from yinfeng.web.shared import Shared

if TYPE_CHECKING:
    from dashboard.access.provider import Provider

MOST_SCREENS: Final = 500  # of one wall, in one web process


def add(app: FastAPI, shared: Shared, cookies: Cookies) -> None:
    """Let the app show them."""
    provider = _provider(shared)
    office = _office(shared, cookies, provider.name if provider else None)
    if provider:
        from dashboard.access.single_sign_on import make_router as single_sign_on_router  # noqa: PLC0415

        app.include_router(single_sign_on_router(office, provider))
    app.include_router(signing_in_router(office))
    app.include_router(forgotten_router(office))
    app.include_router(welcome_router(office))
    app.include_router(me_router(office, shared.authenticate))
    app.include_router(audit_router(office, shared.authenticate, shared.tables))
    app.include_router(accounts_router(office, shared.authenticate))
    app.include_router(walls_router(office, shared.authenticate))
    _add_screen(app, shared)


def _office(shared: Shared, cookies: Cookies, provider: str | None) -> Office:
    settings = shared.settings
    return Office(
        pool=shared.pool,
        page=shared.page,
        cookies=cookies,
        passwords=Passwords(),
        clock=shared.clock,
        base_url=settings.base_url,
        mails=has_a_way(settings),
        post=make_post(settings),
        provider=provider,
    )


def _provider(shared: Shared) -> Provider | None:
    """The identity provider that people may sign in by."""
    settings = shared.settings
    if not (settings.oidc_issuer and settings.oidc_client_id and settings.oidc_client_secret):
        return None
    from dashboard.access.provider import Provider  # noqa: PLC0415 - its libraries are for those who have one
    from dashboard.access.single_sign_on import BACK  # noqa: PLC0415

    client = (settings.oidc_client_id, settings.oidc_client_secret.get_secret_value())
    return Provider(settings.oidc_name, settings.oidc_issuer, client, f"{settings.base_url}{BACK}", shared.clock)


def _add_screen(app: FastAPI, shared: Shared) -> None:
    """What an audience sees, for as long as the wall's link lives."""

    async def living(some: Collection[str]) -> set[str]:
        async with borrowed(shared.pool) as conn:
            return await walls.living(conn, some)

    app.include_router(
        screen_router(
            shared.pool,
            shared.hub,
            Turnstile(MOST_SCREENS, FULL),
            Watch(living),
            page=shared.page,
            fragment=shared.page.fragment,
            clock=shared.clock,
        )
    )
