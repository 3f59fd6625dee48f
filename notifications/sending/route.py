"""What a sender is given: which channel carries what, and chance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from notifications.channels.port import Channel
from notifications.sending.drain import Drain, NoDrain
from schemas.channels import MailWay


@dataclass(frozen=True, slots=True)
class Route:
    """Which kinds of message a channel carries. `lanes`: how many portions are worked on at the same time, so that one
    is claimed and recorded while another is sent; of kinds that are grouped, only one may. `most_begun`: of how many of
    them the mails may go meanwhile, since those are in doubt when a sender is killed. `way`: it carries the mail of
    campaigns that have chosen this, and if it is `usual` of those that have chosen none; without one, of all."""

    kinds: tuple[str, ...]
    channel: Channel
    lanes: int = 1
    way: MailWay | None = None
    usual: bool = True
    most_begun: int = 2


@dataclass(frozen=True, slots=True)
class Chance:
    """Time, randomness and room, handed in. `jitter` gives a factor around 1; while a `drain` goes on, others need the
    processor more; `much` is called when more is due than one sender gets done in a while."""

    clock: Callable[[], datetime]
    jitter: Callable[[], float]
    drain: Drain = field(default_factory=NoDrain)
    much: Callable[[], None] = lambda: None
