"""The tables of the vault, a schema of its own: the one place where a person can be read, and the one that erases."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from schemas.columns import moment

VAULT = "vault"


class PersonRow(SQLModel, table=True):
    """A person in a campaign: their key, wrapped by a master key, and what they are called. Without a candidate it is
    the campaign's own key, for what is said of nobody.

    `key`: none once it was destroyed; the row stays. `life` grows with each erasure: what was sealed in an earlier one
    can't be opened any more. `name` is what people are searched by; `profile` has the rest, sealed.
    `registered`: the erasure stands in the register outside the database too.
    """

    __tablename__ = "person"
    __table_args__ = (
        Index("person_unregistered", "erased_at", postgresql_where=text("NOT registered")),
        {"schema": VAULT},
    )

    campaign: str = Field(primary_key=True)
    candidate: str = Field(primary_key=True)
    life: int = Field(default=1, sa_column_kwargs={"server_default": text("1")})
    key: str | None = None
    name: str | None = None
    profile: str | None = None
    erased_at: datetime | None = moment(nullable=True)
    registered: bool = Field(default=True, sa_column_kwargs={"server_default": text("true")})
    made_at: datetime = moment(now=True)


class MasterRow(SQLModel, table=True):
    """A master key that wrapped keys here: its id, and a proof that tells whether a key is that one."""

    __tablename__ = "master"
    __table_args__ = {"schema": VAULT}

    id: str = Field(primary_key=True)
    proof: str
    made_at: datetime = moment(now=True)
