"""The tables of who may do what, and of who did it: accounts, sessions, one-time links, the audit."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Identity, Index, LargeBinary, text
from sqlmodel import Field, SQLModel

from schemas.columns import json, moment


class AccountRow(SQLModel, table=True):
    """A person. `password` is an Argon2 hash; none until an invitation was taken up. `campaigns`: those that the person
    may enter; none means all. `totp`: the secret of the second factor; `totp_step`: the last step whose code was
    taken, so that none is taken twice. `issuer` and `subject`: whom the identity provider knows this person as, since
    they first came in by it; an address may be given to somebody else."""

    __tablename__ = "accounts"
    __table_args__ = (
        Index("accounts_email", text("lower(email)"), unique=True),
        Index("accounts_subject", "issuer", "subject", unique=True),
    )

    account: str = Field(primary_key=True)
    email: str
    name: str
    role: str
    employer: str | None = None
    campaigns: list[str] | None = json(nullable=True)
    password: str | None = None
    totp: str | None = None
    totp_step: int | None = Field(default=None, sa_type=BigInteger)
    issuer: str | None = None
    subject: str | None = None
    created_at: datetime = moment(now=True)
    disabled_at: datetime | None = moment(nullable=True)


class RecoveryCodeRow(SQLModel, table=True):
    """A code that stands for the second factor once. Only its hash is stored."""

    __tablename__ = "recovery_codes"

    account: str = Field(primary_key=True, foreign_key="accounts.account")
    hash: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))


class SessionRow(SQLModel, table=True):
    """A browser that is signed in, by an account or by a key. Only the hash of what its cookie holds is stored; `id` is
    how pages name it."""

    __tablename__ = "sessions"
    __table_args__ = (
        Index("sessions_id", "id", unique=True),
        Index("sessions_account", "account"),
        Index("sessions_key", "key"),
        Index("sessions_expires", "expires_at"),
    )

    hash: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    id: str
    account: str | None = Field(default=None, foreign_key="accounts.account")
    key: str | None = Field(default=None, foreign_key="keys.key")
    ip: str
    agent: str
    created_at: datetime = moment(now=True)
    seen_at: datetime = moment(now=True)
    expires_at: datetime = moment()


class AccessLinkRow(SQLModel, table=True):
    """A link that is good once: `first` (makes the first organizer), `invitation`, `reset` (a password,
    given by somebody else), `forgotten` (a password, asked for by its holder) or `second` (the password was right, the
    second factor is asked for). Only its hash is stored."""

    __tablename__ = "access_links"
    __table_args__ = (Index("access_links_account", "account"),)

    hash: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    purpose: str
    account: str | None = Field(default=None, foreign_key="accounts.account")
    created_at: datetime = moment(now=True)
    expires_at: datetime = moment()
    used_at: datetime | None = moment(nullable=True)


class ThrottleRow(SQLModel, table=True):
    """How often something was tried since a moment, such as to sign in to an account or from an address."""

    __tablename__ = "throttles"

    name: str = Field(primary_key=True)
    tries: int
    since: datetime = moment(now=True)


class AuditRow(SQLModel, table=True):
    """Who did what, when and from where. `actor` is `account:…` or `key:…`; none where nobody was signed in. `token`
    names a form that was sent: sent twice, it is done once. `facts`: what it posted, (source, id) of each."""

    __tablename__ = "audit"
    __table_args__ = (
        Index("audit_token", "token", unique=True),
        Index("audit_campaign", "campaign", "id"),
        Index("audit_actor", "actor", "id"),
    )

    id: int = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    at: datetime = moment(now=True)
    actor: str | None = None
    name: str
    ip: str | None = None
    action: str
    campaign: str | None = None
    subject: str | None = None
    token: str | None = None
    facts: list[Any] | None = json(nullable=True)


class WallRow(SQLModel, table=True):
    """A link that shows targets on a screen in a hall, for as long as nobody revokes it. Its address carries `nonce`,
    signed; `wall` is how the console names it. `campaigns`: those that it shows; none means all."""

    __tablename__ = "walls"
    __table_args__ = (Index("walls_nonce", "nonce", unique=True),)

    wall: str = Field(primary_key=True)
    nonce: str
    name: str
    campaigns: list[str] | None = json(nullable=True)
    made_by: str
    made_at: datetime = moment(now=True)
    revoked_at: datetime | None = moment(nullable=True)


class ViewRow(SQLModel, table=True):
    """A list of candidates that somebody keeps: what it is narrowed by and its columns, as an address has them. What
    was searched for is not kept: it may be a person's name. `holder` is `account:…` or `key:…`."""

    __tablename__ = "views"
    __table_args__ = (Index("views_holder", "holder", "campaign"),)

    view: str = Field(primary_key=True)
    holder: str
    campaign: str
    name: str
    query: str
    made_at: datetime = moment(now=True)
