"""What messages there are: their kinds, for whom, from which facts, and the life they lead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

Audience = Literal["candidate", "hr"]
Status = Literal["requested", "claimed", "sent", "delivered", "bounced", "unknown", "held", "failed", "cancelled"]

SIGNUP_CONFIRMATION: Final = "signup_confirmation"
OFFER: Final = "offer"
WELCOME: Final = "welcome"
MILESTONE: Final = "milestone"
TARGET_REACHED: Final = "target_reached"

FINAL: Final = frozenset({"sent", "delivered", "bounced", "failed", "cancelled"})


@dataclass(frozen=True, slots=True)
class MessageRequest:
    """One message that one reason asks for. `dedupe_key` names the reason: the same key is never sent twice.

    `params` holds what the template needs and what can't be looked up later (JSON values).
    `source` and `fact` are the identity of the fact that asked, where one did.
    """

    kind: str
    dedupe_key: str
    campaign: str
    candidate: str | None
    params: dict[str, Any]
    source: str | None = None
    fact: str | None = None


AUDIENCES: Final[dict[str, Audience]] = {
    SIGNUP_CONFIRMATION: "candidate",
    OFFER: "candidate",
    WELCOME: "candidate",
    MILESTONE: "hr",
    TARGET_REACHED: "hr",
}

# Which fact leads to which kinds of message to the candidate.
FACT_KINDS: Final[dict[str, tuple[str, ...]]] = {
    "candidate.signed_up": (SIGNUP_CONFIRMATION,),
    "offer.extended": (OFFER,),
    "hire.started": (WELCOME,),
}
