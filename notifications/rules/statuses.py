"""The life of a message: where a provider's word takes it, what HR may do with it, what ends a doubt. Pure.

What a provider tells arrives in any order, late, and more than once. So each word names a status, statuses have ranks,
and a message only ever climbs: whatever the order, it ends at the highest of all that was told.
"""

from __future__ import annotations

from typing import Final, Literal

from schemas.kinds import BY_NAME
from schemas.messages import Policy, Status

ProviderWord = Literal["taken", "delivered", "dropped", "bounced", "complained"]
HrStep = Literal["resend", "cancel"]
Verdict = Literal["yes", "forced", "no"]


def after(status: Status, word: ProviderWord) -> Status | None:
    """The status after the provider's word; None when it changes nothing."""
    told = TOLD[word]
    return told if RANKS[told] > RANKS[status] else None


def may(step: HrStep, status: Status) -> Verdict:
    """Whether HR may resend or cancel a message that stands so; `forced`: only where a second copy is accepted."""
    return STEPS[step].get(status, "no")


def when_in_doubt(kind: str, doubts: int) -> Policy:
    """What ends the doubt about a message of this kind that fell in doubt so many times: it is resent but once."""
    policy = BY_NAME[kind].in_doubt
    return "give_up" if policy == "resend" and doubts > 1 else policy


# From bottom to top; what stands on one line is told apart by nothing that a provider could say.
_LADDER: Final[tuple[tuple[Status, ...], ...]] = (
    ("requested", "claimed", "unknown", "held", "suppressed", "failed", "cancelled"),
    ("sent",),
    ("delivered",),
    ("dropped",),
    ("bounced",),
    ("complained",),
)
RANKS: Final[dict[Status, int]] = {status: rank for rank, rung in enumerate(_LADDER) for status in rung}

TOLD: Final[dict[ProviderWord, Status]] = {
    "taken": "sent",
    "delivered": "delivered",
    "dropped": "dropped",
    "bounced": "bounced",
    "complained": "complained",
}

STEPS: Final[dict[HrStep, dict[Status, Verdict]]] = {
    "resend": {
        "held": "yes",
        "suppressed": "yes",
        "failed": "yes",
        "cancelled": "yes",
        "bounced": "yes",
        "dropped": "yes",
        "unknown": "forced",
        "sent": "forced",
        "delivered": "forced",
        "complained": "forced",
    },
    "cancel": {"requested": "yes", "held": "yes", "suppressed": "yes", "unknown": "yes", "failed": "yes"},
}
