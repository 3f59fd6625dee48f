"""Which causes move a message from which status to which. What is not here does not happen."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final, Literal, get_args

from schemas.messages import Status

Cause = Literal[
    "again",  # another fact gives the reason of a message that was cancelled, or after it was taken back
    "claim",  # a sender takes it
    "put_off",  # it waits for its time, or for room
    "held",  # something is lacking that only others can bring
    "suppressed",  # no mail goes to its address
    "moot",  # what it says is no longer so
    "outcome",  # what the channel said of it
    "lost",  # its sender ended without a word
    "doubt",  # nobody spoke of it for long
    "provider",  # what the provider told afterwards
    "resent",  # HR lets it go once more
    "hr",  # HR cancels it
    "address",  # an address came
    "consent",  # its reader agreed that it goes abroad, or need not
    "lifted",  # mail may go to its address again
    "mended",  # what kept it from being written may be mended
    "stands",  # what made it moot was taken back
    "erased",  # its candidate was erased
    "restored",  # the database was restored from a copy
]

ALL: Final[frozenset[Status]] = frozenset(get_args(Status))
WAITING: Final[frozenset[Status]] = frozenset({"requested", "held", "suppressed"})
UNDER_WAY: Final[frozenset[Status]] = frozenset({"claimed", "unknown"})
TOLD: Final[frozenset[Status]] = frozenset({"sent", "delivered", "dropped", "bounced", "complained"})
REQUESTED: Final[frozenset[Status]] = frozenset({"requested"})
CANCELLED: Final[frozenset[Status]] = frozenset({"cancelled"})


@dataclass(frozen=True, slots=True)
class Transition:
    """From any of `before` to any of `after`."""

    before: frozenset[Status]
    after: frozenset[Status]


TRANSITIONS: Final[dict[Cause, Transition]] = {
    "again": Transition(WAITING | TOLD | CANCELLED | {"failed"}, REQUESTED | {"unknown"}),
    "claim": Transition(REQUESTED, frozenset({"claimed"})),
    "put_off": Transition(UNDER_WAY, REQUESTED),
    "held": Transition(UNDER_WAY, frozenset({"held"})),
    "suppressed": Transition(UNDER_WAY, frozenset({"suppressed"})),
    "moot": Transition(UNDER_WAY, CANCELLED),
    "outcome": Transition(UNDER_WAY, frozenset({"sent", "failed", "unknown", "requested"})),
    "lost": Transition(frozenset({"claimed"}), frozenset({"unknown", "requested"})),
    "doubt": Transition(frozenset({"unknown"}), frozenset({"unknown", "requested", "failed"})),
    "provider": Transition(ALL, TOLD),
    "resent": Transition(ALL - {"requested", "claimed"}, REQUESTED),
    "hr": Transition(WAITING | {"unknown", "failed"}, CANCELLED),
    "address": Transition(frozenset({"held"}), REQUESTED),
    "consent": Transition(frozenset({"held"}), REQUESTED),
    "lifted": Transition(frozenset({"suppressed"}), REQUESTED),
    "mended": Transition(frozenset({"held"}), REQUESTED),
    "stands": Transition(CANCELLED, REQUESTED),
    "erased": Transition(WAITING, CANCELLED),
    "restored": Transition(frozenset({"requested", "claimed", "held"}), frozenset({"unknown"})),
}

# After these a message that went may go once more; any other second sending is a fault.
LETS_GO_AGAIN: Final[tuple[Cause, ...]] = ("again", "resent", "doubt", "lifted")

# How reasons begin that are looked at later.
TOLD_WITH: Final = "told in the mail of message"
UNWRITTEN: Final = "can't be written"

ALLOWED: Final = json.dumps(
    {
        f"{cause}:{before}:{after}": True
        for cause, each in TRANSITIONS.items()
        for before in sorted(each.before)
        for after in sorted(each.after)
    }
)
