"""How long persons are kept, by what came of their part in a campaign. Why these defaults: docs/privacy.md."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

from schemas.errors import Refused

RetentionOutcome = Literal["not_hired", "hired", "benefits"]
Step = Literal["ask", "restrict", "erase", "lift"]
OUTCOMES: Final[tuple[RetentionOutcome, ...]] = get_args(RetentionOutcome)
STEPS: Final[tuple[Step, ...]] = get_args(Step)
NOTICE: Final = 30  # days between being asked and what comes then
SOURCE: Final = "/yinfeng/retention"  # under which the platform says what the clock brought
MOST_MONTHS: Final = 600


@dataclass(frozen=True, slots=True)
class RetentionTerms:
    """Months for which a person is kept in sight, after the campaign's end and their last word; and hidden after
    that, until they are erased."""

    keep: int
    hold: int


DEFAULTS: Final[dict[RetentionOutcome, RetentionTerms]] = {
    "not_hired": RetentionTerms(12, 6),
    "hired": RetentionTerms(24, 12),
    "benefits": RetentionTerms(24, 96),
}


def make_terms(keep: int, hold: int) -> RetentionTerms:
    """Raises Refused for what is no length of time that anybody could mean."""
    for name, months in (("keep", keep), ("hold", hold)):
        if not 0 <= months <= MOST_MONTHS:
            raise Refused(f"{name} must be from 0 to {MOST_MONTHS} months")
    return RetentionTerms(keep, hold)
