"""What messages there are: their kinds, for whom, from which facts, and the life they lead."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

Audience = Literal["candidate", "hr"]
Status = Literal[
    "requested", "claimed", "sent", "delivered", "bounced", "dropped", "complained",
    "unknown", "held", "suppressed", "failed", "cancelled",
]  # fmt: skip
SuppressionKind = Literal["hard_bounce", "complaint", "unsubscribe"]
Policy = Literal["ask_hr", "resend", "give_up", "leave"]

SIGNUP_CONFIRMATION: Final = "signup_confirmation"
FAIR_REMINDER: Final = "fair_reminder"
FAIR_RESCHEDULED: Final = "fair_rescheduled"
FAIR_CANCELLED: Final = "fair_cancelled"
INTERVIEW_RESULT: Final = "interview_result"
OFFER: Final = "offer"
OFFER_EXPIRING: Final = "offer_expiring"
OFFER_RESCINDED: Final = "offer_rescinded"
WELCOME: Final = "welcome"
BENEFIT_VERIFIED: Final = "benefit_verified"
BENEFIT_PAID: Final = "benefit_paid"
MILESTONE: Final = "milestone"
TARGET_REACHED: Final = "target_reached"
TARGET_AT_RISK: Final = "target_at_risk"
DAILY_DIGEST: Final = "daily_digest"
OFFER_BOUNCED: Final = "offer_bounced"

FINAL: Final = frozenset({"sent", "delivered", "bounced", "dropped", "complained", "failed", "cancelled"})


@dataclass(frozen=True, slots=True)
class MessageRequest:
    """One message that one reason asks for. `dedupe_key` names the reason: the same key is never sent twice.

    `params` holds what the template needs and what can't be looked up later (JSON values).
    `source` and `fact` are the identity of the fact that asked, where one did. It is not sent before `not_before`.
    """

    kind: str
    dedupe_key: str
    campaign: str
    candidate: str | None
    params: dict[str, Any]
    source: str | None = None
    fact: str | None = None
    not_before: datetime | None = None


def dedupe_key(kind: str, campaign: str, candidate: str | None, reason: list[Any]) -> str:
    """A key for one reason; a digest, since ids may be long."""
    whole = json.dumps([campaign, candidate, *reason], ensure_ascii=False)
    return f"{kind}:{hashlib.sha256(whole.encode()).hexdigest()[:40]}"


AUDIENCES: Final[dict[str, Audience]] = {
    SIGNUP_CONFIRMATION: "candidate",
    FAIR_REMINDER: "candidate",
    FAIR_RESCHEDULED: "candidate",
    FAIR_CANCELLED: "candidate",
    INTERVIEW_RESULT: "candidate",
    OFFER: "candidate",
    OFFER_EXPIRING: "candidate",
    OFFER_RESCINDED: "candidate",
    WELCOME: "candidate",
    BENEFIT_VERIFIED: "candidate",
    BENEFIT_PAID: "candidate",
    MILESTONE: "hr",
    TARGET_REACHED: "hr",
    TARGET_AT_RISK: "hr",
    DAILY_DIGEST: "hr",
    OFFER_BOUNCED: "hr",
}

# Which fact leads to which kinds of message to the candidate. Two more come of the fairs themselves (rescheduled,
# cancelled), and one of the clock (reminder).
FACT_KINDS: Final[dict[str, tuple[str, ...]]] = {
    "candidate.signed_up": (SIGNUP_CONFIRMATION,),
    "candidate.interviewed": (INTERVIEW_RESULT,),
    "offer.extended": (OFFER, OFFER_EXPIRING),
    "offer.rescinded": (OFFER_RESCINDED,),
    "hire.started": (WELCOME,),
    "benefit.verified": (BENEFIT_VERIFIED,),
    "benefit.paid": (BENEFIT_PAID,),
}

# Kinds that one may unsubscribe from. All others are about the reader's own affairs: they go all the same.
MARKETING: Final[frozenset[str]] = frozenset()

# What ends the doubt about a message that nobody speaks of for long: HR is asked, it goes once more, or never.
# Kinds that are not here stay in doubt.
IN_DOUBT: Final[dict[str, Policy]] = {
    OFFER: "ask_hr",
    SIGNUP_CONFIRMATION: "resend",
    FAIR_REMINDER: "give_up",
    OFFER_EXPIRING: "give_up",
}

# How an offer's mail may stand so that HR is told (`offer_bounced`). When it is in doubt for long, HR is told too.
OFFER_TROUBLE: Final[frozenset[Status]] = frozenset({"bounced", "dropped", "complained", "suppressed", "failed"})
