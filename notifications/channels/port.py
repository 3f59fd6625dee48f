"""What a channel is to the sender."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final, Protocol

import msgspec

from schemas.errors import (
    AddressRefused,
    ChannelRefused,
    SendDeferred,
    SendFailed,
    SendRefused,
    SendRetryable,
    SendUnknown,
)
from schemas.messages import Attachment, Status, SuppressionKind, Written, as_json


class Mail(msgspec.Struct, frozen=True, gc=False):
    """A message as its reader gets it. `nonce` is its name outside, and goes with it so that the provider's events name
    it; `occurrence`: the reason that it goes for, of several one after another.

    `attempts` counts how often it was tried, this time included; `unsubscribe` is where its reader ends
    mails like it. `from_name`: whom it is from, instead of the platform; `reply_to`: where answers to it go. `written`:
    HTML and text as JSON has them, where they were made so.
    """

    id: int
    kind: str
    to: str
    to_name: str
    locale: str
    subject: str
    html: str
    text: str
    attempts: int = 1
    attachments: tuple[Attachment, ...] = ()
    unsubscribe: str | None = None
    nonce: str = ""
    occurrence: str = ""
    from_name: str = ""
    reply_to: str | None = None
    written: Written | None = None

    def as_json(self) -> Written:
        """Its HTML and text as JSON has them."""
        return self.written or Written(as_json(self.html), as_json(self.text))

    @property
    def headers(self) -> dict[str, str]:
        """Headers beside the usual ones: how to unsubscribe with one click (RFC 8058), where one may."""
        if self.unsubscribe is None:
            return {}
        return {
            "List-Unsubscribe": f"<{self.unsubscribe}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        }


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one mail: its new status, why, when to try again, and whether the reason lies not with the
    mail but with the channel, which is of no use for a while; `refuses_us`: until somebody mends it. `suppress`: why
    nothing is to go to its address again. `untried`: nobody was asked to take it, so that it is no attempt."""

    status: Status
    reason: str | None = None
    retry_at: datetime | None = None
    pauses_channel: bool = False
    refuses_us: bool = False
    suppress: SuppressionKind | None = None
    untried: bool = False

    @property
    def was_tried(self) -> bool:
        """Whether it says something of the channel: not where another took the mail, or its turn did not come."""
        return self.status != "requested" or self.pauses_channel or self.retry_at is not None


class Begin(Protocol):
    """Asked before mails go: their beginning is recorded, together with what became of those before (`done`). Returns
    the ids of those that may go, since nobody else has taken them."""

    async def __call__(self, going: Sequence[Mail], done: Mapping[int, Outcome] = ...) -> Collection[int]: ...


async def all_begin(going: Sequence[Mail], done: Mapping[int, Outcome] = MappingProxyType({})) -> Collection[int]:
    """Records nothing, and lets all go."""
    return {mail.id for mail in going}


class Channel(Protocol):
    """Sends mails. `keeps`: recording a mail delivers it, so that nothing is in doubt when a sender dies.

    `portion`: how many mails to hand over at once; `lease`:
    seconds after which it must be dead.
    """

    name: str
    keeps: bool
    portion: int
    lease: float

    async def send(self, mails: Sequence[Mail], begin: Begin = all_begin) -> list[Outcome]:
        """An outcome for each mail, in order; one mail's failure is no other's. Raises nothing.

        Nothing leaves before `begin` has said that it may; what may not is TAKEN.
        """
        ...

    def at_once(self, mails: Sequence[Mail]) -> Sequence[Mail]:
        """Those of these that go as soon as they are handed over: their beginning may be recorded before."""
        ...

    async def close(self) -> None:
        """Begin nothing more, and let go of what it holds. Mails whose turn has not come are `requested` again."""
        ...


def believed(outcome: Outcome, now: datetime) -> Outcome:
    """The outcome, its next try no later than a provider may ask for: a wrong header stops no channel for years."""
    latest = now + LONGEST_WAIT
    if outcome.retry_at is None or outcome.retry_at <= latest:
        return outcome
    return replace(outcome, retry_at=latest)


LONGEST_WAIT: Final = timedelta(hours=1)
SENT = Outcome("sent")
TAKEN = Outcome("requested", "another sender has taken it", untried=True)
STOPPED = Outcome("requested", "the sender stopped before its turn came", untried=True)
_SHOWN = 300


def shown(text: str) -> str:
    """What a server said, short, on one line, and fit to be stored and shown."""
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())[:_SHOWN]


def outcome_of(error: SendFailed) -> Outcome:
    """What a failure means for its message."""
    if isinstance(error, SendRetryable):
        return Outcome("requested", str(error), error.retry_at, pauses_channel=not isinstance(error, SendDeferred))
    refused = isinstance(error, ChannelRefused)
    suppress: SuppressionKind | None = "hard_bounce" if isinstance(error, AddressRefused) else None
    return Outcome(_STATUSES[type(error)], str(error), pauses_channel=refused, refuses_us=refused, suppress=suppress)


# ChannelRefused is about us, not about the message: it waits until the channel is mended.
_STATUSES: dict[type[SendFailed], Status] = {
    SendRefused: "failed",
    AddressRefused: "failed",
    SendUnknown: "unknown",
    ChannelRefused: "requested",
}
