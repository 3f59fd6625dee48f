"""The web app: composed of the routers of producers, dashboard and notifications. One root, nothing at import."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from time import time
from typing import TYPE_CHECKING, Any

from fastapi import Depends, FastAPI, Response
from fastapi.staticfiles import StaticFiles
from psycopg_pool import AsyncConnectionPool

from dashboard.access.accounts_pages import make_router as accounts_router
from dashboard.access.audit_page import make_router as audit_router
from dashboard.access.cookies import Cookies
from dashboard.access.forgotten import make_router as forgotten_router
from dashboard.access.me import make_router as me_router
from dashboard.access.office import Office
from dashboard.access.passwords import Passwords
from dashboard.access.signing_in import make_router as signing_in_router
from dashboard.access.welcome import make_router as welcome_router
from dashboard.api import make_router as reads_router
from dashboard.campaign.pages import make_router as campaign_router
from dashboard.candidates.duplicates_page import make_router as duplicates_router
from dashboard.candidates.list_api import make_router as list_router
from dashboard.candidates.list_page import make_router as list_page_router
from dashboard.candidates.one_page import make_router as one_page_router
from dashboard.console.notice import make_counts
from dashboard.console.pages import make_router as console_router
from dashboard.console.pages import make_show
from dashboard.languages import language
from dashboard.live import Hub
from dashboard.page_stream import make_router as page_stream_router
from dashboard.privacy.held import make_router as held_router
from dashboard.privacy.retention import Shelf
from dashboard.privacy.retention import make_router as retention_router
from dashboard.signup.pages import make_router as signup_pages_router
from dashboard.signup.pages import make_show as make_signup_show
from dashboard.signup.poster import make_router as poster_router
from dashboard.stream import MOST_STREAMS, Turnstile
from dashboard.stream import make_router as stream_router
from dashboard.targets.api import make_router as counted_router
from dashboard.targets.page import make_router as target_page_router
from dashboard.views import make_router as views_router
from dashboard.walls.console import make_router as walls_router
from dashboard.walls.screen import make_router as wall_router
from dashboard.walls.watch import Watch
from dashboard.watching import make_charting, make_hub, make_own_parts, watching
from notifications.authoring.pages import make_router as template_pages_router
from notifications.authoring.studio import Studio
from notifications.channels.sendgrid_webhook import make_router as webhooks_router
from notifications.links.again import make_send_again
from notifications.links.calendars import make_router as calendars_router
from notifications.links.confirming import make_router as confirming_router
from notifications.links.offers import make_router as answers_router
from notifications.links.opening import Door
from notifications.links.own.address import make_router as own_address_router
from notifications.links.own.data import make_router as own_data_router
from notifications.links.own.hiding import make_router as own_hiding_router
from notifications.links.own.lost import make_router as lost_router
from notifications.links.own.pages import make_router as own_pages_router
from notifications.links.tickets import make_router as tickets_router
from notifications.links.unsubscribing import make_router as unsubscribing_router
from notifications.pages.api import make_router as messages_router
from notifications.pages.messages import make_router as message_pages_router
from notifications.sending.situation import Writer
from producers.forms.router import make_router as forms_router
from producers.http import make_router as events_router
from producers.signup.router import make_router as signup_router
from schemas.access import Authenticate, Caller
from schemas.asyncapi import asyncapi
from schemas.counted import Explaining
from schemas.errors import ConfigurationError, Unavailable
from schemas.settings import Settings
from storage.access import walls
from storage.database import Conn, borrowed, make_pool
from storage.overview import MessageCounts, count_messages, overview
from streams.domain.explaining import added, counted, held, persons
from yinfeng import metrics, problems
from yinfeng.access_mail import has_a_way, make_post
from yinfeng.authenticating import make_authenticate
from yinfeng.headers import Headers
from yinfeng.limits import BodyLimit, OneOfEach
from yinfeng.openapi import describe
from yinfeng.pages import Pages, make_page
from yinfeng.pulse import EVERY, Pulse, pulse_path
from yinfeng.seldom import Seldom
from yinfeng.straight import Straight

if TYPE_CHECKING:
    from dashboard.access.provider import Provider

TITLE = "Yinfeng 引凤"
MOST_SCREENS = 500  # of one wall, in one web process
EXPLAINING = Explaining(person=counted, fairs=held, journey=added, persons=persons)


def create_app(settings: Settings) -> FastAPI:
    """The web app for settings that name both servers. Raises ConfigurationError when they don't."""
    if not settings.database_url or not settings.kafka:
        raise ConfigurationError("Set YINFENG_DATABASE_URL and YINFENG_KAFKA, or run `yinfeng up`")
    pool = make_pool(settings.database_url, name="web")
    hub = make_hub(pool, _now)
    database_url = settings.database_url

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        beating = asyncio.create_task(_beat(Pulse(pulse_path(settings, "web"))))
        async with pool, watching(hub, database_url):
            yield
        beating.cancel()

    app = FastAPI(title=TITLE, version=version("yinfeng"), lifespan=lifespan, docs_url=None, redoc_url=None)
    app.state.dismiss = hub.dismiss
    cookies = Cookies(secure=settings.base_url.startswith("https://"))
    page = make_page(cookies, settings.home / "templates")
    problems.install(app, page)
    authenticate = make_authenticate(pool, cookies)
    facts, straight = events_router(pool, authenticate)
    app.add_middleware(Straight, route=straight, refuse=problems.make_refuse(page))
    app.add_middleware(BodyLimit)
    app.add_middleware(OneOfEach)
    app.add_middleware(Headers, strict=cookies.secure)
    mail = (has_a_way(settings), make_post(settings))
    provider = _provider(settings)
    named = provider.name if provider else None
    office = Office(pool, page, cookies, Passwords(), _now, settings.base_url, *mail, named)
    app.include_router(facts)
    turnstile = Turnstile(MOST_STREAMS)
    app.include_router(stream_router(hub, authenticate, turnstile))
    charting = make_charting(pool, hub, _now)
    app.include_router(
        page_stream_router(
            hub,
            charting,
            authenticate,
            turnstile,
            make_own_parts(pool, hub),
            counts=make_counts(pool),
            fragment=page.fragment,
        )
    )
    _add_privacy(app, Shelf(pool, page, _now, settings.channels), authenticate)
    _add_reads(app, pool, hub, authenticate, page)
    _add_candidates(app, pool, authenticate, page)
    _add_access(app, office, authenticate, provider)
    _add_walls(app, office, authenticate, hub, page)
    _add_forms(app, pool, authenticate, page)
    app.mount("/static", StaticFiles(packages=[("dashboard", "static"), ("notifications", "static")]), name="static")
    app.include_router(messages_router(pool, authenticate))
    app.include_router(message_pages_router(pool, authenticate, page))
    writer = Writer(settings.mail_from_name, settings.base_url, settings.hr_email, settings.channels)
    door = Door(pool, writer, _now)
    app.include_router(template_pages_router(Studio(pool, writer, _now), authenticate, page))
    app.include_router(tickets_router(door, authenticate, page))
    app.include_router(answers_router(door, page))
    app.include_router(unsubscribing_router(door, page))
    _add_doors(app, door, authenticate, page, settings)
    app.include_router(webhooks_router(pool, settings.sendgrid_webhook_key, time))
    _add_machine_pages(app, pool, authenticate)
    _add_documents(app)
    return app


def _add_forms(app: FastAPI, pool: AsyncConnectionPool[Conn], authenticate: Authenticate, page: Pages) -> None:
    show = make_show(pool, page, EXPLAINING, _now)
    app.include_router(console_router(pool, authenticate, page, show))
    app.include_router(forms_router(pool, authenticate, show))


def _add_doors(app: FastAPI, door: Door, authenticate: Authenticate, page: Pages, settings: Settings) -> None:
    """What candidates use by themselves."""
    app.include_router(calendars_router(door, page))
    app.include_router(confirming_router(door, page))
    app.include_router(own_pages_router(door, page))
    app.include_router(own_address_router(door, page))
    app.include_router(own_data_router(door, page))
    app.include_router(own_hiding_router(door, page))
    app.include_router(lost_router(door, page))
    signup_show = make_signup_show(door.pool, page, _now, settings.base_url, channels=settings.channels)
    app.include_router(poster_router(door.pool, authenticate, page.text, settings.base_url))
    app.include_router(signup_pages_router(signup_show))
    app.include_router(signup_router(door.pool, signup_show, language, make_send_again(door.pool), _now))


def _add_privacy(app: FastAPI, shelf: Shelf, authenticate: Authenticate) -> None:
    """How long people are kept, and what is held about one; before candidates' pages, whose ids may have slashes."""
    app.include_router(retention_router(shelf, authenticate))
    app.include_router(held_router(shelf, authenticate))


def _add_reads(
    app: FastAPI, pool: AsyncConnectionPool[Conn], hub: Hub, authenticate: Authenticate, page: Pages
) -> None:
    """What is only read: campaigns, targets, journeys."""
    app.include_router(reads_router(pool, authenticate))
    app.include_router(views_router(pool, hub, authenticate, page))
    app.include_router(campaign_router(pool, hub, authenticate, page, explaining=EXPLAINING, clock=_now))
    app.include_router(counted_router(pool, authenticate, EXPLAINING, _now))
    app.include_router(target_page_router(pool, hub, authenticate, page, explaining=EXPLAINING, clock=_now))


def _add_candidates(app: FastAPI, pool: AsyncConnectionPool[Conn], authenticate: Authenticate, page: Pages) -> None:
    app.include_router(list_router(pool, authenticate, page.text, _now))
    app.include_router(list_page_router(pool, authenticate, page, page.text, _now))
    app.include_router(duplicates_router(pool, authenticate, page))
    app.include_router(one_page_router(pool, authenticate, page, _now))


async def _beat(pulse: Pulse) -> None:
    while True:
        pulse()
        await asyncio.sleep(EVERY)


def _provider(settings: Settings) -> Provider | None:
    """The identity provider that people may sign in by."""
    if not (settings.oidc_issuer and settings.oidc_client_id and settings.oidc_client_secret):
        return None
    from dashboard.access.provider import Provider  # noqa: PLC0415 - its libraries are for those who have one
    from dashboard.access.single_sign_on import BACK  # noqa: PLC0415

    client = (settings.oidc_client_id, settings.oidc_client_secret.get_secret_value())
    return Provider(settings.oidc_name, settings.oidc_issuer, client, f"{settings.base_url}{BACK}", _now)


def _add_access(app: FastAPI, office: Office, authenticate: Authenticate, provider: Provider | None) -> None:
    if provider:
        from dashboard.access.single_sign_on import make_router as single_sign_on_router  # noqa: PLC0415

        app.include_router(single_sign_on_router(office, provider))
    app.include_router(signing_in_router(office))
    app.include_router(forgotten_router(office))
    app.include_router(welcome_router(office))
    app.include_router(me_router(office, authenticate))
    app.include_router(audit_router(office, authenticate))
    app.include_router(accounts_router(office, authenticate))


def _add_walls(app: FastAPI, office: Office, authenticate: Authenticate, hub: Hub, page: Pages) -> None:
    async def living(some: Collection[str]) -> set[str]:
        async with borrowed(office.pool) as conn:
            return await walls.living(conn, some)

    app.include_router(walls_router(office, authenticate))
    turnstile = Turnstile(MOST_SCREENS)
    app.include_router(
        wall_router(office.pool, hub, turnstile, Watch(living), page=page, fragment=page.fragment, clock=_now)
    )


def _now() -> datetime:
    return datetime.now(UTC)


def _add_machine_pages(app: FastAPI, pool: AsyncConnectionPool[Conn], authenticate: Authenticate) -> None:
    @app.get("/healthz", tags=["operations"])
    async def healthz() -> dict[str, str]:
        """Whether this process lives."""
        return {"status": "ok"}

    @app.get("/readyz", tags=["operations"], response_model=None)
    async def readyz() -> dict[str, str] | Response:
        """Whether it can accept facts: the database answers. The broker may be away."""
        try:
            async with borrowed(pool) as conn:
                await conn.execute("SELECT 1")
        except Unavailable:
            return problems.problem(503, "the database does not answer")
        return {"status": "ready"}

    async def count() -> MessageCounts:
        async with borrowed(pool) as conn:
            return await count_messages(conn)

    messages = Seldom(count)

    @app.get("/metrics", tags=["operations"], response_class=Response)
    async def get_metrics(caller: Caller = Depends(authenticate)) -> Response:
        """Metrics for Prometheus; needs a key of the role organizer or viewer. Where there are very many messages,
        their numbers are some seconds old."""
        caller.require("organizer", "viewer")
        counted = await messages()
        async with borrowed(pool) as conn:
            body = metrics.render(await overview(conn, counted))
        return Response(body, media_type="text/plain; version=0.0.4")


def _add_documents(app: FastAPI) -> None:
    @app.get("/asyncapi.json", tags=["documents"])
    async def get_asyncapi() -> dict[str, Any]:
        """The Kafka topics and their messages, as AsyncAPI 3.0."""
        return asyncapi(TITLE, app.version)

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = describe(app, TITLE)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]
