"""A candidate's own page as it is drawn, and what becomes of what is said on it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import date, datetime
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from notifications.drawing import Page
from notifications.links.opening import Door
from notifications.links.own import reading, saying
from notifications.links.own.reading import Own
from notifications.links.own.saying import OwnFact
from schemas import consents
from schemas.errors import Conflict, FieldError, InvalidFact
from schemas.fields import Education
from schemas.journey import RETENTION


async def answer(
    door: Door,
    page: Page,
    request: Request,
    token: str,
    what: Callable[[Own], Sequence[OwnFact]],
    *,
    also: Callable[[Own], Awaitable[bool]] | None = None,
) -> Response:
    """Say something, and show the page again; with what is wrong, where the catalogue refuses it. `also`: what is done
    once it is said; whether a mail was sent by which it is to be confirmed."""
    own = await reading.read(door, token)
    try:
        said = what(own)
        applied = await saying.say(door, own, said) if said else True
        checks = also is not None and await also(own)
    except InvalidFact as error:
        return shown(request, page, own, wrong=_faults(error.errors), status=422)
    except Conflict:
        return shown(request, page, own, wrong={"form": "own.not_now"}, status=409)
    how = "check" if checks else "done" if applied else "waits"
    return RedirectResponse(f"/me/{token}?said={how}", 303)


def takes_part(own: Own) -> bool:
    """Whether they signed up, and did not sign off since."""
    return own.journey.first_signup is not None and not own.journey.withdrawn


def _faults(errors: Sequence[FieldError]) -> dict[str, str]:
    names = [each.field.removeprefix("data.") for each in errors]
    return {name if name in reading.CORRECTABLE else "form": "own.bad" for name in names}


def head(own: Own) -> dict[str, Any]:
    """Whose page it is a part of."""
    return {
        "organizer": own.situation.campaign.get("organizer") or own.situation.sender.name,
        "campaign": own.situation.campaign.get("title") or own.message.campaign,
        "contact": own.situation.campaign.get("contact"),
    }


def shown(
    request: Request, page: Page, own: Own, *, wrong: dict[str, str] | None = None, status: int = 200
) -> HTMLResponse:
    """The page, with what is wrong with what was typed."""
    lang = page.language(request, own.situation.locale)
    path = request.url.path.split("/")
    context = {
        **head(own),
        "here": "/".join(path[:3]),
        "name": own.journey.attribute("name") or "",
        "withdrawn": own.journey.withdrawn,
        "hidden": _hidden(own),
        "takes_part": takes_part(own),
        "fairs": reading.fairs(own, lang),
        "interviews": reading.interviews(own, lang),
        "offers": reading.offers(own, lang),
        "attributes": reading.attributes(own),
        "correctable": reading.CORRECTABLE,
        "educations": Education.__args__,  # type: ignore[attr-defined]
        "agreed": reading.agreed(own),
        "asks_abroad": reading.asks_abroad(own),
        "words": consents.words(lang),
        "preferences": own.situation.links.url("unsubscribe", own.message.nonce),
        "said": request.query_params.get("said"),
        "wrong": wrong or {},
    }
    return page(request, "own.html", context, status, otherwise=own.situation.locale)


def _hidden(own: Own) -> dict[str, Any] | None:
    """Since when they are restricted, why, until when, and whether that is theirs to lift."""
    held = own.journey.hidden
    if held is None:
        return None
    since = datetime.fromtimestamp(held.at[0] / 1e6, own.situation.zone).date()
    until = date.fromisoformat(held.until) if held.until else None
    return {
        "since": since,
        "until": until,
        "ground": held.ground,
        "own": held.ground == saying.ASKED,
        "over": held.ground == RETENTION,
    }
