"""Whom a list is to show, as its address says it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import Query

from dashboard.parameters import WordQuery
from schemas.access import Caller
from schemas.errors import FieldError, Refused
from schemas.fields import FUNNEL
from storage.journeys.narrowing import Wanted
from storage.journeys.tags import AWAY

WithinDays = Annotated[int, Query(ge=0, le=366, description="Whose open offer expires within so many days.")]
StepQuery = Annotated[
    str, Query(max_length=20, description="The step that they have reached, or `withdrew` or `erased`.")
]
STAGES: Final = (*FUNNEL, *AWAY)


class Asking:
    """The parameters of a list; what is empty narrows nothing."""

    def __init__(
        self,
        *,
        q: Annotated[
            WordQuery, Query(description="A name (also in pinyin or its initials), number, address or id.")
        ] = "",
        stage: StepQuery = "",
        only: Annotated[bool, Query(description="Who has reached that step and none beyond it.")] = False,
        fair: WordQuery = "",
        employer: WordQuery = "",
        school: WordQuery = "",
        education: WordQuery = "",
        chain: WordQuery = "",
        expiring: WithinDays = 0,
        waits: Annotated[bool, Query(description="Who waits for a word of ours.")] = False,
    ) -> None:
        self.q, self.stage, self.only, self.expiring, self.waits = q.strip(), stage.strip(), only, expiring, waits
        self.fair, self.employer, self.school = fair.strip(), employer.strip(), school.strip()
        self.education, self.chain = education.strip(), chain.strip()

    def wanted(self, caller: Caller, now: datetime) -> Wanted:
        """Whom that is. Raises Refused for a step that there is not, and for another employer's candidates."""
        sees = caller.employer or "" if caller.role == "employer" else None
        if self.stage and self.stage not in STAGES:
            raise _refused("stage", f"must be one of {', '.join(STAGES)}")
        if sees is not None and self.employer not in ("", sees):
            raise _refused("employer", "an employer asks for its own candidates")
        return Wanted(
            q=self.q,
            stage=self.stage,
            only=self.only,
            fair=self.fair,
            employer=self.employer,
            school=self.school,
            education=self.education,
            chain=self.chain,
            ends=(now, now + timedelta(days=self.expiring)) if self.expiring else None,
            waits=self.waits,
            sees=sees,
        )

    def narrowing(self) -> list[tuple[str, str]]:
        """What it is narrowed by, as parameters of an address, without what somebody searched for: that may be a
        person's name, which is kept nowhere."""
        given = {name: value for name, value in vars(self).items() if name != "q" and value}
        return [(name, "true" if value is True else str(value)) for name, value in given.items()]

    def __str__(self) -> str:
        """For the audit."""
        return urlencode([*self.narrowing(), *([("q", "…")] if self.q else [])])


def _refused(field: str, why: str) -> Refused:
    return Refused(f"{field}: {why}", [FieldError(field, why)])
