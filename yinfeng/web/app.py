"""The web app: composed of the routers of producers, dashboard and notifications. One root, nothing at import."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Final

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from dashboard.access.cookies import Cookies
from dashboard.live_sources import make_hub, watching
from dashboard.stream import FULL, MOST_STREAMS
from dashboard.taking_away import Tables
from dashboard.turnstile import Turnstile
from notifications.sending.situation import Writer
from producers.http import make_router as events_router
from schemas.errors import ConfigurationError
from schemas.settings import Settings
from storage.database import make_pool
from yinfeng.pulse import EVERY, Pulse, pulse_path
from yinfeng.web import access_pages, candidate_pages, endpoints, hr_pages, operations, problems
from yinfeng.web.authenticating import make_authenticate
from yinfeng.web.headers import Headers
from yinfeng.web.limits import BodyLimit, OneOfEach
from yinfeng.web.pages import make_page
from yinfeng.web.shared import Shared
from yinfeng.web.straight import Straight

TITLE: Final = "Yinfeng 引凤"


def create_app(settings: Settings) -> FastAPI:
    """The web app for settings that name both servers. Raises ConfigurationError when they don't."""
    if not settings.database_url or not settings.kafka:
        raise ConfigurationError("Set YINFENG_DATABASE_URL and YINFENG_KAFKA, or run `yinfeng up`")
    cookies = Cookies(secure=settings.base_url.startswith("https://"))
    shared = _share(settings, settings.database_url, cookies)
    app = _bare(shared, settings.database_url)
    facts, straight = events_router(shared.pool, shared.authenticate)
    app.add_middleware(Straight, route=straight, refuse=problems.make_refuse(shared.page))
    app.add_middleware(BodyLimit)
    app.add_middleware(OneOfEach)
    app.add_middleware(Headers, strict=cookies.secure)
    app.include_router(facts)
    endpoints.add(app, shared)
    hr_pages.add(app, shared)
    access_pages.add(app, shared, cookies)
    candidate_pages.add(app, shared)
    operations.add(app, shared, TITLE)
    app.mount("/static", StaticFiles(packages=[("dashboard", "static"), ("notifications", "static")]), name="static")
    return app


def _share(settings: Settings, database_url: str, cookies: Cookies) -> Shared:
    pool = make_pool(database_url, name="web")
    authenticate = make_authenticate(pool, cookies)
    return Shared(
        settings=settings,
        pool=pool,
        authenticate=authenticate,
        page=make_page(cookies, settings.home / "templates"),
        hub=make_hub(pool, _now),
        turnstile=Turnstile(MOST_STREAMS, FULL),
        tables=Tables(authenticate),
        writer=Writer(settings.mail_from_name, settings.base_url, settings.hr_email, settings.channels),
        clock=_now,
    )


def _bare(shared: Shared, database_url: str) -> FastAPI:
    """The app without routes: what lives as long as it does, and how it answers errors."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        beating = asyncio.create_task(_beat(Pulse(pulse_path(shared.settings, "web"))))
        async with shared.pool, watching(shared.hub, database_url):
            yield
        beating.cancel()

    app = FastAPI(title=TITLE, version=version("yinfeng"), lifespan=lifespan, docs_url=None, redoc_url=None)
    app.state.dismiss = shared.hub.dismiss
    problems.install(app, shared.page)
    return app


async def _beat(pulse: Pulse) -> None:
    while True:
        pulse()
        await asyncio.sleep(EVERY)


def _now() -> datetime:
    return datetime.now(UTC)
