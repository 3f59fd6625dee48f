"""The pages that candidates use by themselves: by a link in a mail, or from a poster."""

from __future__ import annotations

from fastapi import FastAPI

from dashboard.languages import language
from dashboard.signup.pages import make_router as signup_pages_router
from dashboard.signup.pages import make_show
from dashboard.signup.poster import make_router as poster_router
from notifications.links.again import make_send_again
from notifications.links.calendars import make_router as calendars_router
from notifications.links.confirming import make_router as confirming_router
from notifications.links.offers import make_router as offers_router
from notifications.links.opening import Door
from notifications.links.own.address import make_router as own_address_router
from notifications.links.own.data import make_router as own_data_router
from notifications.links.own.hiding import make_router as own_hiding_router
from notifications.links.own.lost import make_router as lost_router
from notifications.links.own.pages import make_router as own_pages_router
from notifications.links.tickets import make_router as tickets_router
from notifications.links.unsubscribing import make_router as unsubscribing_router
from producers.signup.router import make_router as signup_router
from yinfeng.web.shared import Shared


def add(app: FastAPI, shared: Shared) -> None:
    """Let the app show them."""
    door = Door(shared.pool, shared.writer, shared.clock)
    app.include_router(tickets_router(door, shared.authenticate, shared.page))
    for router in LINKS:
        app.include_router(router(door, shared.page))
    _add_signup(app, shared)


def _add_signup(app: FastAPI, shared: Shared) -> None:
    pool, page, base_url = shared.pool, shared.page, shared.settings.base_url
    show = make_show(pool, page, shared.clock, base_url, channels=shared.settings.channels)
    app.include_router(poster_router(pool, shared.authenticate, page.text, base_url))
    app.include_router(signup_pages_router(show))
    app.include_router(signup_router(pool, show, language, make_send_again(pool), shared.clock))


LINKS = (
    offers_router,
    unsubscribing_router,
    calendars_router,
    confirming_router,
    own_pages_router,
    own_address_router,
    own_data_router,
    own_hiding_router,
    lost_router,
)
