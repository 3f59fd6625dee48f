"""`/fairs/{campaign}/{fair}/poster.pdf` and `.png`: a fair's name, time and place, and the code that leads to its page.

What people typed comes to Typst as values, never as text of the document.
"""

from __future__ import annotations

import asyncio
from importlib import resources
from io import BytesIO
from typing import Annotated, Any, Final, Literal

import segno
from fastapi import APIRouter, Depends, Query, Request, Response
from psycopg_pool import AsyncConnectionPool

from dashboard.drawing import TextOf
from dashboard.formats import Formats
from dashboard.languages import Lang, language
from dashboard.parameters import Name
from dashboard.signup.pages import path_of
from schemas.access import Authenticate, Caller
from schemas.errors import NotFound
from storage.campaigns import signup
from storage.campaigns.signup import Signup
from storage.database import Conn, borrowed

Paper = Literal["a3", "a4"]
PosterFormat = Literal["pdf", "png"]
DOTS: Final = 150.0  # to the inch, of an image
LONGEST: Final = 120  # characters that fit
_TYPES: Final[dict[PosterFormat, str]] = {"pdf": "application/pdf", "png": "image/png"}
_AT_ONCE: Final = 2  # drawn at a time: each takes a processor for half a second


def make_router(pool: AsyncConnectionPool[Conn], authenticate: Authenticate, text: TextOf, base_url: str) -> APIRouter:
    """The poster, for organizers. `text` gives what it says."""
    router = APIRouter(include_in_schema=False)
    turn = asyncio.Semaphore(_AT_ONCE)

    @router.get("/fairs/{campaign}/{fair}/poster.{format}")
    async def poster(
        *,
        request: Request,
        campaign: Name,
        fair: Name,
        format: PosterFormat,
        paper: Annotated[Paper, Query()] = "a4",
        caller: Caller = Depends(authenticate),
    ) -> Response:
        caller.require("organizer")
        caller.require_campaign(campaign)
        async with borrowed(pool) as conn:
            found = await signup.load(conn, campaign, fair)
        if found is None:
            raise NotFound(f"there is no fair {fair!r}")
        said = values(found, language(request), paper, f"{base_url}{path_of(campaign, fair)}", text)
        async with turn:
            drawn = await asyncio.to_thread(draw, said, format)
        headers = {"Content-Disposition": f'inline; filename="poster-{paper}.{format}"', "Cache-Control": "no-store"}
        return Response(drawn, headers=headers, media_type=_TYPES[format])

    return router


def values(found: Signup, lang: Lang, paper: Paper, url: str, text: TextOf) -> dict[str, str]:
    """What the poster says."""
    fair: dict[str, Any] = found.fair or {}
    zone = found.campaign["timezone"]
    ends = fair["ends_at"].astimezone(found.zone)
    place = " · ".join(filter(None, [fair["city"], fair["venue"]])) or text(lang, f"mode.{fair['mode']}")
    return {
        "paper": paper,
        "lang": "zh" if lang == "zh-CN" else "en",
        "campaign": _short(found.campaign["title"]),
        "title": _short(fair["title"]),
        "when": f"{Formats(lang).moment(fair['starts_at'], zone)}–{ends:%H:%M}",
        "where": _short(place),
        "organizer": _short(found.campaign["organizer"]),
        "call": text(lang, "poster.call"),
        "url": url,
        "code": code(url),
    }


def code(url: str) -> str:
    """The code as SVG. A quarter of it may be unreadable: posters are torn and written on."""
    buffer = BytesIO()
    segno.make_qr(url, error="q").save(buffer, kind="svg", border=2, light="#ffffff", xmldecl=False)
    return buffer.getvalue().decode()


def draw(said: dict[str, str], format: PosterFormat) -> bytes:
    """The poster as a file."""
    import typst  # noqa: PLC0415 - much to load for those who draw none

    source = (resources.files("dashboard") / "signup" / "poster.typ").read_bytes()
    options: dict[str, Any] = {"ppi": DOTS} if format == "png" else {}
    drawn = typst.compile(source, format=format, sys_inputs=said, **options)
    return drawn if isinstance(drawn, bytes) else bytes(drawn[0])


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
