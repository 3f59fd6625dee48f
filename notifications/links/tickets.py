"""A ticket: its holder shows the code, the organizer's telephone reads it and checks its holder in. And the calendar.

`/calendar/{token}` gives the fair as it stands now, for calendars that can't open the file of a mail.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from notifications.drawing import Page
from notifications.links.opening import Door, fact, links_router
from notifications.rules.participation import takes_part
from notifications.sending import qr
from notifications.sending.calendar_file import FILE_NAME, calendar_file
from notifications.sending.enclosing import fair_event
from notifications.sending.fair_words import described
from notifications.sending.reaching import reached
from notifications.sending.situation import Situation
from schemas.access import Authenticate, Caller
from schemas.errors import Conflict, Forbidden, NotFound, Unauthorized
from schemas.facts import Fact
from storage.campaigns import seat_reads
from storage.database import borrowed
from storage.ledger import ledger
from storage.messages import by_link
from storage.messages.by_link import Linked, SaidByLink
from storage.vault.accepting import accept

TicketState = Literal["valid", "waiting", "void", "cancelled", "early", "over"]

SOURCE: Final = "/tickets"
OPENS_BEFORE: Final = timedelta(hours=12)
CLOSES_AFTER: Final = timedelta(hours=12)
ADMITS: Final[frozenset[TicketState]] = frozenset({"valid", "waiting"})
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket as it stands. `checked_in`: since when; `ours`: the check-ins that were said here, which may be taken
    back here; `spoken`: how often anything was said here; `number`: the place on the waiting list."""

    message: Linked
    situation: Situation
    fair: dict[str, Any]
    state: TicketState
    checked_in: datetime | None
    ours: list[Fact]
    spoken: int
    number: int | None


def make_router(door: Door, authenticate: Authenticate, page: Page) -> APIRouter:
    """The router; `authenticate` gives the caller where somebody checks in others."""
    router = links_router(page)

    @router.get("/tickets/{token}")
    async def show(request: Request, token: str) -> HTMLResponse:
        ticket = await _ticket(door, token)
        staff = await _staff(authenticate, request, ticket)
        return page(request, "ticket.html", _context(request, page, ticket, staff), otherwise=ticket.situation.locale)

    @router.post("/tickets/{token}/check-in")
    async def check_in(token: str, caller: Caller = Depends(authenticate)) -> Response:
        caller.require("organizer")
        ticket = await _ticket(door, token)
        caller.require_campaign(ticket.message.campaign)
        if ticket.checked_in is None:
            if ticket.state not in ADMITS:
                raise Conflict(f"this ticket admits nobody now: it is {ticket.state}")
            await _say(door, ticket, caller, "candidate.checked_in", {"fair": ticket.fair["fair"]})
        return RedirectResponse(f"/tickets/{token}", 303)

    @router.post("/tickets/{token}/undo")
    async def undo(token: str, caller: Caller = Depends(authenticate)) -> Response:
        caller.require("organizer")
        ticket = await _ticket(door, token)
        caller.require_campaign(ticket.message.campaign)
        for nth, each in enumerate(ticket.ours):
            wrong = {"source": each.source, "id": each.id, "reason": f"undone by {caller.name}"}
            await _say(door, ticket, caller, by_link.RETRACTED, wrong, later=nth)
        return RedirectResponse(f"/tickets/{token}", 303)

    @router.get("/calendar/{token}")
    async def calendar(request: Request, token: str) -> Response:
        _, situation = await door.open("calendar", token)
        row = _fair(situation)
        event = fair_event(row, situation.campaign, situation.zone, situation.locale, situation.links)
        headers = {"Content-Disposition": f'attachment; filename="{FILE_NAME}"', "Cache-Control": "no-store"}
        return Response(calendar_file(event, situation.now), headers=headers, media_type="text/calendar; charset=utf-8")

    return router


async def _ticket(door: Door, token: str) -> Ticket:
    message, situation = await door.open("ticket", token)
    row = _fair(situation)
    async with borrowed(door.pool) as conn:
        said = await by_link.said(conn, SOURCE, message.campaign, message.candidate)
        standing = (await seat_reads.standing(conn, message.campaign, message.candidate)).get(row["fair"])
    ours = [each for each in said.standing if each.data["fair"] == row["fair"]]
    return Ticket(
        message,
        situation,
        row,
        _state(situation, row),
        _checked_in(situation, row["fair"], ours, said),
        ours,
        said.count,
        standing.number if standing else None,
    )


def _fair(situation: Situation) -> dict[str, Any]:
    row = situation.fair_row()
    if row is None:
        raise NotFound("the fair of this link is not known")
    return row


def _state(situation: Situation, row: dict[str, Any]) -> TicketState:
    if row["cancelled"]:
        return "cancelled"
    if not takes_part(situation.journey, row["fair"]):
        return "void"
    if situation.now > row["ends_at"] + CLOSES_AFTER:
        return "over"
    if situation.place == "waiting":
        return "waiting"
    return "early" if situation.now < row["starts_at"] - OPENS_BEFORE else "valid"


def _checked_in(situation: Situation, fair: str, ours: Sequence[Fact], said: SaidByLink) -> datetime | None:
    """Since when: by what was said here, or by the journey. What was taken back here may still stand in the journey
    for a moment, until that is applied."""
    if ours:
        return min(each.time for each in ours)
    applied = situation.journey.checkins.get(fair)
    if applied is None or applied in {each.stamp[0] for each in said.taken_back}:
        return None
    return _EPOCH + timedelta(microseconds=applied)


async def _say(door: Door, ticket: Ticket, caller: Caller, type: str, data: dict[str, Any], *, later: int = 0) -> None:
    nth = ticket.spoken + 1 + later
    said = fact(type, ticket.message, data, source=SOURCE, nth=nth, time=ticket.situation.now)
    async with borrowed(door.pool) as conn:
        new = await accept(conn, [said], posted_by=caller.poster)
        await ledger.ring(conn)
        known = await by_link.said(conn, SOURCE, ticket.message.campaign, ticket.message.candidate)
    there = [each for each in [*known.standing, *known.taken_back] if each.identity == said.identity]
    if type != by_link.RETRACTED and said.identity not in new and not there:
        raise Conflict("something else was said of this ticket at the same moment; look at it again")


async def _staff(authenticate: Authenticate, request: Request, ticket: Ticket) -> bool:
    """Whether an organizer looks who may enter the ticket's campaign; all others see it as its holder does."""
    try:
        caller = await authenticate(request)
    except (Unauthorized, Forbidden):
        return False
    return caller.role == "organizer" and caller.enters(ticket.message.campaign)


def _context(request: Request, page: Page, ticket: Ticket, staff: bool) -> dict[str, Any]:
    situation = ticket.situation
    lang = page.language(request, situation.locale)
    url = situation.links.url("ticket", ticket.message.nonce)
    return {
        "fair": described(ticket.fair, situation.zone, lang),
        "state": ticket.state,
        "number": ticket.number or 1,
        "admits": ticket.state in ADMITS,
        "checked_in": ticket.checked_in,
        "undo": bool(ticket.ours),
        "holder": situation.journey.attribute("name") or ticket.message.candidate,
        "message": ticket.message,
        "organizer": situation.campaign.get("organizer") or situation.sender.name,
        "zone": situation.zone.key,
        "code": f"data:image/png;base64,{b64encode(qr.png(url)).decode()}",
        "contacts": reached(situation, lang)[1],
        "staff": staff,
        "here": request.url.path,
    }
