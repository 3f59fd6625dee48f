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

from schemas.columns import json, moment, number


class FactRow(SQLModel, table=True):
    """The ledger: every fact that was ever accepted, once, what is personal in it sealed. A row is rewritten only where
    its person is erased, and where an earlier version left it in the clear.

    `event`: the event without what stands in the columns, where no earlier version wrote it (storage/ledger/events.py).
    `posted_by` says who posted it (`key:…` or `account:…`); nobody, or none, when it came straight over Kafka.
    """

    __tablename__ = "facts"
    __table_args__ = (
        Index("facts_identity", "source", "id", unique=True),
        Index("facts_person", "campaign", "candidate"),
        Index(
            "facts_campaign",
            "campaign",
            "type",
            text("((event -> 'data'::text) ->> 'opening'::text)"),
            postgresql_where=text("candidate IS NULL"),
        ),
        Index(
            "facts_employer",
            "campaign",
            text("((event -> 'data'::text) ->> 'employer'::text)"),
            postgresql_where=text("candidate IS NULL AND type = 'employer.set'"),
        ),
    )

    seq: int = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    source: str
    id: str
    type: str
    campaign: str
    candidate: str | None = None
    time: datetime = moment()
    event: dict[str, Any] = json()
    posted_by: str | None = None
    received_at: datetime = moment(now=True)


class PendingRow(SQLModel, table=True):
    """The outbox: facts of the ledger that are not applied yet. Applying a fact deletes its row."""

    __tablename__ = "pending"
    __table_args__ = (Index("pending_unpublished", "seq", postgresql_where=text("published_at IS NULL")),)

    seq: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    published_at: datetime | None = moment(nullable=True)
    size: int | None = None  # bytes of the event as it is published; none where an earlier version accepted it


class PositionRow(SQLModel, table=True):
    """How far a partition of a log has been applied: the next offset to read. Moved by the transaction that applies
    what lies before it, and by nothing else. A topic that was made anew has another `topic_id`, so a row of its own.
    `doubt_until`: what lies before it was read once already, by a database that is no more; its messages may have gone.
    """

    __tablename__ = "positions"

    cluster: str = Field(primary_key=True)
    topic: str = Field(primary_key=True)
    topic_id: str = Field(primary_key=True)
    partition: int = Field(primary_key=True)
    next_offset: int = Field(sa_type=BigInteger)
    moved_at: datetime = moment(now=True)
    doubt_until: int | None = Field(default=None, sa_type=BigInteger)


class GapRow(SQLModel, table=True):
    """Records that the log dropped before they were read: from `from_offset`, before `to_offset`. `told_at`: when HR
    was told."""

    __tablename__ = "gaps"

    id: int = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    cluster: str
    topic: str
    topic_id: str
    partition: int
    from_offset: int = Field(sa_type=BigInteger)
    to_offset: int = Field(sa_type=BigInteger)
    found_at: datetime = moment(now=True)
    told_at: datetime | None = moment(nullable=True)


class LeaseRow(SQLModel, table=True):
    """Who may do what only one may do at a time, and until when. `fence` grows with every new holder: what an earlier
    one does under its old number has no effect."""

    __tablename__ = "leases"

    name: str = Field(primary_key=True)
    holder: str
    fence: int = Field(sa_type=BigInteger)
    expires_at: datetime = moment()


class BeatRow(SQLModel, table=True):
    """What a worker says of its work since it started, every few seconds; only metrics look at it. `repeats`: what it
    had to try again, as (partition, conflicts, outages) of each partition of the facts. `revision`: of the tables that
    it knows, none of a version from before that was said. `lost_senders`: how many senders of mails it lost;
    `sender_trouble`: why, while it keeps losing them."""

    __tablename__ = "beats"

    holder: str = Field(primary_key=True)
    at: datetime = moment()
    facts: int = Field(sa_type=BigInteger)
    conflicts: int = Field(sa_type=BigInteger)
    outages: int = Field(sa_type=BigInteger)
    committed_at: datetime | None = moment(nullable=True)
    repeats: list[list[int]] = Field(
        default=None, sa_type=JSONB, nullable=False, sa_column_kwargs={"server_default": text("'[]'::jsonb")}
    )
    revision: str | None = None
    lost_senders: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": text("0")})
    sender_trouble: str | None = None


class TopicRow(SQLModel, table=True):
    """A topic as the relay last saw it: which making of it, and the largest record that it takes, in bytes. The edge
    accepts no larger fact. `published_at`: when a relay last had a fact published there."""

    __tablename__ = "topics"

    topic: str = Field(primary_key=True)
    cluster: str
    topic_id: str
    max_bytes: int
    seen_at: datetime = moment(now=True)
    published_at: datetime | None = moment(nullable=True)


class RetractionRow(SQLModel, table=True):
    """Identities that `fact.retracted` named, whether that fact has arrived or not."""

    __tablename__ = "retractions"

    campaign: str = Field(primary_key=True)
    source: str = Field(primary_key=True)
    id: str = Field(primary_key=True)


class JourneyRow(SQLModel, table=True):
    """What is known of one candidate in one campaign. `state` is a `schemas.journey.Journey`, packed, or JSON as bytes
    (see storage/journeys/states.py); the columns after it are drawn from it for those who only read: `reached` has the
    moments of the milestones where the journey stands, from the first step of the funnel on (microseconds since 1970);
    of one in JSON, `standing` has them by name in its place. `employers`: all that have to do with the candidate.
    `drawn` is the version that was written with all that is known of a journey by now; the version before writes
    others. `name`: of rows that an earlier version stored; what people are called is in the vault. `tags` is what lists
    of candidates are narrowed by, and what SQL looks for (see storage/journeys/tags.py), `offer_ends` when the first of
    the open offers expires, `tagged` the version that both were drawn from. `merged_into`: whose row carries the
    journey of the person that this one is.
    """

    __tablename__ = "journeys"
    __table_args__ = (
        Index("journeys_tags", "tags", postgresql_using="gin"),
        Index("journeys_offers", "campaign", "offer_ends", postgresql_where=text("offer_ends IS NOT NULL")),
        Index("journeys_merged", "campaign", "merged_into", postgresql_where=text("merged_into IS NOT NULL")),
    )

    campaign: str = Field(primary_key=True)
    candidate: str = Field(primary_key=True)
    version: int
    state: bytes = Field(sa_type=LargeBinary)
    name: str | None = None
    standing: dict[str, int] | None = json(nullable=True)
    reached: list[int] | None = Field(default=None, sa_type=ARRAY(BigInteger), nullable=True)
    employers: list[str] = Field(default=None, sa_type=ARRAY(String), nullable=False)
    drawn: int | None = None
    tags: list[str] | None = Field(default=None, sa_type=ARRAY(String), nullable=True)
    offer_ends: datetime | None = moment(nullable=True)
    tagged: int | None = None
    merged_into: str | None = None
    updated_at: datetime = moment(now=True)


class MergeRow(SQLModel, table=True):
    """The latest word on whether two candidates are one person: of a pair, in the order of their ids, whether it
    `stands`, `into` whom, and by which fact; none where every word was taken back. Written under the campaign's
    exclusive lock."""

    __tablename__ = "merges"
    __table_args__ = (Index("merges_other", "campaign", "other"),)

    campaign: str = Field(primary_key=True)
    one: str = Field(primary_key=True)
    other: str = Field(primary_key=True)
    into: str | None = None
    at: int | None = Field(default=None, sa_type=BigInteger)
    source: str | None = None
    id: str | None = None
    stands: bool


class ApartRow(SQLModel, table=True):
    """A pair of candidates, in the order of their ids, of whom HR said that they are not the same person: they are not
    suggested again. `said_by`: `account:…` or `key:…`."""

    __tablename__ = "apart"

    campaign: str = Field(primary_key=True)
    one: str = Field(primary_key=True)
    other: str = Field(primary_key=True)
    said_by: str
    at: datetime = moment(now=True)


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
    reply_to: str | None = None
    contact: str | None = None
    signup: str = Field(default="open", sa_column_kwargs={"server_default": text("'open'")})


revisions = Sequence("revisions", metadata=SQLModel.metadata)


class TargetRow(SQLModel, table=True):
    """A target and its number. `revision` grows with every change, over all targets.

    `as_of` is the moment at which fairs were counted as ended (`fairs_held` alone depends on the clock). `tally`: the
    number is not whole, what stood before is still being counted; the latest count is the one of this number.
    """

    __tablename__ = "targets"

    campaign: str = Field(primary_key=True)
    target: str = Field(primary_key=True)
    title: str
    measure: str
    goal: Decimal = number()
    due_on: date
    where: dict[str, Any] = json()
    progress: Decimal = number()
    as_of: datetime | None = moment(nullable=True)
    tally: int | None = Field(default=None, sa_type=BigInteger)
    revision: int = Field(sa_column=Column(BigInteger, nullable=False, server_default=revisions.next_value()))
    updated_at: datetime = moment(now=True)


class AnnouncementRow(SQLModel, table=True):
    """An event to be told once on a topic, written by the transaction that it tells of. Its row goes when it was told.
    `id` is the event's, by which one that was told twice is known."""

    __tablename__ = "announcements"

    seq: int = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    id: str
    type: str
    key: str
    data: dict[str, Any] = json()
    at: datetime = moment(now=True)


class TargetDayRow(SQLModel, table=True):
    """How much of a target's progress belongs to which day in the world: the burn-up chart, as differences."""

    __tablename__ = "target_days"

    campaign: str = Field(primary_key=True)
    target: str = Field(primary_key=True)
    day: date = Field(primary_key=True)
    amount: Decimal = number()


class BreakdownRow(SQLModel, table=True):
    """How many of a campaign's candidates stand where, by one thing that is known of them: a cell of a breakdown.

    `dimension`: what it is broken down by; `value`: of that; `standing`: the deepest milestone, or an offer's status.
    The counts are moved by the transaction that stores a journey. What cells there are: streams/domain/breakdown.py.
    """

    __tablename__ = "breakdowns"

    campaign: str = Field(primary_key=True)
    dimension: str = Field(primary_key=True)
    value: str = Field(primary_key=True)
    standing: str = Field(primary_key=True)
    number: int = Field(sa_type=BigInteger)


class BreakdownCountRow(SQLModel, table=True):
    """A campaign whose breakdowns are to be counted from its journeys, from `due_at` on; an empty name: all campaigns.
    The row goes when it is done."""

    __tablename__ = "breakdown_counts"

    campaign: str = Field(primary_key=True)
    due_at: datetime = Field(default=None, sa_column=Column(DateTime(timezone=True), primary_key=True))


class MilestoneRow(SQLModel, table=True):
    """A share of a goal that was reached, once and for all. A new goal has milestones of its own."""

    __tablename__ = "milestones"

    campaign: str = Field(primary_key=True)
    target: str = Field(primary_key=True)
    goal: Decimal = Field(sa_column=Column(Numeric, primary_key=True))
    percent: int = Field(primary_key=True)
    reached_at: datetime = moment(now=True)


class FairRow(SQLModel, table=True):
    """A fair as it stands. `changes` grows with whatever is said of it: calendars go by it."""

    __tablename__ = "fairs"
    __table_args__ = (Index("fairs_ends_at", "ends_at"),)

    campaign: str = Field(primary_key=True)
    fair: str = Field(primary_key=True)
    title: str
    mode: str
    starts_at: datetime = moment()
    ends_at: datetime = moment()
    venue: str | None = None
    city: str | None = None
    url: str | None = None
    capacity: int | None = None
    employers: list[str] | None = json(nullable=True)
    cost: Decimal | None = Field(default=None, sa_type=Numeric, nullable=True)
    cancelled: bool
    reason: str | None = None
    changes: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})


class EmployerRow(SQLModel, table=True):
    """How people call an employer in a campaign, and where it is reached."""

    __tablename__ = "employers"

    campaign: str = Field(primary_key=True)
    employer: str = Field(primary_key=True)
    name: str
    name_en: str | None = None
    city: str | None = None
    url: str | None = None
    reply_to: str | None = None
    contact: str | None = None


class OpeningRow(SQLModel, table=True):
    __tablename__ = "openings"

    campaign: str = Field(primary_key=True)
    opening: str = Field(primary_key=True)
    employer: str
    position: str
    seats: int


class DeadLetterRow(SQLModel, table=True):
    """A Kafka message that is no fact, or a fact that could not be applied, kept with the reason.

    `sealed`: key, value, headers and reason, under the key of whom `campaign` and `candidate` name; then those columns
    are empty, and `digest` is keyed. Without it they are of before, in the clear.
    """

    __tablename__ = "dead_letters"
    __table_args__ = (
        Index("dead_letters_place", "topic", "partition", "offset", "digest", unique=True),
        Index("dead_letters_subject", "campaign", "candidate"),
    )

    id: int = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    topic: str
    partition: int
    offset: int = Field(sa_type=BigInteger)
    digest: bytes = Field(sa_type=LargeBinary)
    key: bytes | None = Field(default=None, sa_type=LargeBinary)
    value: bytes = Field(sa_type=LargeBinary)
    headers: dict[str, str] = json()
    reason: str
    at: datetime = moment(now=True)
    campaign: str | None = None
    candidate: str | None = None
    sealed: bytes | None = Field(default=None, sa_type=LargeBinary)


class KeyRow(SQLModel, table=True):
    """An access key. Only the hash of its secret is stored."""

    __tablename__ = "keys"

    key: str = Field(primary_key=True)
    name: str
    role: str
    employer: str | None = None
    hash: bytes = Field(sa_type=LargeBinary)
    created_at: datetime = moment(now=True)
    revoked_at: datetime | None = moment(nullable=True)
