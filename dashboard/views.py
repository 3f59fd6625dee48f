"""The pages: campaigns, a campaign, a candidate, the wall. Plain without scripts; `live.js` moves the numbers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from typing import Annotated, Any, Final
from urllib.parse import quote
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from psycopg_pool import AsyncConnectionPool

from dashboard.api import Name, askable, known
from dashboard.candidates import candidate_page
from dashboard.charts import HEIGHT, WIDTH, burn_up
from dashboard.console.notice import notice
from dashboard.languages import Lang, language
from dashboard.naming import names_of
from dashboard.pace import standing
from schemas.access import Caller
from schemas.paging import After, decode, encode
from storage import employers, reads
from storage.candidates import Place
from storage.database import Conn, borrowed

Authenticate = Callable[[Request], Awaitable[Caller]]
Page = Callable[..., HTMLResponse]
Row = dict[str, Any]
Clock = Callable[[], datetime]

CAMPAIGNS_A_PAGE: Final = 30
FACTS_A_PAGE: Final = 100
ROWS: Final = 500  # fairs and openings on a campaign's page
NEAR_FAIRS: Final = 5


def _now() -> datetime:
    return datetime.now(UTC)


def make_router(
    pool: AsyncConnectionPool[Conn], authenticate: Authenticate, page: Page, *, clock: Clock = _now
) -> APIRouter:
    """The router; `page` draws templates (see yinfeng.pages), `authenticate` gives the caller of a request."""
    router = APIRouter(include_in_schema=False)
    some = Depends(authenticate)

    @router.get("/")
    async def home(request: Request, caller: Caller = some, after: After = None) -> HTMLResponse:
        async with borrowed(pool) as conn:
            place, among = decode(after, str, ""), caller.campaigns
            found = await reads.campaigns(conn, after=place, limit=CAMPAIGNS_A_PAGE + 1, among=among)
            shown = await _with_targets(conn, found[:CAMPAIGNS_A_PAGE], clock())
            said = await notice(conn, request, caller)
        more = encode(shown[-1]["campaign"]) if len(found) > CAMPAIGNS_A_PAGE else None
        return page(request, "campaigns.html", {"campaigns": shown, "more": more, "now": clock(), "notice": said})

    @router.get("/wall")
    async def wall(
        request: Request, caller: Caller = some, campaign: Annotated[str | None, Query(max_length=200)] = None
    ) -> HTMLResponse:
        async with borrowed(pool) as conn:
            if campaign:
                found = [await known(conn, campaign)]
            else:
                found = await reads.campaigns(conn, limit=CAMPAIGNS_A_PAGE, among=caller.campaigns)
            shown = await _with_targets(conn, found, clock())
        return page(request, "wall.html", {"campaigns": shown, "campaign": campaign, "wall": True, "now": clock()})

    @router.get("/campaigns/{campaign}")
    async def one(request: Request, campaign: Name, caller: Caller = some) -> HTMLResponse:
        async with borrowed(pool) as conn:
            context = await _campaign(conn, campaign, caller, clock(), language(request))
            return page(request, "campaign.html", context | {"notice": await notice(conn, request, caller)})

    @router.get("/candidates")
    async def find(campaign: str, candidate: str, caller: Caller = some) -> RedirectResponse:
        return RedirectResponse(f"/candidates/{quote(campaign, safe='')}/{quote(candidate.strip(), safe='')}", 303)

    @router.get("/candidates/{campaign}/{candidate:path}")
    async def person(
        request: Request, campaign: Name, candidate: Name, caller: Caller = some, after: After = None
    ) -> HTMLResponse:
        caller.require("organizer", "employer")
        key, place = (askable(campaign), askable(candidate)), decode(after, Place, None)
        async with borrowed(pool) as conn:
            found = await candidate_page(conn, caller, *key, after=place, limit=FACTS_A_PAGE + 1)
            about = await known(conn, campaign)
            titles = await reads.fair_titles(conn, campaign, list(found["fairs"]))
            said = await notice(conn, request, caller)
            facts = found["timeline"][:FACTS_A_PAGE]
            names = await names_of(conn, about, language(request), facts, offers=found["offers"])
        last = facts[-1] if len(found["timeline"]) > FACTS_A_PAGE else None
        more = encode((last["time"], last["source"], last["id"])) if last else None
        shown = {"about": about, "steps": reads.FUNNEL, "titles": titles, "notice": said, "names": names}
        context = {"more": more, **found, "timeline": facts, **shown}
        return page(request, "candidate.html", context)

    return router


async def _with_targets(conn: Conn, campaigns: list[Row], now: datetime) -> list[Row]:
    found = await reads.targets_of(conn, [row["campaign"] for row in campaigns])
    return [row | {"targets": _stood(found[row["campaign"]], row, now)} for row in campaigns]


async def _campaign(conn: Conn, name: str, caller: Caller, now: datetime, lang: Lang) -> Row:
    """All that a campaign's page shows; a viewer sees targets alone."""
    about = await known(conn, name)
    (shown,) = await _with_targets(conn, [about], now)
    days = await reads.days(conn, name, [row["target"] for row in shown["targets"]])
    charts = {row["target"]: _chart(row, days[row["target"]], about, now) for row in shown["targets"]}
    more: Row = {"funnel": None}
    if caller.role != "viewer":
        fairs = await reads.fairs(conn, name, limit=ROWS)
        openings = await reads.openings(conn, name, limit=ROWS)
        named = await employers.listed(conn, name, limit=ROWS)
        ids = {each["employer"] for each in named}
        more = {
            "funnel": await reads.funnel(conn, name),
            "fairs": fairs,
            "near": _near(fairs, now),
            "fair_numbers": await reads.fair_numbers(conn, name, now),
            "employers": named,
            "unnamed": [each for each in await employers.spoken_of(conn, name) if each not in ids],
            "openings": openings,
            "names": await names_of(conn, about, lang, employers=[each["employer"] for each in openings]),
        }
    return {"about": shown, "charts": charts, "box": (WIDTH, HEIGHT), "now": now, **more}


def _near(fairs: list[Row], now: datetime) -> list[Row]:
    """The fairs to come next; when all are over, the latest."""
    standing_fairs = [fair for fair in fairs if not fair["cancelled"]]
    coming = [fair for fair in standing_fairs if fair["ends_at"] > now]
    return coming[:NEAR_FAIRS] or standing_fairs[-NEAR_FAIRS:]


def _stood(targets: list[Row], campaign: Row, now: datetime) -> list[Row]:
    today = _today(campaign, now)
    return [row | {"standing": standing(row, campaign["starts_on"], today)} for row in targets]


def _chart(target: Row, days: list[Any], campaign: Row, now: datetime) -> Any:
    return burn_up(
        days,
        goal=float(target["goal"]),
        starts_on=campaign["starts_on"],
        due_on=target["due_on"],
        today=_today(campaign, now),
    )


def _today(campaign: Row, now: datetime) -> date:
    return now.astimezone(ZoneInfo(campaign["timezone"])).date()
