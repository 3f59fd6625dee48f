"""An employer's part of a campaign: its openings and candidates, what came of its interviews and offers, whom it is to
report as started. Of others it has nothing."""

from __future__ import annotations

import secrets
from datetime import date, datetime
from typing import Any, Final

from dashboard.campaign.numbers import acceptance
from dashboard.campaign.reading import called
from dashboard.pace import day_in, stood
from schemas.journey import Journey
from schemas.paging import encode
from storage.campaigns import breakdowns, reads
from storage.database import Conn
from storage.journeys import of_employer, people

Row = dict[str, Any]

PEOPLE: Final = 50
REPORTED: Final = 100  # at once, at most
OPENINGS: Final = 200
STEPS: Final = ("interviewed", "offered", "accepted", "hired")


async def read_own(conn: Conn, about: Row, employer: str, now: datetime, *, after: str) -> Row:
    """All that the page shows."""
    name, today = about["campaign"], day_in(about["timezone"], now)
    numbers = await breakdowns.of_employer(conn, name, employer)
    found = await of_employer.listed(conn, name, employer, after=after, limit=PEOPLE + 1)
    waiting = await of_employer.not_started(conn, name, employer, limit=REPORTED)
    named = await people.names(conn, name, [*(row[0] for row in found), *(row[0] for row in waiting)])
    offers = [row for row in await breakdowns.offers(conn, name, now) if row["employer"] == employer]
    return {
        "about": about,
        "employer": employer,
        "called": await called(conn, about, [employer]),
        "numbers": {step: numbers[step] for step in STEPS},
        "offers": acceptance(offers),
        "targets": [row | {"own": _own(row, employer, numbers)} for row in await _targets(conn, about, now)],
        "openings": await breakdowns.openings(conn, name, employer, limit=OPENINGS),
        "waiting": [_waits(*row, employer, named, today) for row in waiting],
        "people": [_person(candidate, journey, employer, named, now) for candidate, journey, _ in found[:PEOPLE]],
        "more": encode(found[PEOPLE - 1][0]) if len(found) > PEOPLE else None,
        "fairs": await of_employer.fairs(conn, name, employer),
        "today": today,
        "counting": await breakdowns.is_due(conn, name),
        "form_token": secrets.token_hex(16),
        "tokens": {candidate: secrets.token_hex(16) for candidate, _ in waiting},
    }


async def _targets(conn: Conn, about: Row, now: datetime) -> list[Row]:
    """Those that count what employers do."""
    found = (await reads.targets_of(conn, [about["campaign"]]))[about["campaign"]]
    return stood([row for row in found if row["measure"] in STEPS], about, now)


def _own(target: Row, employer: str, numbers: Row) -> int | None:
    """How much of a target is this employer's; None where its `where` asks more than that, so that the sum by employer
    does not tell."""
    where = target["where"]
    if where.keys() - {"employer"}:
        return None
    return int(numbers[target["measure"]]) if employer in where.get("employer", [employer]) else 0


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
