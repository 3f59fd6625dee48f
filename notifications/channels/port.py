"""What a channel is to the sender."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Protocol

from schemas.errors import ChannelRefused, SendDeferred, SendFailed, SendRefused, SendRetryable, SendUnknown
from schemas.messages import Attachment, Status


@dataclass(frozen=True, slots=True)
class Mail:
    """A message as its reader gets it. `id` is ours, and goes with it so that the provider's events name it.

    `attempts` counts how often it was claimed, this time included; `unsubscribe` is where its reader ends
    mails like it.
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
    mail but with the channel, which is of no use for a while; `refuses_us`: until somebody mends it."""

    status: Status
    reason: str | None = None
    retry_at: datetime | None = None
    pauses_channel: bool = False
    refuses_us: bool = False


class Channel(Protocol):
    """Sends mails. `keeps`: recording a mail delivers it, so that nothing is in doubt when a sender dies.

    `portion`: how many mails to hand over at once, all of which are in doubt when a sender dies meanwhile; `lease`:
    seconds after which it must be dead.
    """

    name: str
    keeps: bool
    portion: int
    lease: float

    async def send(self, mails: Sequence[Mail]) -> list[Outcome]:
        """An outcome for each mail, in order; one mail's failure is no other's. Raises nothing."""
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
STOPPED = Outcome("requested", "the sender stopped before its turn came")
_SHOWN = 300


def shown(text: str) -> str:
    """What a server said, short, on one line, and fit to be stored and shown."""
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())[:_SHOWN]


def outcome_of(error: SendFailed) -> Outcome:
    """What a failure means for its message."""
    if isinstance(error, SendRetryable):
        return Outcome("requested", str(error), error.retry_at, pauses_channel=not isinstance(error, SendDeferred))
    refused = isinstance(error, ChannelRefused)
    return Outcome(_STATUSES[type(error)], str(error), pauses_channel=refused, refuses_us=refused)


# ChannelRefused is about us, not about the message: it waits until the channel is mended.
_STATUSES: dict[type[SendFailed], Status] = {
    SendRefused: "failed",
    SendUnknown: "unknown",
    ChannelRefused: "requested",
}
