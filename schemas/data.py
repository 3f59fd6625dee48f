"""What each fact's data may hold. Which fact has which is the table in `schemas/catalogue.py`.

Values keep the form they have in JSON (dates and times are strings): a fact is stored as it was said.
"""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from schemas.fields import (
    Amount,
    CampaignKind,
    Count,
    Currency,
    Day,
    Education,
    Email,
    Goal,
    Id,
    Locale,
    Measure,
    Mode,
    Outcome,
    Phone,
    Prose,
    Purpose,
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

COUNTED_PEOPLE = ("signed_up", "attended", "interviewed", "offered", "accepted", "hired")
WITHOUT_EMPLOYER = ("signed_up", "attended")
WHERE_OF_FAIRS = ("fair", "employer")


class Data(BaseModel):
    """What every fact carries. Unknown keys are refused: a typo must not vanish."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    campaign: Id


class CandidateData(Data):
    candidate: Id


class CampaignOpened(Data):
    title: Text
    organizer: Text
    starts_on: Day
    ends_on: Day
    kind: CampaignKind | None = None
    timezone: TimeZone | None = None
    locale: Locale | None = None
    reply_to: ReplyTo | None = None
    contact: Text | None = None
    signup: SignupPage | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.ends_on < self.starts_on:
            raise PydanticCustomError("value", "ends_on must not lie before starts_on")
        return self


class TargetRef(Data):
    target: Id


class TargetSet(TargetRef):
    title: Text
    measure: Measure
    goal: Goal
    due_on: Day
    where: Annotated[
        dict[WhereKey, Annotated[list[Text | int], Field(min_length=1, max_length=1000)]] | None, Field()
    ] = None

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
    fair: Id


class FairScheduled(FairRef):
    title: Text
    mode: Mode
    starts_at: Time
    ends_at: Time
    venue: Text | None = None
    city: Text | None = None
    url: Url | None = None
    capacity: Count | None = None
    employers: Annotated[list[Id], Field(max_length=5000)] | None = None
    cost: Amount | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if parse_time(self.ends_at) < parse_time(self.starts_at):
            raise PydanticCustomError("value", "ends_at must not lie before starts_at")
        return self


class FairCancelled(FairRef):
    reason: Prose | None = None


class EmployerSet(Data):
    employer: Id
    name: Text
    name_en: Text | None = None
    city: Text | None = None
    url: Url | None = None
    reply_to: ReplyTo | None = None
    contact: Text | None = None


class OpeningSet(Data):
    opening: Id
    employer: Id
    position: Text
    seats: Count


class CandidateSignedUp(CandidateData):
    name: Text
    fair: Id | None = None
    email: Email | None = None
    phone: Phone | None = None
    locale: Locale | None = None
    education: Education | None = None
    school: Text | None = None
    major: Text | None = None
    graduation_year: Year | None = None
    chain: Text | None = None
    consent: bool | None = None


class Consent(CandidateData):
    purpose: Purpose
    employers: Annotated[list[Id], Field(min_length=1, max_length=1000)] | None = None
    text: Prose | None = None

    @model_validator(mode="after")
    def _whom(self) -> Self:
        if self.employers is not None and self.purpose != "employers":
            raise PydanticCustomError("value", f"employers says nothing about consent to {self.purpose}; leave it out")
        return self


class CandidateCheckedIn(CandidateData):
    fair: Id


class CandidateInterviewed(CandidateData):
    employer: Id
    position: Text | None = None
    outcome: Outcome | None = None


class CandidateWithdrew(CandidateData):
    reason: Prose | None = None


class OfferExtended(CandidateData):
    offer: Id
    employer: Id
    position: Text
    opening: Id | None = None
    expires_at: Time | None = None
    city: Text | None = None
    salary: Text | None = None
    start_on: Day | None = None
    place: Text | None = None
    contact: Text | None = None
    document: Id | None = None


class OfferAnswered(CandidateData):
    offer: Id
    reason: Prose | None = None


class HireStarted(CandidateData):
    employer: Id
    position: Text | None = None
    offer: Id | None = None
    started_on: Day


class HireEnded(CandidateData):
    employer: Id
    ended_on: Day
    reason: Prose | None = None


class Benefit(CandidateData):
    benefit: Id
    kind: Slug
    amount: Amount | None = None
    currency: Currency | None = None


class FactRetracted(Data):
    candidate: Id | None = None
    source: UriReference
    id: Id
    reason: Prose
