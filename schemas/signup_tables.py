"""The tables behind the pages that candidates use by themselves: signing up, their own page, what they are shown."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, LargeBinary, String
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, SQLModel

from schemas.columns import json, moment


class AddressRow(SQLModel, table=True):
    """Whose address it is in a campaign. `digest`: of the address, keyed with the installation's secret. Goes with the
    person."""

    __tablename__ = "addresses"
    __table_args__ = (Index("addresses_subject", "campaign", "candidate"),)

    campaign: str = Field(primary_key=True)
    digest: bytes = Field(sa_type=LargeBinary, primary_key=True)
    candidate: str
    claimed_at: datetime = moment(now=True)


class DocumentRow(SQLModel, table=True):
    """A PDF that goes with offers, and to whom: nobody else is shown it. Goes with the last of them.

    `data` is sealed under a key of its own, which is in `keys` for each of them, sealed under theirs.
    """

    __tablename__ = "documents"
    __table_args__ = (Index("documents_campaign", "campaign"),)

    document: str = Field(primary_key=True)
    campaign: str
    candidates: list[str] = Field(sa_type=ARRAY(String), nullable=False)
    data: bytes = Field(sa_type=LargeBinary)
    posted_by: str
    at: datetime = moment(now=True)
    keys: dict[str, str] | None = json(nullable=True)


class UnconfirmedRow(SQLModel, table=True):
    """What was typed into a public form whose address is still to be confirmed: kept for some days, sealed."""

    __tablename__ = "unconfirmed"
    __table_args__ = (Index("unconfirmed_subject", "campaign", "candidate"),)

    signup: str = Field(primary_key=True)
    campaign: str
    candidate: str
    typed: dict[str, Any] = json()
    at: datetime = moment(now=True)


class OwnPageRow(SQLModel, table=True):
    """How often somebody asked for a new link to their own page: links of before are worth nothing any more."""

    __tablename__ = "own_pages"

    campaign: str = Field(primary_key=True)
    candidate: str = Field(primary_key=True)
    generation: int
    asked_at: datetime = moment(now=True)
