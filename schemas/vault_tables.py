"""The tables of the vault, a schema of its own: the one place where a person can be read, and the one that erases."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ARRAY, BigInteger, Column, Identity, Index, String, text
from sqlmodel import Field, SQLModel

from schemas.columns import moment

VAULT = "vault"


class PersonRow(SQLModel, table=True):
    """A person in a campaign: their key, wrapped by a master key, and what they are called. Without a candidate it is
    the campaign's own key, for what is said of nobody.

    `key`: none once it was destroyed; the row stays. `life` grows with each erasure: what was sealed in an earlier one
    can't be opened any more. `profile` has what a person is called and how they are reached, sealed. They are found by
    `name`, `pinyin`, `initials`, `sought` and by `phone` and `email`, keyed hashes (see storage/vault/searching.py), as
    is `namesake`, of name, school and year of graduation together; `drawn`: the head of the profile that these were
    drawn from.
    `registered`: the erasure stands in the register outside the database too. `restricted_at`: since when they are
    hidden from readers, on which ground, until which day.
    """

    __tablename__ = "person"
    __table_args__ = (
        Index("person_unregistered", "erased_at", postgresql_where=text("NOT registered")),
        Index("person_restricted", "campaign", "candidate", postgresql_where=text("restricted_at IS NOT NULL")),
        Index("person_sought", "sought", postgresql_using="gin"),
        Index("person_phone", "campaign", "phone", postgresql_where=text("phone IS NOT NULL")),
        Index("person_email", "campaign", "email", postgresql_where=text("email IS NOT NULL")),
        Index("person_namesake", "campaign", "namesake", postgresql_where=text("namesake IS NOT NULL")),
        {"schema": VAULT},
    )

    campaign: str = Field(primary_key=True)
    candidate: str = Field(primary_key=True)
    life: int = Field(default=1, sa_column_kwargs={"server_default": text("1")})
    key: str | None = None
    name: str | None = None
    profile: str | None = None
    pinyin: str | None = None
    initials: str | None = None
    sought: list[str] | None = Field(default=None, sa_type=ARRAY(String), nullable=True)
    phone: str | None = None
    email: str | None = None
    namesake: str | None = None
    drawn: str | None = None
    erased_at: datetime | None = moment(nullable=True)
    registered: bool = Field(default=True, sa_column_kwargs={"server_default": text("true")})
    made_at: datetime = moment(now=True)
    restricted_at: datetime | None = moment(nullable=True)
    restricted_until: date | None = None
    restricted_ground: str | None = None


class EntryKeyRow(SQLModel, table=True):
    """A pair of keys for facts that come sealed for the platform: `public` as it is given out, `private` wrapped by a
    master key. One is current; those that were replaced open for some time more."""

    __tablename__ = "entry_key"
    __table_args__ = (
        Index("entry_key_current", text("(true)"), unique=True, postgresql_where=text("replaced_at IS NULL")),
        {"schema": VAULT},
    )

    id: str = Field(primary_key=True)
    public: str
    private: str
    made_at: datetime = moment(now=True)
    replaced_at: datetime | None = moment(nullable=True)


class RetentionRow(SQLModel, table=True):
    """How long a person is kept: what came of their part in the campaign, when they were last heard of, and what comes
    next, when. Beside the persons, so that what is due is found without their table. `version`: of the journey that
    this was read from; `asked_at`: when they were last asked whether they want to be kept."""

    __tablename__ = "retention"
    __table_args__ = (
        Index("retention_due", "due_at", postgresql_where=text("step IS NOT NULL")),
        {"schema": VAULT},
    )

    campaign: str = Field(primary_key=True)
    candidate: str = Field(primary_key=True)
    outcome: str
    last_contact: datetime | None = moment(nullable=True)
    version: int
    asked_at: datetime | None = moment(nullable=True)
    step: str | None = None
    due_at: datetime | None = moment(nullable=True)


class MasterRow(SQLModel, table=True):
    """A master key that wrapped keys here: its id, and a proof that tells whether a key is that one."""

    __tablename__ = "master"
    __table_args__ = {"schema": VAULT}

    id: str = Field(primary_key=True)
    proof: str
    made_at: datetime = moment(now=True)


class NoteRow(SQLModel, table=True):
    """What HR notes about a person beside the facts, sealed under the person's key, and gone with it. `author` is
    `account:…` or `key:…`, `name` what it was called then."""

    __tablename__ = "note"
    __table_args__ = (Index("note_person", "campaign", "candidate", "id"), {"schema": VAULT})

    id: int = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    campaign: str
    candidate: str
    text: str
    author: str
    name: str
    at: datetime = moment(now=True)
