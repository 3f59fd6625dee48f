"""Who is counted by a target, and by which facts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from schemas.access import Caller
from schemas.counted import Counted, Explaining
from schemas.errors import NotFound
from storage.campaigns.reads import plain
from storage.database import Conn
from storage.journeys import counted, merging, people, sight
from storage.ledger import ledger

Row = dict[str, Any]
IsWanted = Callable[[Counted], bool]
OF_NOBODY: Final = frozenset({"candidate.signed_up", "candidate.checked_in"})
PORTION: Final = 250  # people: others are served between two portions


async def asked_for(conn: Conn, caller: Caller, campaign: str, name: str) -> Row:
    """The target. Raises NotFound, the same where the caller may not read it."""
    found = await counted.target(conn, campaign, name)
    if found is None or not caller.reads_target(found):
        raise NotFound(f"there is no target {name!r} in the campaign {campaign!r}")
    return found


def on(day: date | None, zone: str) -> IsWanted:
    """What was earned on this day there; all of it when no day is asked for."""
    return lambda each: day is None or each.at.astimezone(ZoneInfo(zone)).date() == day


async def rows(
    conn: Conn, explaining: Explaining, caller: Caller, target: Row, *, wanted: IsWanted, now: datetime, after: str = ""
) -> AsyncIterator[Row]:
    """Each who is counted, by id: candidate, name, at, amount, facts. Within a snapshot their sum is the number.

    Fairs have no candidate. An employer is told of its own candidates alone.
    """
    if target["measure"] == "fairs_held":
        for title, each in [] if after else await _fairs(conn, explaining, target, now):
            if wanted(each):
                yield _row(None, title, each)
        return
    while portion := await counted.perhaps_counted(conn, target, after=after, limit=PORTION):
        after = portion[-1]
        seen = await _seen(conn, caller, target, portion)
        for candidate, name, each in await _people(conn, explaining, target, seen, wanted):
            yield _row(candidate, name, _told(caller, each))


async def first(found: AsyncIterator[Row], limit: int) -> list[Row]:
    """So many of them at most."""
    taken: list[Row] = []
    async for row in found:
        taken.append(row)
        if len(taken) == limit:
            break
    return taken


async def _people(
    conn: Conn, explaining: Explaining, target: Row, candidates: list[str], wanted: IsWanted
) -> list[tuple[str, str | None, Counted]]:
    campaign = target["campaign"]
    ids = await merging.members(conn, [(campaign, each) for each in candidates])
    facts = await ledger.facts_of_candidates(conn, [each for members in ids.values() for each in members])
    retracted = await ledger.retracted(conn, [fact for said in facts.values() for fact in said])
    names = await people.names(conn, campaign, candidates)
    found = []
    for (_, candidate), members in ids.items():
        each = explaining.person(target, [fact for key in members for fact in facts[key]], retracted)
        if each is not None and wanted(each):
            found.append((candidate, names.get(candidate), each))
    return found


async def _fairs(conn: Conn, explaining: Explaining, target: Row, now: datetime) -> list[tuple[str, Counted]]:
    """As of when they were counted last."""
    facts = await ledger.facts_of_campaign(conn, target["campaign"])
    return explaining.fairs(target, facts, await ledger.retracted(conn, facts), target["as_of"] or now)


async def _seen(conn: Conn, caller: Caller, target: Row, candidates: list[str]) -> list[str]:
    if caller.role != "employer":
        return candidates
    campaign = target["campaign"]
    seen = await sight.visible(conn, caller.employer or "", [(campaign, each) for each in candidates])
    return [each for each in candidates if (campaign, each) in seen]


def _told(caller: Caller, each: Counted) -> Counted:
    """As the caller may know it: an employer without what others did, which carries a signup or coming as well."""
    if caller.role != "employer":
        return each
    own = [fact for fact in each.facts if fact.type in OF_NOBODY or fact.data.get("employer") == caller.employer]
    return replace(each, facts=tuple(own))


def _row(candidate: str | None, name: str | None, each: Counted) -> Row:
    facts = [{"source": f.source, "id": f.id, "type": f.type, "time": f.time} for f in each.facts]
    return {"candidate": candidate, "name": name, "at": each.at, "amount": plain(each.amount), "facts": facts}
