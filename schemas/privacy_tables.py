"""What campaigns have set about persons: how long they are kept, by which channel they are written to, and whether mail
abroad waits for their consent."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field, SQLModel

from schemas.columns import moment


class RetentionTermsRow(SQLModel, table=True):
    """For how many months a campaign keeps persons with this outcome in sight, and hidden after that; outcomes that are
    not here have the defaults of schemas/retention.py."""

    __tablename__ = "retention_terms"

    campaign: str = Field(primary_key=True)
    outcome: str = Field(primary_key=True)
    keep: int
    hold: int
    by: str
    at: datetime = moment(now=True)


class CampaignChannelRow(SQLModel, table=True):
    """By which channel a campaign's mail goes (`sendgrid`, `smtp`, `local`); campaigns that are not here are written to
    by the usual one."""

    __tablename__ = "campaign_channels"

    campaign: str = Field(primary_key=True)
    way: str
    by: str
    at: datetime = moment(now=True)


class AbroadTermsRow(SQLModel, table=True):
    """Whether mail to a campaign's candidates that leads abroad `waits` for their consent; campaigns that are not here
    don't let it wait."""

    __tablename__ = "abroad_terms"

    campaign: str = Field(primary_key=True)
    waits: bool
    by: str
    at: datetime = moment(now=True)
