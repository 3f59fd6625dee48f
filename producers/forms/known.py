"""What a form names must be there: a mistyped address, or another campaign's id, says nothing about anybody."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from producers.forms.sent import Wrong
from schemas.access import Caller
from schemas.errors import Forbidden, NotFound
from schemas.forms import Form
from storage.campaigns import openings, reads
from storage.database import Conn
from storage.journeys import candidates, counted, sight
from storage.ledger import ledger, posters

Row = dict[str, Any]


async def require(
    conn: Conn, caller: Caller, form: Form, about: dict[str, str], *, people: list[str], values: Row
) -> None:
    """Raises NotFound for what the address names, Wrong for what was chosen; Forbidden for what an employer may not
    know, whether it is there or not."""
    campaign = about["campaign"]
    one = [about[name] for name in ("candidate", "into") if name in form.about and name in about]
    if caller.role == "employer":
        await _require_own(conn, caller, form, about, [*people, *one])
    strangers = {*people, *one} - await ledger.spoken_of(conn, campaign, [*people, *one])
    if strangers:
        raise NotFound(f"nobody is known here as {min(strangers)!r}")
    if form.name in THERE and not await THERE[form.name](conn, about):
        raise NotFound("what this form is about is not there")
    for field in form.fields:
        is_there = CHOSEN.get(field.choices) if isinstance(field.choices, str) and field.name in values else None
        if is_there and not await is_there(conn, caller, about, values[field.name]):
            raise Wrong(field.name, "form.bad.choice")


async def _require_own(conn: Conn, caller: Caller, form: Form, about: dict[str, str], people: list[str]) -> None:
    keys = {(about["campaign"], each) for each in people}
    if keys - await sight.visible(conn, caller.employer or "", keys):
        raise Forbidden("this is about somebody whom you do not see")
    if form.name == "retract" and not await posters.posted_by(conn, [(about["source"], about["id"])], caller.poster):
        raise Forbidden("you may retract only what you posted yourself")


async def _target(conn: Conn, about: dict[str, str]) -> bool:
    return await counted.target(conn, about["campaign"], about["target"]) is not None


async def _fair(conn: Conn, about: dict[str, str]) -> bool:
    return await reads.fair(conn, about["campaign"], about["fair"]) is not None


async def _fair_or_new(conn: Conn, about: dict[str, str]) -> bool:
    return "fair" not in about or await _fair(conn, about)


async def _opening_or_new(conn: Conn, about: dict[str, str]) -> bool:
    return "opening" not in about or await openings.fetch(conn, about["campaign"], about["opening"]) is not None


async def _fact(conn: Conn, about: dict[str, str]) -> bool:
    """It is the campaign's, and about that person where one is named."""
    found = await ledger.named(conn, [(about["source"], about["id"])])
    return any((fact.campaign, fact.candidate) == (about["campaign"], about.get("candidate")) for fact in found)


async def _chosen_fair(conn: Conn, caller: Caller, about: dict[str, str], fair: str) -> bool:
    return await _fair(conn, {**about, "fair": fair})


async def _chosen_opening(conn: Conn, caller: Caller, about: dict[str, str], opening: str) -> bool:
    return await openings.fetch(conn, about["campaign"], opening) is not None


async def _chosen_offer(conn: Conn, caller: Caller, about: dict[str, str], offer: str) -> bool:
    """Another employer's is there for an organizer alone."""
    journeys = await candidates.load_many(conn, about["campaign"], [about["candidate"]])
    found = [journey.offers[offer] for journey in journeys.values() if offer in journey.offers]
    return any(caller.role != "employer" or (each.terms and each.terms.employer == caller.employer) for each in found)


THERE: Final[dict[str, Callable[[Conn, dict[str, str]], Awaitable[bool]]]] = {
    "drop_target": _target,
    "cancel_fair": _fair,
    "fair": _fair_or_new,
    "opening": _opening_or_new,
    "retract": _fact,
}
CHOSEN: Final[dict[str, Callable[[Conn, Caller, dict[str, str], str], Awaitable[bool]]]] = {
    "fairs": _chosen_fair,
    "openings": _chosen_opening,
    "offers": _chosen_offer,
}
