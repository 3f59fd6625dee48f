"""Offers are accepted and declined by signed link. Opening the link answers nothing: programs that look at mails open
links too. An answer may be changed while the offer stands."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from notifications.drawing import Page
from notifications.links.opening import GONE, Door, fact, links_router
from notifications.sending import dates
from notifications.sending.reaching import reached
from notifications.sending.situation import Situation
from schemas.errors import NotFound
from schemas.facts import Fact
from schemas.journey import Stamp, Terms
from storage.database import borrowed
from storage.journeys import documents
from storage.ledger import ledger
from storage.messages import by_link
from storage.messages.by_link import Linked
from storage.vault.accepting import accept

OfferAnswer = Literal["accepted", "declined"]
OfferState = Literal["open", "accepted", "declined", "expired", "rescinded", "withdrawn", "started"]

SOURCE: Final = "/offers"
MOST_OF_A_REASON: Final = 500
DOCUMENT_HEADERS: Final = {
    "Content-Disposition": 'inline; filename="offer.pdf"',
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ANSWERED: Final[dict[str, OfferState]] = {"accepted": "accepted", "declined": "declined", "rescinded": "rescinded"}


@dataclass(frozen=True, slots=True)
class Offered:
    """An offer as it stands. `at` is the stamp of the last word on it, which an answer must follow; `may_answer`:
    whether an answer, or another one, counts now."""

    message: Linked
    situation: Situation
    offer: str
    terms: Terms
    state: OfferState
    may_answer: bool
    at: Stamp
    spoken: int

    @property
    def version(self) -> str:
        """Names these terms: who accepts says which."""
        return hashlib.sha256(repr(self.terms.at).encode()).hexdigest()[:16]


def make_router(door: Door, page: Page) -> APIRouter:
    """The router."""
    router = links_router(page)

    @router.get("/offers/{token}")
    async def show(request: Request, token: str) -> HTMLResponse:
        return _shown(request, page, await _offered(door, token))

    @router.post("/offers/{token}")
    async def answer(
        request: Request,
        token: str,
        answer: Annotated[OfferAnswer, Form()],
        version: Annotated[str, Form(max_length=64)] = "",
        reason: Annotated[str, Form(max_length=MOST_OF_A_REASON)] = "",
    ) -> Response:
        offered = await _offered(door, token)
        if offered.state != answer:
            if not offered.may_answer:
                return _shown(request, page, offered, status=409)
            if version != offered.version:
                return _shown(request, page, offered, status=409, changed=True)
            door.limit.take(offered.message.nonce)
            if not await _say(door, offered, answer, _on_one_line(reason)):
                # Said at the same moment by another hand: what stands now counts.
                return _shown(request, page, await _offered(door, token), status=409, changed=True)
        return RedirectResponse(f"/offers/{token}", 303)

    _add_document(router, door, page)
    return router


def _add_document(router: APIRouter, door: Door, page: Page) -> None:
    @router.get("/offers/{token}/document")
    async def document(request: Request, token: str) -> Response:
        offered = await _offered(door, token)
        named, message = offered.terms.document, offered.message
        async with borrowed(door.pool) as conn:
            found = await documents.fetch(conn, named, message.campaign, message.candidate) if named else None
        if found is None:
            raise NotFound(GONE)
        return Response(found, headers=DOCUMENT_HEADERS, media_type="application/pdf")


async def _offered(door: Door, token: str) -> Offered:
    """Raises NotFound, also for an offer that was retracted."""
    message, situation = await door.open("answer", token)
    id = message.params.get("offer")
    offer = situation.journey.offers.get(id) if id else None
    if id is None or offer is None or offer.terms is None:
        raise NotFound(GONE)
    async with borrowed(door.pool) as conn:
        said = await by_link.said(conn, SOURCE, message.campaign, message.candidate)
    own = [each for each in said.standing if each.data["offer"] == id]
    at, status = _last_word(offer.status.at, str(offer.status.value), own)
    state = _state(situation, offer.terms, status)
    expired = _expired(situation, offer.terms)
    may_answer = state == "open" or (state in ("accepted", "declined") and not expired)
    return Offered(message, situation, id, offer.terms, state, may_answer, at, said.count)


def _last_word(at: Stamp, status: str, own: Sequence[Fact]) -> tuple[Stamp, str]:
    """What was said here may wait to be applied."""
    words = [(at, status), *((each.stamp, each.type.removeprefix("offer.")) for each in own)]
    return max(words)


def _state(situation: Situation, terms: Terms, status: str) -> OfferState:
    hire = situation.journey.hires.get(terms.employer)
    if hire is not None and hire.status.value == "started":
        return "started"
    if status in _ANSWERED:
        return _ANSWERED[status]
    if situation.journey.withdrawn:
        return "withdrawn"
    return "expired" if _expired(situation, terms) else "open"


def _expired(situation: Situation, terms: Terms) -> bool:
    return terms.expires_at is not None and situation.now >= dates.parse(terms.expires_at)


async def _say(door: Door, offered: Offered, answer: OfferAnswer, reason: str) -> bool:
    """Whether it counts: not where something else was said at the same moment. It comes never before the word that it
    answers, whatever the clocks say: the last word stands."""
    earliest = _EPOCH + timedelta(microseconds=offered.at[0] + 1)
    time = max(offered.situation.now, earliest)
    data = {"offer": offered.offer} | ({"reason": reason} if reason and answer == "declined" else {})
    said = fact(f"offer.{answer}", offered.message, data, source=SOURCE, nth=offered.spoken + 1, time=time)
    async with borrowed(door.pool) as conn:
        new = await accept(conn, [said], posted_by=f"link:{offered.message.id}")
        await ledger.ring(conn)
    return said.identity in new or await _stands(door, offered, said)


async def _stands(door: Door, offered: Offered, said: Fact) -> bool:
    """Whether what has this name already says the same."""
    async with borrowed(door.pool) as conn:
        known = await by_link.said(conn, SOURCE, offered.message.campaign, offered.message.candidate)
    return any(each.identity == said.identity and each.type == said.type for each in known.standing)


def in_words(terms: Terms, situation: Situation, lang: str) -> dict[str, Any]:
    """An offer's terms as they are read; the city only where no place is named."""
    expires, starts = terms.expires_at, terms.start_on
    return {
        "employer": situation.called(terms.employer, lang),
        "position": terms.position,
        "salary": terms.salary,
        "starts": dates.day(starts, lang) if starts else None,
        "city": None if terms.place else terms.city,
        "place": terms.place,
        "contact": terms.contact,
        "papers": terms.papers,
        "document": terms.document,
        "expires": dates.moment(expires, situation.zone, lang) if expires else None,
    }


def _on_one_line(text: str) -> str:
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())


def _shown(request: Request, page: Page, offered: Offered, *, status: int = 200, changed: bool = False) -> HTMLResponse:
    situation, terms = offered.situation, offered.terms
    lang = page.language(request, situation.locale)
    context = {
        "offer": in_words(terms, situation, lang),
        "state": offered.state,
        "may_answer": offered.may_answer,
        "version": offered.version,
        "changed": changed,
        "holder": situation.journey.attribute("name") or offered.message.candidate,
        "organizer": situation.campaign.get("organizer") or situation.sender.name,
        "campaign": situation.campaign.get("title") or offered.message.campaign,
        "contacts": reached(situation, lang)[1],
        "here": request.url.path,
    }
    return page(request, "offer.html", context, status, otherwise=situation.locale)
