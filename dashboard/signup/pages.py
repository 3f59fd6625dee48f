"""`/fairs/{campaign}/{fair}` and `/campaigns/{campaign}/signup`: what, when, where, with whom; and the form.

Open to all. The page is one file: nothing that it is painted with has to be fetched first.
"""

from __future__ import annotations

import json
import secrets
from base64 import b64encode
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from hashlib import sha256
from importlib import resources
from typing import Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from markupsafe import Markup
from psycopg_pool import AsyncConnectionPool

from dashboard.drawing import Clock, Page
from dashboard.languages import language
from dashboard.signup.schools import suggested
from schemas import consents
from schemas.channels import MailChannels
from schemas.fields import MAX_ID
from schemas.forms import SIGNUP, SIGNUP_FIRST, Filled
from schemas.names import called
from schemas.proofs import Challenge, issue
from storage.campaigns import signup, terms
from storage.campaigns.signup import ADMITS, Row, Signup
from storage.database import Conn, borrowed
from storage.messages.link_secret import load_secret

ShowSignup = Callable[[Request, str, str | None, Filled, Challenge | None], Awaitable[HTMLResponse]]
FRESH: Final = timedelta(minutes=10)  # how long suggestions are kept
MOST_CAMPAIGNS: Final = 500  # whose suggestions are kept
_POLICY: Final = (
    "default-src 'self'; img-src 'self' data:; style-src 'self' 'sha256-{digest}'; object-src 'none'; base-uri 'none';"
    " form-action 'self'; frame-ancestors 'none'"
)
ABROAD: Final = "abroad"  # the field that is there only where it is asked for
_MODES: Final = {"onsite": "Offline", "online": "Online", "hybrid": "Mixed"}


def make_show(
    pool: AsyncConnectionPool[Conn], page: Page, clock: Clock, base_url: str, *, channels: MailChannels
) -> ShowSignup:
    """What draws the page, with what was typed and what is wrong; `base_url`: where the outside reaches it; `channels`:
    by which mail can go. Where it leads abroad they are asked to agree, if the campaign lets it wait for that."""
    style = Markup((resources.files("dashboard") / "signup" / "page.css").read_text("utf-8"))  # noqa: S704 - our own
    policy = _POLICY.format(digest=b64encode(sha256(style.encode()).digest()).decode())
    schools = _Schools(clock)

    async def show(
        request: Request, campaign: str, fair: str | None, filled: Filled, challenge: Challenge | None
    ) -> HTMLResponse:
        now = clock()
        async with borrowed(pool) as conn:
            found = await _find(conn, campaign, fair, now)
            known = await schools.of(conn, campaign) if found else []
            secret = await load_secret(conn)
            asks = campaign in await terms.held_for_consent(conn, channels)
        if found is None:
            return _headed(page(request, "signup/unknown.html", {"style": style}, 404), policy)
        state = found.state(now)
        if challenge is None and state in ADMITS:
            challenge = issue(secret, secrets.token_hex(16), now)
        lang = language(request)
        context = _context(found, lang, now, f"{base_url}{path_of(campaign, fair)}") | {
            "style": style,
            "state": state,
            "done": request.query_params.get("done") if not filled.wrong else None,
            "challenge": challenge,
            "typed": filled.typed,
            "wrong": filled.wrong,
            "schools": suggested(lang, known),
            "first": [*SIGNUP.fields[:SIGNUP_FIRST], *(each for each in SIGNUP.fields if asks and each.name == ABROAD)],
        }
        answer = page(request, "signup/page.html", context, filled.status)
        return _headed(answer, policy)

    return show


def make_router(show: ShowSignup) -> APIRouter:
    """The pages."""
    router = APIRouter(include_in_schema=False)

    @router.get("/fairs/{campaign}/{fair}")
    async def of_fair(request: Request, campaign: str, fair: str) -> HTMLResponse:
        return await show(request, campaign, fair, Filled({}, {}, 200), None)

    @router.get("/campaigns/{campaign}/signup")
    async def of_campaign(request: Request, campaign: str) -> HTMLResponse:
        return await show(request, campaign, None, Filled({}, {}, 200), None)

    return router


def _headed(answer: HTMLResponse, policy: str) -> HTMLResponse:
    answer.headers["Content-Security-Policy"] = policy
    return answer


def path_of(campaign: str, fair: str | None) -> str:
    """Where the page of a fair is, or of a campaign."""
    c = quote(campaign, safe="")
    return f"/campaigns/{c}/signup" if fair is None else f"/fairs/{c}/{quote(fair, safe='')}"


def seats_left(found: Signup) -> str | None:
    """How many seats are left, in a word: `none`, `few` (a tenth at most), `some` or `many` (more than half); None
    where they are not counted. A number would tell whoever types an address whether that signup was new."""
    if found.left is None or found.fair is None:
        return None
    left, capacity = found.left, int(found.fair["capacity"])
    return "none" if not left else "few" if left * 10 <= capacity else "some" if left * 2 <= capacity else "many"


async def _find(conn: Conn, campaign: str, fair: str | None, now: datetime) -> Signup | None:
    named = [each for each in (campaign, fair) if each is not None]
    if not all(0 < len(each) <= MAX_ID and each.isprintable() for each in named):
        return None
    return await signup.load_whole(conn, campaign, fair, now)


def _context(found: Signup, lang: str, now: datetime, url: str) -> dict[str, Any]:
    fair = found.fair
    return {
        "about": found.campaign,
        "tz": found.zone,
        "fair": fair,
        "title": fair["title"] if fair else found.campaign["title"],
        "left": seats_left(found),
        "fairs": found.fairs,
        "employers": _employers(found, lang),
        "further": [each for each in SIGNUP.fields[SIGNUP_FIRST:] if each.name != ABROAD],
        "words": consents.words(lang),
        "map": _map(fair, lang) if fair else None,
        "url": url,
        "path": path_of,
        "event": Markup(_event(found, url)) if fair else None,  # noqa: S704 - JSON with its brackets escaped
    }


def _employers(found: Signup, lang: str) -> list[tuple[str, list[Row]]]:
    """Those who take part, by name, each with its openings."""
    named = list((found.fair or {}).get("employers") or []) or sorted({row["employer"] for row in found.openings})
    return [
        (called(found.employers.get(each), lang, each), [row for row in found.openings if row["employer"] == each])
        for each in named[: signup.MOST_ROWS]
    ]


def _map(fair: Row, lang: str) -> str | None:
    """Where a map shows the place; online there is none."""
    place = " ".join(filter(None, [fair["city"], fair["venue"]]))
    if not place or fair["mode"] == "online":
        return None
    if lang == "zh-CN":
        return f"https://uri.amap.com/search?keyword={quote(place)}"
    return f"https://www.openstreetmap.org/search?query={quote(place)}"


def _event(found: Signup, url: str) -> str:
    """The fair for machines, in the words of schema.org."""
    fair = found.fair or {}
    status = "EventCancelled" if fair["cancelled"] else "EventScheduled"
    place = {"@type": "Place", "name": fair["venue"] or fair["city"] or "", "address": fair["city"] or ""}
    online = {"@type": "VirtualLocation", "url": fair["url"] or url}
    where = {"onsite": place, "online": online, "hybrid": [place, online]}[fair["mode"]]
    said = {
        "@context": "https://schema.org",
        "@type": "Event",
        "name": fair["title"],
        "startDate": fair["starts_at"].astimezone(found.zone).isoformat(),
        "endDate": fair["ends_at"].astimezone(found.zone).isoformat(),
        "eventStatus": f"https://schema.org/{status}",
        "eventAttendanceMode": f"https://schema.org/{_MODES[fair['mode']]}EventAttendanceMode",
        "location": where,
        "organizer": {"@type": "Organization", "name": found.campaign["organizer"]},
        "url": url,
    }
    return json.dumps(said, ensure_ascii=False).replace("<", "\\u003c")


class _Schools:
    """What many have named, read now and then."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: dict[str, tuple[datetime, list[str]]] = {}

    async def of(self, conn: Conn, campaign: str) -> list[str]:
        """Those of a campaign."""
        at, known = self._known.get(campaign, (None, []))
        if at is None or self._clock() - at > FRESH:
            known = await signup.schools(conn, campaign)
            if len(self._known) >= MOST_CAMPAIGNS:
                self._known.clear()
            self._known[campaign] = (self._clock(), known)
        return known
