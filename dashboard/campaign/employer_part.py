"""An employer's part of a campaign: its openings and candidates, what came of its interviews and offers, whom it is to
report as started. Of others it has nothing."""

from __future__ import annotations

import secrets
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from dashboard.campaign.numbers import acceptance
from dashboard.campaign.reading import called
from dashboard.pace import day_in, stood
from schemas.access import Caller
from schemas.counted import Explaining
from schemas.fields import BY_EMPLOYERS
from schemas.journey import Journey
from schemas.paging import encode
from storage.campaigns import breakdowns, reads
from storage.database import Conn
from storage.journeys import of_employer, people

Row = dict[str, Any]

PEOPLE: Final = 50
REPORTED: Final = 100  # at once, at most
OPENINGS: Final = 200
LOOKED_THROUGH: Final = 20_000  # people, for a target that asks for more than employers


async def read_own(
    conn: Conn, caller: Caller, about: Row, employer: str, now: datetime, *, after: str, explaining: Explaining
) -> Row:
    """All that the page shows to this caller."""
    name, today = about["campaign"], day_in(about["timezone"], now)
    numbers = await breakdowns.of_employer(conn, name, employer)
    fairs = await of_employer.fairs(conn, name, employer)
    found = await of_employer.listed(conn, name, employer, after=after, limit=PEOPLE + 1)
    waiting = await of_employer.not_started(conn, name, employer, limit=REPORTED)
    named = await people.names(conn, name, [*(row[0] for row in found), *(row[0] for row in waiting)])
    offers = [row for row in await breakdowns.offers(conn, name, now) if row["employer"] == employer]
    return {
        "about": about,
        "employer": employer,
        "called": await called(conn, about, [employer], fairs),
        "numbers": {step: numbers[step] for step in BY_EMPLOYERS},
        "shows": numbers_of(numbers),
        "offers": acceptance(offers),
        "targets": await _with_own(conn, await _targets(conn, caller, about, now), employer, numbers, explaining),
        "openings": await breakdowns.openings(conn, name, now, of=employer, limit=OPENINGS),
        "waiting": [_waits(*row, employer, named, today) for row in waiting],
        "people": [_person(candidate, journey, employer, named, now) for candidate, journey, _ in found[:PEOPLE]],
        "more": encode(found[PEOPLE - 1][0]) if len(found) > PEOPLE else None,
        "fairs": fairs,
        "today": today,
        "counting": await breakdowns.is_due(conn, name),
        "form_token": secrets.token_hex(16),
        "tokens": {candidate: secrets.token_hex(16) for candidate, _ in waiting},
    }


def numbers_of(own: Row) -> str:
    """What an employer did, as its page names to its stream what it shows."""
    return ".".join(str(own[step]) for step in BY_EMPLOYERS)


async def _targets(conn: Conn, caller: Caller, about: Row, now: datetime) -> list[Row]:
    """Those that count what employers do, and in which the caller has a part: of some it may know no more than that."""
    found = (await reads.targets_of(conn, [about["campaign"]]))[about["campaign"]]
    shared = [row for row in found if row["measure"] in BY_EMPLOYERS and caller.has_part_in(row)]
    return [row | {"is_read": caller.reads_target(row)} for row in stood(shared, about, now)]


async def _with_own(conn: Conn, targets: list[Row], employer: str, numbers: Row, explaining: Explaining) -> list[Row]:
    """Each target with `own`, how much of it is this employer's: by its sums where the `where` asks for no more than
    employers, else person by person; None where there are too many for that."""
    own = {row["target"]: _by_sums(row, employer, numbers) for row in targets}
    others = [row for row in targets if own[row["target"]] is None]
    if others:
        own |= await _by_person(conn, others, employer, explaining)
    return [row | {"own": own[row["target"]]} for row in targets]


def _by_sums(target: Row, employer: str, numbers: Row) -> int | None:
    where = target["where"]
    if employer not in where.get("employer", [employer]):
        return 0
    return None if where.keys() - {"employer"} else int(numbers[target["measure"]])


async def _by_person(conn: Conn, targets: list[Row], employer: str, explaining: Explaining) -> dict[str, int | None]:
    narrowed = [row | {"where": {**row["where"], "employer": [employer]}} for row in targets]
    sums = dict.fromkeys((row["target"] for row in targets), Decimal(0))
    seen = 0
    async for journey in of_employer.journeys(conn, targets[0]["campaign"], employer):
        seen += 1
        if seen > LOOKED_THROUGH:
            return dict.fromkeys(sums)
        for row in narrowed:
            sums[row["target"]] += explaining.journey(row, journey)
    return {target: int(number) for target, number in sums.items()}


def _waits(candidate: str, journey: Journey, employer: str, named: dict[str, str], today: date) -> Row:
    agreed = [
        offer.terms.start_on
        for offer in journey.offers.values()
        if offer.terms
        and offer.terms.employer == employer
        and offer.status.value == "accepted"
        and offer.terms.start_on
    ]
    start = date.fromisoformat(min(agreed)) if agreed else None
    return {
        "candidate": candidate,
        "name": named.get(candidate),
        "agreed": start,
        "overdue": start is not None and start < today,
        "started_on": min(start, today) if start else today,
    }


def _person(candidate: str, journey: Journey, employer: str, named: dict[str, str], now: datetime) -> Row:
    """A candidate, and what came of this employer's interviews and offers: keys of texts, the latest step first."""
    hire, interview = journey.hires.get(employer), journey.interviews.get(employer)
    offers = [offer for offer in journey.offers.values() if offer.terms and offer.terms.employer == employer]
    words = [f"employers.own.hire.{hire.status.value}"] if hire else []
    words += [f"employers.own.offer.{_status(offer.status.value, offer.terms, now)}" for offer in offers]
    if interview:
        words.append(f"employers.own.outcome.{interview.outcome.value if interview.outcome else 'none'}")
    positions = [offer.terms.position for offer in offers if offer.terms]
    return {
        "candidate": candidate,
        "name": named.get(candidate),
        "words": [*(["employers.own.withdrawn"] if journey.withdrawn else []), *dict.fromkeys(words)],
        "positions": list(dict.fromkeys(positions)),
    }


def _status(said: Any, terms: Any, now: datetime) -> str:
    if said == "extended" and terms.expires_at and datetime.fromisoformat(terms.expires_at.upper()) <= now:
        return "expired"
    return str(said)
