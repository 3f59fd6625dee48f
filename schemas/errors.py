"""The one tree of Yinfeng's exceptions. The type decides what happens next.

YinfengError
├── InvalidFact          the input is wrong: answer 4xx, or dead-letter it; never retry
├── ConfigurationError   a setting is wrong: say it and stop
├── Refused              the caller may not, or what was asked for is not there: answer 4xx
│   ├── Unauthorized         401
│   ├── Forbidden            403
│   ├── NotFound             404
│   ├── Conflict             409
│   ├── TooLarge             413
│   └── TooMany              429
├── Unavailable          a server we need does not answer: wait, then retry
│   ├── DatabaseUnavailable
│   │   └── StatementTooLong   a statement was given up for its length: ask for less at a time, if that can be
│   ├── BrokerUnavailable
│   └── MailboxUnavailable     where mail comes back can't be read
├── ConcurrentChange     another worker changed the same rows: roll back and retry at once
│   └── NotNew               what was supposed to be new is there: the same, without supposing it
├── UnusableValue        Postgres refuses a fact's own values: dead-letter that fact; never retry
├── CannotOpen           what is sealed was changed, or sealed with another key: nothing can be done with it
├── Fenced               somebody else has gone on with what we held: drop it, and look where it stands now
├── DeliveryFailed       events that the Kafka client could not deliver (it names them)
└── SendFailed           a message did not go out
    ├── SendRefused          final: the provider said no to this message
    ├── ChannelRefused       final for the channel: a bad key; pause and alert
    ├── SendRetryable        certainly not sent: try again, at `retry_at` when given
    │   └── SendDeferred         that for one message alone: others may go meanwhile
    └── SendUnknown          it may have gone: never retried on a guess
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing wrong with an input: `field` is a dotted path (`data.goal`), `message` says what to do."""

    field: str
    message: str


class YinfengError(Exception):
    """Base of all errors that Yinfeng raises on purpose."""


class InvalidFact(YinfengError):
    """Bytes or a document that are no fact of the catalogue. Carries every error at once."""

    def __init__(self, errors: list[FieldError], *, id: str | None = None) -> None:
        self.errors = errors
        self.id = id
        super().__init__("; ".join(f"{e.field}: {e.message}" for e in errors))


class ConfigurationError(YinfengError):
    """A setting or the surroundings are wrong; the message says which and how to mend it."""


class Refused(YinfengError):
    """The request is not carried out. `status` is the HTTP status of the answer."""

    status = 400

    def __init__(self, detail: str, errors: list[FieldError] | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = errors or []


class Unauthorized(Refused):
    status = 401


class Forbidden(Refused):
    status = 403


class NotFound(Refused):
    status = 404


class Conflict(Refused):
    """What was asked for doesn't fit how things stand."""

    status = 409


class TooLarge(Refused):
    status = 413


class TooMany(Refused):
    """It was asked for too often; later it may be asked for again."""

    status = 429


class Unavailable(YinfengError):
    """A server we need does not answer; what was asked is safe to ask again."""


class DatabaseUnavailable(Unavailable):
    """Postgres does not answer."""


class StatementTooLong(DatabaseUnavailable):
    """A statement took longer than it may; nothing was written."""


class BrokerUnavailable(Unavailable):
    """The Kafka broker does not answer."""


class MailboxUnavailable(Unavailable):
    """The mailbox where mail comes back can't be read."""


class ConcurrentChange(YinfengError):
    """Another transaction changed the same rows first; nothing was written."""


class NotNew(ConcurrentChange):
    """What was written as new was there already, in that table; nothing was written."""

    def __init__(self, detail: str, table: str | None) -> None:
        super().__init__(detail)
        self.table = table


class UnusableValue(YinfengError):
    """Postgres can't store what a fact says: repeating would not help."""


class CannotOpen(YinfengError):
    """Something sealed was changed on its way, or sealed with another key."""


class Fenced(YinfengError):
    """A position or a lease has moved on without us, so that nothing of ours was written."""


class DeliveryFailed(YinfengError):
    """Some events were not delivered to Kafka; `failed` holds (event, reason) of each."""

    def __init__(self, failed: list[tuple[dict[str, object], str]]) -> None:
        self.failed = failed
        reason = failed[0][1] if failed else "unknown"
        super().__init__(f"{len(failed)} events were not delivered ({reason}); post them again")


class SendFailed(YinfengError):
    """A message did not certainly go out; the subclass says what may be done about it."""


class SendRefused(SendFailed):
    """The provider refused this message for good."""


class AddressRefused(SendRefused):
    """There is nobody at the address: no mail is to go there again."""


class ChannelRefused(SendFailed):
    """The provider refused us: no message of this channel can go until somebody mends it."""


class SendRetryable(SendFailed):
    """The message certainly did not go out. `retry_at` is the earliest next try, if the provider named it."""

    def __init__(self, detail: str, retry_at: datetime | None = None) -> None:
        super().__init__(detail)
        self.retry_at = retry_at


class SendDeferred(SendRetryable):
    """The message alone was put off (greylisting, a full mailbox); others may go meanwhile."""


class SendUnknown(SendFailed):
    """The message may or may not have gone out."""
