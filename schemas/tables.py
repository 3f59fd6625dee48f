"""The tables, as SQLModel classes. What lives in them is explained class by class; SQL lives in `storage/`."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Identity,
    Index,
    LargeBinary,
    Numeric,
    Sequence,
    String,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field, SQLModel


def _moment(*, nullable: bool = False, now: bool = False) -> Any:
    default = {"server_default": text("now()")} if now else {}
    return Field(default=None, sa_type=DateTime(timezone=True), nullable=nullable, sa_column_kwargs=default)


def _json(*, nullable: bool = False) -> Any:
    return Field(default=None, sa_type=JSONB, nullable=nullable)


def _number() -> Any:
    return Field(default=Decimal(0), sa_type=Numeric, nullable=False, sa_column_kwargs={"server_default": text("0")})


class FactRow(SQLModel, table=True):
    """The ledger: every fact that was ever accepted, once. Only an erasure rewrites a row, and only its attributes.

    `posted_by` is the name of the key it came with; none when it came straight over Kafka.
    """

    __tablename__ = "facts"
    __table_args__ = (
        Index("facts_identity", "source", "id", unique=True),
        Index("facts_subject", "campaign", "candidate", "seq"),
    )

    seq: int = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    source: str
    id: str
    type: str
    campaign: str
    candidate: str | None = None
    time: datetime = _moment()
    event: dict[str, Any] = _json()
    posted_by: str | None = None
    received_at: datetime = _moment(now=True)


class PendingRow(SQLModel, table=True):
    """The outbox: facts of the ledger that are not applied yet. Applying a fact deletes its row."""

    __tablename__ = "pending"
    __table_args__ = (Index("pending_unpublished", "seq", postgresql_where=text("published_at IS NULL")),)

    seq: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    published_at: datetime | None = _moment(nullable=True)


class RetractionRow(SQLModel, table=True):
    """Identities that `fact.retracted` named, whether that fact has arrived or not."""

    __tablename__ = "retractions"

    campaign: str = Field(primary_key=True)
    source: str = Field(primary_key=True)
    id: str = Field(primary_key=True)


class JourneyRow(SQLModel, table=True):
    """What is known of one candidate in one campaign. `state` is a `schemas.journey.Journey`, JSON as bytes;
    the columns after it are drawn from it for those who only read: `standing` has the milestones where the
    journey stands (name → microseconds since 1970), `employers` all that have to do with the candidate.
    """

    __tablename__ = "journeys"

    campaign: str = Field(primary_key=True)
    candidate: str = Field(primary_key=True)
    version: int
    state: bytes = Field(sa_type=LargeBinary)
    name: str | None = None
    standing: dict[str, int] = _json()
    employers: list[str] = Field(default=None, sa_type=ARRAY(String), nullable=False)
    updated_at: datetime = _moment(now=True)


class CampaignRow(SQLModel, table=True):
    __tablename__ = "campaigns"

    campaign: str = Field(primary_key=True)
    title: str
    organizer: str
    kind: str | None = None
    starts_on: date
    ends_on: date
    timezone: str
    locale: str
    closed: bool


revisions = Sequence("revisions", metadata=SQLModel.metadata)


class TargetRow(SQLModel, table=True):
    """A target and its number. `revision` grows with every change, over all targets.

    `as_of` is the moment at which fairs were counted as ended (`fairs_held` alone depends on the clock).
    """

    __tablename__ = "targets"
    __table_args__ = (Index("targets_revision", "revision"),)

    campaign: str = Field(primary_key=True)
    target: str = Field(primary_key=True)
    title: str
    measure: str
    goal: Decimal = _number()
    due_on: date
    where: dict[str, Any] = _json()
    progress: Decimal = _number()
    as_of: datetime | None = _moment(nullable=True)
    revision: int = Field(sa_column=Column(BigInteger, nullable=False, server_default=revisions.next_value()))
    updated_at: datetime = _moment(now=True)


class TargetDayRow(SQLModel, table=True):
    """How much of a target's progress belongs to which day in the world: the burn-up chart, as differences."""

    __tablename__ = "target_days"

    campaign: str = Field(primary_key=True)
    target: str = Field(primary_key=True)
    day: date = Field(primary_key=True)
    amount: Decimal = _number()


class MilestoneRow(SQLModel, table=True):
    """A share of a goal that was reached, once and for all. A new goal has milestones of its own."""

    __tablename__ = "milestones"

    campaign: str = Field(primary_key=True)
    target: str = Field(primary_key=True)
    goal: Decimal = Field(sa_column=Column(Numeric, primary_key=True))
    percent: int = Field(primary_key=True)
    reached_at: datetime = _moment(now=True)


class FairRow(SQLModel, table=True):
    __tablename__ = "fairs"
    __table_args__ = (Index("fairs_ends_at", "ends_at"),)

    campaign: str = Field(primary_key=True)
    fair: str = Field(primary_key=True)
    title: str
    mode: str
    starts_at: datetime = _moment()
    ends_at: datetime = _moment()
    venue: str | None = None
    city: str | None = None
    url: str | None = None
    capacity: int | None = None
    employers: list[str] | None = _json(nullable=True)
    cost: Decimal | None = Field(default=None, sa_type=Numeric, nullable=True)
    cancelled: bool
    reason: str | None = None


class OpeningRow(SQLModel, table=True):
    __tablename__ = "openings"

    campaign: str = Field(primary_key=True)
    opening: str = Field(primary_key=True)
    employer: str
    position: str
    seats: int


class MessageRow(SQLModel, table=True):
    """One message for one reason. `dedupe_key` is that reason; `params` what its template needs beside the journey.

    `forgotten`: its candidate was erased, nothing that it said is kept from then on.
    """

    __tablename__ = "messages"
    __table_args__ = (
        Index("messages_dedupe", "dedupe_key", unique=True),
        Index("messages_subject", "campaign", "candidate"),
        Index(
            "messages_requested",
            text("coalesce(not_before, requested_at)"),
            "id",
            postgresql_where=text("status = 'requested'"),
        ),
        Index("messages_claimed", "lease_until", postgresql_where=text("status = 'claimed'")),
        Index("messages_status", "status", "id"),
    )

    id: int = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    dedupe_key: str
    kind: str
    campaign: str
    candidate: str | None = None
    params: dict[str, Any] = _json()
    source: str | None = None
    fact: str | None = None
    status: str = Field(sa_column_kwargs={"server_default": text("'requested'")})
    reason: str | None = None
    channel: str | None = None
    recipient: str | None = None
    locale: str | None = None
    subject: str | None = None
    attempts: int = Field(sa_column_kwargs={"server_default": text("0")})
    owner: str | None = None
    lease_until: datetime | None = _moment(nullable=True)
    not_before: datetime | None = _moment(nullable=True)
    requested_at: datetime = _moment(now=True)
    sent_at: datetime | None = _moment(nullable=True)
    forgotten: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})


class FairNoticeRow(SQLModel, table=True):
    """What those who signed up for a fair were last told of it, and which reminders went out (`24h@<start>`)."""

    __tablename__ = "fair_notices"

    campaign: str = Field(primary_key=True)
    fair: str = Field(primary_key=True)
    told: dict[str, Any] = _json()
    reminded: list[str] = Field(default=None, sa_type=ARRAY(String), nullable=False)


class MailRow(SQLModel, table=True):
    """A message as it looked when it went out; for the local channel also where it was delivered to."""

    __tablename__ = "mails"

    message: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    html: str
    text: str
    at: datetime = _moment(now=True)


class AttemptRow(SQLModel, table=True):
    """One try to send a message, and each change of its status, with the reason."""

    __tablename__ = "message_attempts"
    __table_args__ = (Index("message_attempts_message", "message", "id"),)

    id: int = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    message: int = Field(sa_type=BigInteger)
    at: datetime = _moment(now=True)
    status: str
    detail: str | None = None


class SuppressionRow(SQLModel, table=True):
    """An address (in lower case) to which no mail goes, or none of marketing, until it is lifted. Once for each kind
    of reason; `message` is the one that told."""

    __tablename__ = "suppressions"
    __table_args__ = (
        Index("suppressions_address", "address", "kind", unique=True, postgresql_where=text("lifted_at IS NULL")),
        Index("suppressions_message", "message"),
    )

    id: int = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    address: str
    kind: str
    message: int | None = Field(default=None, sa_type=BigInteger)
    detail: str | None = None
    since: datetime = _moment(now=True)
    lifted_at: datetime | None = _moment(nullable=True)
    lifted_by: str | None = None
    lifted_reason: str | None = None


class ProviderEventRow(SQLModel, table=True):
    """An event that a mail provider told, so that it counts once. Nothing of its contents is kept: `event` is the
    digest of the provider's id, `fingerprint` that of message, name, time and address."""

    __tablename__ = "provider_events"
    __table_args__ = (
        Index("provider_events_fingerprint", "fingerprint", unique=True),
        Index("provider_events_received", "received_at"),
    )

    event: str = Field(primary_key=True)
    fingerprint: str
    name: str
    message: int | None = Field(default=None, sa_type=BigInteger)
    finding: str
    received_at: datetime = _moment(now=True)


class DeadLetterRow(SQLModel, table=True):
    """A Kafka message that is no fact, or a fact that could not be applied, kept with the reason."""

    __tablename__ = "dead_letters"
    __table_args__ = (Index("dead_letters_place", "topic", "partition", "offset", "digest", unique=True),)

    id: int = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    topic: str
    partition: int
    offset: int = Field(sa_type=BigInteger)
    digest: bytes = Field(sa_type=LargeBinary)
    key: bytes | None = Field(default=None, sa_type=LargeBinary)
    value: bytes = Field(sa_type=LargeBinary)
    headers: dict[str, str] = _json()
    reason: str
    at: datetime = _moment(now=True)


class KeyRow(SQLModel, table=True):
    """An access key. Only the hash of its secret is stored."""

    __tablename__ = "keys"

    key: str = Field(primary_key=True)
    name: str
    role: str
    employer: str | None = None
    hash: bytes = Field(sa_type=LargeBinary)
    created_at: datetime = _moment(now=True)
    revoked_at: datetime | None = _moment(nullable=True)
