"""When a person is asked whether they want to be kept, hidden, and erased. Pure: the rule, and nothing else."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from schemas.journey import RETENTION, Journey
from schemas.retention import NOTICE, RetentionOutcome, RetentionTerms, Step

_NOTICE: Final = timedelta(days=NOTICE)
_LATEST: Final = 9000  # a year behind which nothing is planned


@dataclass(frozen=True, slots=True)
class Hidden:
    """Since when a person is hidden, on which ground, and from when on no longer."""

    since: datetime
    ground: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """What the rule looks at. `last_contact`: when the person was last heard of; `ends`: when their campaign is over;
    `asked_at`: when they were last asked. All aware."""

    last_contact: datetime | None
    ends: datetime | None
    asked_at: datetime | None = None
    hidden: Hidden | None = None
    erased: bool = False


@dataclass(frozen=True, slots=True)
class Next:
    """What comes next, and when."""

    step: Step
    due: datetime


def next_step(kept: Kept, terms: RetentionTerms) -> Next | None:
    """What comes next of a person; None where nothing does. Nobody is hidden or erased by the clock who was not asked
    `NOTICE` days before, whatever the terms were meanwhile."""
    begins = max((at for at in (kept.last_contact, kept.ends) if at is not None), default=None)
    if kept.erased or begins is None:
        return None
    if kept.hidden is not None:
        return _of_hidden(kept.hidden, begins, terms)
    over = months_after(begins, terms.keep)
    if kept.asked_at is None or kept.asked_at < begins:
        return Next("ask", over - _NOTICE)
    return Next("restrict" if terms.hold else "erase", max(over, kept.asked_at + _NOTICE))


def _of_hidden(hidden: Hidden, begins: datetime, terms: RetentionTerms) -> Next | None:
    if hidden.ground != RETENTION:
        return Next("lift", hidden.until) if hidden.until else None
    due = hidden.until or months_after(hidden.since, terms.hold)
    if begins > hidden.since:  # they were hired since, or the campaign goes on: their time has begun anew
        due = max(due, months_after(months_after(begins, terms.keep), terms.hold))
    return Next("erase", due)


def outcome(journey: Journey) -> RetentionOutcome:
    """What came of a person's part in the campaign, which says for how long records are of use."""
    if journey.benefits or journey.payments:
        return "benefits"
    return "hired" if journey.hires else "not_hired"


def months_after(at: datetime, months: int) -> datetime:
    """The same day so many months later, or the last one of a month that is shorter."""
    years, month = divmod(at.month - 1 + months, 12)
    year = min(at.year + years, _LATEST)
    day = min(at.day, monthrange(year, month + 1)[1])
    return at.replace(year=year, month=month + 1, day=day)
