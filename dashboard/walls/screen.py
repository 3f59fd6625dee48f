"""`/wall/{token}` and its stream: what an audience sees. Targets and the names of campaigns alone; of no person, and
nothing that leads further."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Path, Query, Request
from fastapi.responses import HTMLResponse
from psycopg_pool import AsyncConnectionPool

from dashboard.drawing import Clock, Page
from dashboard.fragments import Fragment, make_forms
from dashboard.languages import Lang
from dashboard.live import Hub
from dashboard.pace import stood
from dashboard.stream import HEARTBEAT, PINGS, EventStream
from dashboard.telling import Subscription
from dashboard.turnstile import Turnstile
from dashboard.walls.watch import Watch
from storage.access import walls
from storage.campaigns import reads
from storage.database import Conn, borrowed

Row = dict[str, Any]
Token = Annotated[str, Path(max_length=200)]

MOST: Final = 30  # campaigns that a wall rotates between


def make_router(
    pool: AsyncConnectionPool[Conn],
    hub: Hub,
    turnstile: Turnstile,
    watch: Watch,
    *,
    page: Page,
    fragment: Fragment,
    clock: Clock,
) -> APIRouter:
    """The router. `watch` ends the streams of walls that are revoked; `page` and `fragment` draw."""
    router = APIRouter(include_in_schema=False)
    _add_screen(router, pool, hub, page, clock)
    _add_stream(router, pool, hub, turnstile=turnstile, watch=watch, fragment=fragment)
    return router


def _add_screen(router: APIRouter, pool: AsyncConnectionPool[Conn], hub: Hub, page: Page, clock: Clock) -> None:
    @router.get("/wall/{token}")
    async def screen(request: Request, token: Token) -> HTMLResponse:
        mark = hub.mark
        async with borrowed(pool) as conn:
            wall = await walls.find(conn, token)
            found = await reads.campaigns(conn, limit=MOST, among=wall.campaigns)
            targets = await reads.targets_of(conn, [row["campaign"] for row in found])
        now = clock()
        shown = [row | {"targets": stood(targets[row["campaign"]], row, now)} for row in _worth_showing(found, targets)]
        context = {"campaigns": shown, "stream": f"/wall/{token}/stream", "wall": True, "now": now, "mark": mark}
        return page(request, "walls/screen.html", context, otherwise=shown[0]["locale"] if shown else None)


def _add_stream(
    router: APIRouter,
    pool: AsyncConnectionPool[Conn],
    hub: Hub,
    *,
    turnstile: Turnstile,
    watch: Watch,
    fragment: Fragment,
) -> None:
    forms = make_forms(fragment, hub.name)

    @router.get("/wall/{token}/stream")
    async def stream(
        token: Token,
        lang: Annotated[Lang, Query()] = "en",
        seen: Annotated[str, Query(max_length=100)] = "",
        last_event_id: Annotated[str | None, Header(max_length=100)] = None,
    ) -> EventStream:
        """What changes after what the screen has `seen`; it ends when the wall is revoked."""
        async with borrowed(pool) as conn:
            wall = await walls.find(conn, token)
        among = None if wall.campaigns is None else frozenset(wall.campaigns)

        @contextmanager
        def opened() -> Iterator[Subscription]:
            with ExitStack() as stack:
                stack.enter_context(turnstile.inside(wall.wall))
                subscription = hub.follow(None, last_event_id or seen, among=among)
                stack.callback(hub.unsubscribe, subscription)
                stack.enter_context(watch.watched(wall.wall, subscription))
                yield subscription

        return EventStream(opened, forms[lang, False], ping=PINGS["event"], every=HEARTBEAT)


def _worth_showing(found: list[Row], targets: dict[str, list[Row]]) -> list[Row]:
    """The campaigns with targets that are still on; when all are closed, those."""
    filled = [row for row in found if targets[row["campaign"]]]
    return [row for row in filled if not row["closed"]] or filled
