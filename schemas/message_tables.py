"""The tables of messages: what was asked for, what became of it, and what stands in its way."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Column,
    Identity,
    Index,
    LargeBinary,
    String,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, SQLModel

from schemas.columns import json, moment
from schemas.kinds import HR_KINDS


class MessageRow(SQLModel, table=True):
    """One message for one reason. `dedupe_key` is that reason, short (storage/messages/reasons.py); `params` what its
    template needs beside the journey, none where it is what its fact says. `asked_by`: the number of that fact in the
    ledger; `source` and `fact`, its identity, where an earlier version asked (storage/messages/of_facts.py).

    `forgotten`: its candidate was erased, nothing that it said is kept from then on (none: no). `cause`: by what it
    came to its status (see storage/messages/transitions.py). `begun_at`: since when it may have gone, of one that is
    `claimed`. `attempts`: how often it was begun (none: never). `nonce`: its name outside, of those that were named by
    an earlier version, or anew (see storage/messages/nonces.py).

    `sealed`: to whom it went and its subject, under its candidate's key, or the campaign's; `address` and `domain` are
    keyed digests, to find it by. `recipient` and `subject` are of before, in the clear. What others said in `reason` is
    sealed.
    """

    __tablename__ = "messages"
    __table_args__ = (
        Index("messages_dedupe", "dedupe_key", unique=True),
        Index("messages_drawn", "nonce", unique=True, postgresql_where=text("nonce IS NOT NULL")),
        Index("messages_subject", "campaign", "candidate"),
        Index(
            "messages_due",
            "kind",
            text("coalesce(not_before, requested_at)"),
            postgresql_where=text("status = 'requested'"),
        ),
        Index("messages_standing", "status", postgresql_where=text("status <> 'requested'")),
        Index("messages_address", "address", postgresql_where=text("forgotten IS NOT TRUE AND address IS NOT NULL")),
        Index(
            "messages_in_clear",
            text("lower(recipient)"),
            postgresql_where=text("forgotten IS NOT TRUE AND recipient IS NOT NULL"),
        ),
        Index(
            "messages_moot",
            "campaign",
            "candidate",
            postgresql_where=text("status = 'cancelled' AND cause = 'moot'"),
        ),
        Index("messages_to_hr", "campaign", "sent_at", postgresql_where=text(f"kind IN {HR_KINDS}")),
    )

    id: int = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    dedupe_key: str
    kind: str
    campaign: str
    candidate: str | None = None
    params: dict[str, Any] | None = json(nullable=True)
    source: str | None = None
    fact: str | None = None
    status: str = Field(sa_column_kwargs={"server_default": text("'requested'")})
    reason: str | None = None
    channel: str | None = None
    recipient: str | None = None
    locale: str | None = None
    subject: str | None = None
    attempts: int | None = Field(default=None, sa_column_kwargs={"server_default": text("0")})
    owner: str | None = None
    lease_until: datetime | None = moment(nullable=True)
    not_before: datetime | None = moment(nullable=True)
    requested_at: datetime = moment(now=True)
    sent_at: datetime | None = moment(nullable=True)
    forgotten: bool | None = Field(default=None, sa_column_kwargs={"server_default": text("false")})
    cause: str | None = None
    begun_at: datetime | None = moment(nullable=True)
    nonce: UUID | None = None
    sealed: bytes | None = Field(default=None, sa_type=LargeBinary)
    address: bytes | None = Field(default=None, sa_type=LargeBinary)
    domain: bytes | None = Field(default=None, sa_type=LargeBinary)
    asked_by: int | None = Field(default=None, sa_type=BigInteger)


class ChannelRestRow(SQLModel, table=True):
    """A channel that is of no use for a while: until when, after how many failures in a row, why, and which kinds of
    message wait for it meanwhile. All senders heed it."""

    __tablename__ = "channel_rests"

    channel: str = Field(primary_key=True)
    kinds: list[str] = Field(sa_type=ARRAY(String), nullable=False)
    reason: str
    since: datetime = moment(now=True)
    until: datetime = moment()
    failures: int = Field(default=1, sa_column_kwargs={"server_default": text("1")})


class SendRateRow(SQLModel, table=True):
    """How many tokens all senders together had at that moment to send mails with: of all mail (an empty name), and of a
    domain by its digest. `drained`: one more was wanted. What nobody drew from for long is taken away."""

    __tablename__ = "send_rates"

    name: bytes = Field(sa_type=LargeBinary, primary_key=True)
    tokens: float
    drained: bool
    at: datetime = moment()


class MessageCountRow(SQLModel, table=True):
    """How many messages there were of a kind, channel ("" for none yet) and status, when they were counted last: all
    rows at the same moment."""

    __tablename__ = "message_counts"

    kind: str = Field(primary_key=True)
    channel: str = Field(primary_key=True)
    status: str = Field(primary_key=True)
    number: int = Field(sa_type=BigInteger)
    at: datetime = moment(now=True)


class ReportMailboxRow(SQLModel, table=True):
    """A mailbox where mail comes back, as `user@host:port/folder`: how far it was read (up to before `next_number`,
    while the server's `validity` holds), when last to its end, by whom now, and why it can't be."""

    __tablename__ = "report_mailboxes"

    mailbox: str = Field(primary_key=True)
    validity: int = Field(sa_column=Column(BigInteger, nullable=False, server_default=text("0")))
    next_number: int = Field(sa_column=Column(BigInteger, nullable=False, server_default=text("0")))
    read_at: datetime | None = moment(nullable=True)
    trouble: str | None = None
    holder: str
    held_until: datetime = moment()


class FairNoticeRow(SQLModel, table=True):
    """What those who signed up for a fair were last told of it, and which reminders went out (`24h@<start>`).
    `notices`: how often they were told that it changed."""

    __tablename__ = "fair_notices"

    campaign: str = Field(primary_key=True)
    fair: str = Field(primary_key=True)
    told: dict[str, Any] = json()
    reminded: list[str] = Field(default=None, sa_type=ARRAY(String), nullable=False)
    notices: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})


class MailRow(SQLModel, table=True):
    """A message as it looked when it went out; for the local channel also where it was delivered to.

    `sealed`: subject, HTML, text and files, under the keys of all of whom it tells at once (`whose`: candidates, and
    the life of each). `html` and `text` are of before, in the clear, else empty.
    """

    __tablename__ = "mails"

    message: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    html: str
    text: str
    at: datetime = moment(now=True)
    sealed: bytes | None = Field(default=None, sa_type=LargeBinary)
    whose: dict[str, int] | None = json(nullable=True)


class AttachmentRow(SQLModel, table=True):
    """A file that went with a mail of an earlier version, sealed as its message is; since then they are sealed with
    their mail. One with a `content_id` is an image that its HTML shows."""

    __tablename__ = "mail_attachments"

    message: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    name: str = Field(primary_key=True)
    content_type: str
    content_id: str | None = None
    data: bytes = Field(sa_type=LargeBinary)


class AttemptRow(SQLModel, table=True):
    """A change of a message's status: by what cause, and the reason; what others said in it is sealed."""

    __tablename__ = "message_attempts"
    __table_args__ = (Index("message_attempts_message", "message", "id"),)

    id: int = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    message: int = Field(sa_type=BigInteger)
    at: datetime = moment(now=True)
    status: str
    cause: str | None = None
    detail: str | None = None


class SuppressionRow(SQLModel, table=True):
    """An address to which no mail goes, or none of marketing, until it is lifted. Once for each kind of reason;
    `message` is the one that told. `about`: the one kind of message that its reader unsubscribed from, or empty for
    all. It is found by `digest`, keyed; `address` is what of it is shown, sealed as the message is (of before: the
    address in the clear, in lower case)."""

    __tablename__ = "suppressions"
    __table_args__ = (
        Index(
            "suppressions_address",
            "address",
            "kind",
            "about",
            unique=True,
            postgresql_where=text("lifted_at IS NULL"),
        ),
        Index(
            "suppressions_digest",
            "digest",
            "kind",
            "about",
            unique=True,
            postgresql_where=text("lifted_at IS NULL AND digest IS NOT NULL"),
        ),
        Index("suppressions_message", "message"),
    )

    id: int = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    address: str
    kind: str
    about: str = Field(default="", sa_column_kwargs={"server_default": text("''")})
    message: int | None = Field(default=None, sa_type=BigInteger)
    detail: str | None = None
    since: datetime = moment(now=True)
    lifted_at: datetime | None = moment(nullable=True)
    lifted_by: str | None = None
    lifted_reason: str | None = None
    digest: bytes | None = Field(default=None, sa_type=LargeBinary)


class TemplateVersionRow(SQLModel, table=True):
    """A version of a campaign's own template, of which the latest counts; without a subject: back to the default."""

    __tablename__ = "template_versions"
    __table_args__ = (Index("template_versions_latest", "campaign", "kind", "locale", "id"),)

    id: int = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    campaign: str
    kind: str
    locale: str
    subject: str | None = None
    content: str | None = None
    footer: str | None = None
    by: str
    at: datetime = moment(now=True)


class KindSwitchRow(SQLModel, table=True):
    """Whether a kind of message is sent in a campaign, as HR said last; kinds that are not here are."""

    __tablename__ = "kind_switches"

    campaign: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    off: bool
    by: str
    at: datetime = moment(now=True)


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
    received_at: datetime = moment(now=True)


class ProviderEventDayRow(SQLModel, table=True):
    """How many events of a name and finding were told on a day (UTC), for as long as the events themselves are kept.
    What a process of the version before took in beside this one is not among them."""

    __tablename__ = "provider_event_days"

    day: date = Field(primary_key=True)
    name: str = Field(primary_key=True)
    finding: str = Field(primary_key=True)
    number: int = Field(sa_type=BigInteger)


class SecretRow(SQLModel, table=True):
    """A secret that all processes share: with it signed links are made and read."""

    __tablename__ = "secrets"

    name: str = Field(primary_key=True)
    value: bytes = Field(sa_type=LargeBinary)


class PlaceRow(SQLModel, table=True):
    """What the version before knew of seats, which may run beside this one. Nothing reads it; see `seat_tables.py`."""

    __tablename__ = "places"
    __table_args__ = (
        Index("places_seq", "seq", unique=True),
        Index("places_waiting", "campaign", "fair", postgresql_where=text("waiting")),
    )

    campaign: str = Field(primary_key=True)
    fair: str = Field(primary_key=True)
    candidate: str = Field(primary_key=True)
    seq: int = Field(sa_column=Column(BigInteger, Identity(always=True), nullable=False))
    waiting: bool
