"""What each fact's data may hold. Which fact has which is the table in `schemas/catalogue.py`.

Values keep the form they have in JSON (dates and times are strings): a fact is stored as it was said.
"""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from schemas.fields import (
    WITHOUT_EMPLOYER,
    Amount,
    CampaignKind,
    ConsentPurpose,
    Currency,
    Day,
    Education,
    Email,
    Goal,
    Ground,
    HeadCount,
    Id,
    InterviewOutcome,
    Locale,
    Measure,
    Mode,
    Phone,
    Prose,
    ReplyTo,
    SignupPage,
    Slug,
    Text,
    Time,
    TimeZone,
    UriReference,
    Url,
    WhereKey,
    Year,
    parse_time,
)
from schemas.marks import kept, personal, plain, require_marks

WHERE_OF_FAIRS = ("fair", "employer")


class Data(BaseModel):
    """What every fact carries. Unknown keys are refused: a typo must not vanish. Every field has a mark."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    campaign: Id = plain()

    @classmethod
    def __pydantic_init_subclass__(cls, **_: object) -> None:
        require_marks(cls)


class CandidateData(Data):
    candidate: Id = plain()


class CampaignOpened(Data):
    title: Text = plain()
    organizer: Text = plain()
    starts_on: Day = plain()
    ends_on: Day = plain()
    kind: CampaignKind | None = plain(None)
    timezone: TimeZone | None = plain(None)
    locale: Locale | None = plain(None)
    reply_to: ReplyTo | None = plain(None)
    contact: Text | None = plain(None)
    signup: SignupPage | None = plain(None)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.ends_on < self.starts_on:
            raise PydanticCustomError("value", "ends_on must not lie before starts_on")
        return self


class TargetRef(Data):
    target: Id = plain()


class TargetSet(TargetRef):
    title: Text = plain()
    measure: Measure = plain()
    goal: Goal = plain()
    due_on: Day = plain()
    where: Annotated[
        dict[WhereKey, Annotated[list[Text | int], Field(min_length=1, max_length=1000)]] | None, Field()
    ] = plain(None)

    @model_validator(mode="after")
    def _measurable(self) -> Self:
        keys = set(self.where or ())
        if self.measure in WITHOUT_EMPLOYER and "employer" in keys:
            raise PydanticCustomError("value", f"where.employer says nothing about {self.measure}; leave it out")
        odd = sorted(keys - set(WHERE_OF_FAIRS))
        if self.measure == "fairs_held" and odd:
            raise PydanticCustomError("value", f"where.{odd[0]} says nothing about fairs; only fair and employer do")
        if self.measure != "paid" and self.goal != int(self.goal):
            raise PydanticCustomError("value", "goal must be a whole number, since people and fairs are counted")
        return self


class FairRef(Data):
    fair: Id = plain()


class FairScheduled(FairRef):
    title: Text = plain()
    mode: Mode = plain()
    starts_at: Time = plain()
    ends_at: Time = plain()
    venue: Text | None = plain(None)
    city: Text | None = plain(None)
    url: Url | None = plain(None)
    capacity: HeadCount | None = plain(None)
    employers: Annotated[list[Id], Field(max_length=5000)] | None = plain(None)
    cost: Amount | None = plain(None)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if parse_time(self.ends_at) < parse_time(self.starts_at):
            raise PydanticCustomError("value", "ends_at must not lie before starts_at")
        return self


class FairCancelled(FairRef):
    reason: Prose | None = plain(None)


class EmployerSet(Data):
    employer: Id = plain()
    name: Text = plain()
    name_en: Text | None = plain(None)
    city: Text | None = plain(None)
    url: Url | None = plain(None)
    reply_to: ReplyTo | None = plain(None)
    contact: Text | None = plain(None)


class OpeningSet(Data):
    opening: Id = plain()
    employer: Id = plain()
    position: Text = plain()
    seats: HeadCount = plain()


class CandidateSignedUp(CandidateData):
    name: Text = personal()
    fair: Id | None = plain(None)
    email: Email | None = personal(None)
    phone: Phone | None = personal(None)
    locale: Locale | None = plain(None)
    education: Education | None = kept(None)
    school: Text | None = kept(None)
    major: Text | None = kept(None)
    graduation_year: Year | None = kept(None)
    chain: Text | None = kept(None)
    consent: bool | None = plain(None)


class Consent(CandidateData):
    purpose: ConsentPurpose = plain()
    employers: Annotated[list[Id], Field(min_length=1, max_length=1000)] | None = plain(None)
    text: Prose | None = personal(None)

    @model_validator(mode="after")
    def _whom(self) -> Self:
        if self.employers is not None and self.purpose != "employers":
            raise PydanticCustomError("value", f"employers says nothing about consent to {self.purpose}; leave it out")
        return self


class CandidateCheckedIn(CandidateData):
    fair: Id = plain()


class CandidateInterviewed(CandidateData):
    employer: Id = plain()
    position: Text | None = plain(None)
    outcome: InterviewOutcome | None = plain(None)


class CandidateWithdrew(CandidateData):
    fair: Id | None = plain(None)
    reason: Prose | None = personal(None)


class CandidateRestricted(CandidateData):
    ground: Ground = plain()
    until: Day | None = plain(None)
    reason: Prose | None = personal(None)


class CandidateRestrictionLifted(CandidateData):
    reason: Prose | None = personal(None)


class CandidateMerged(CandidateData):
    """The two are one pair in either order; `into` says under whose id they stand."""

    into: Id = plain()
    reason: Prose | None = personal(None)

    @model_validator(mode="after")
    def _two(self) -> Self:
        if self.into == self.candidate:
            raise PydanticCustomError("value", "into must be another candidate than candidate")
        return self


class OfferExtended(CandidateData):
    offer: Id = plain()
    employer: Id = plain()
    position: Text = plain()
    opening: Id | None = plain(None)
    expires_at: Time | None = plain(None)
    city: Text | None = plain(None)
    salary: Text | None = personal(None)
    start_on: Day | None = plain(None)
    place: Text | None = plain(None)
    contact: Text | None = personal(None)
    document: Id | None = personal(None)
    papers: Text | None = personal(None)


class OfferAnswered(CandidateData):
    offer: Id = plain()
    reason: Prose | None = personal(None)


class HireStarted(CandidateData):
    employer: Id = plain()
    position: Text | None = plain(None)
    offer: Id | None = plain(None)
    started_on: Day = plain()


class HireEnded(CandidateData):
    employer: Id = plain()
    ended_on: Day = plain()
    reason: Prose | None = personal(None)


class Benefit(CandidateData):
    benefit: Id = plain()
    kind: Slug = plain()
    amount: Amount | None = plain(None)
    currency: Currency | None = plain(None)


class FactRetracted(Data):
    candidate: Id | None = plain(None)
    source: UriReference = plain()
    id: Id = plain()
    reason: Prose = personal()
