"""What messages there are: their kinds, for whom, from which facts, and the life they lead."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

import msgspec

Audience = Literal["candidate", "employer", "hr"]
Status = Literal[
    "requested", "claimed", "sent", "delivered", "bounced", "dropped", "complained",
    "unknown", "held", "suppressed", "failed", "cancelled",
]  # fmt: skip
SuppressionKind = Literal["hard_bounce", "complaint", "unsubscribe"]
SeatWord = Literal["seat", "waiting"]
Policy = Literal["ask_hr", "resend", "give_up", "leave"]

SIGNUP_CONFIRMATION: Final = "signup_confirmation"
WAITLISTED: Final = "waitlisted"
MOVED_UP: Final = "moved_up"
MOVED_BACK: Final = "moved_back"
FAIR_REMINDER: Final = "fair_reminder"
FAIR_RESCHEDULED: Final = "fair_rescheduled"
FAIR_CANCELLED: Final = "fair_cancelled"
THANKS: Final = "thanks"
INTERVIEW_RESULT: Final = "interview_result"
OFFER: Final = "offer"
OFFER_EXPIRING: Final = "offer_expiring"
OFFER_RESCINDED: Final = "offer_rescinded"
OFFER_ACCEPTED: Final = "offer_accepted"
OFFER_DECLINED: Final = "offer_declined"
OFFER_EXPIRED: Final = "offer_expired"
WELCOME: Final = "welcome"
BENEFIT_AVAILABLE: Final = "benefit_available"
BENEFIT_VERIFIED: Final = "benefit_verified"
BENEFIT_PAID: Final = "benefit_paid"
MILESTONE: Final = "milestone"
TARGET_REACHED: Final = "target_reached"
TARGET_AT_RISK: Final = "target_at_risk"
DAILY_DIGEST: Final = "daily_digest"
OFFER_ANSWERED: Final = "offer_answered"
OFFER_BOUNCED: Final = "offer_bounced"
CHANNEL_REFUSED: Final = "channel_refused"
LOG_GAP: Final = "log_gap"
OWN_PAGE: Final = "own_page"
KEEP_DATA: Final = "keep_data"
SIGNUP_CHECK: Final = "signup_check"
ADDRESS_CHECK: Final = "address_check"  # the same to another address of who is known, by a template of its own
TEMPLATE_TEST: Final = "template_test"


class MessageRequest(msgspec.Struct, frozen=True, gc=False):
    """One message that one reason asks for. `dedupe_key` names the reason: the same key is never sent twice.

    `params` holds what the template needs and what can't be looked up later (JSON values); none: what its fact says.
    `source` and `fact` are the identity of the fact that asked, where one did. It is not sent before `not_before`.
    """

    kind: str
    dedupe_key: str
    campaign: str
    candidate: str | None
    params: dict[str, Any] | None
    source: str | None = None
    fact: str | None = None
    not_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a mail. `name` in ASCII, once in a mail; one with a `content_id` is an image that the HTML
    shows (`cid:` and this id)."""

    name: str
    content_type: str
    data: bytes
    content_id: str | None = None


class Written(msgspec.Struct, frozen=True, gc=False):
    """The HTML and the text of a mail as JSON has them, without their quotes: both the provider and what is kept want
    them so, and what is made of pieces can be written of pieces."""

    html: bytes
    text: bytes


def as_json(text: str) -> bytes:
    """A text as JSON has it, without its quotes. Raises ValueError where it can't be written (half a character)."""
    return _encode(text)[1:-1]


@dataclass(frozen=True, slots=True)
class Parts:
    """A template as its author writes it, each part in Jinja2 (see notifications.authoring.parts)."""

    subject: str
    content: str
    footer: str


def dedupe_key(kind: str, campaign: str, candidate: str | None, reason: Sequence[str | int | None]) -> str:
    """A key for one reason; a digest, since ids may be long. Of JSON with a space after each comma, for ever."""
    said = _encode([campaign, candidate, *reason])
    none_in_texts = said.count(b",") == len(reason) + 1
    whole = said.replace(b",", b", ") if none_in_texts else msgspec.json.format(said, indent=0)
    return f"{kind}:{hashlib.sha256(whole).hexdigest()[:40]}"


_encode: Final = msgspec.json.Encoder().encode


# How an offer's mail may stand so that HR is told (`offer_bounced`). When it is in doubt for long, HR is told too.
OFFER_TROUBLE: Final[frozenset[Status]] = frozenset({"bounced", "dropped", "complained", "suppressed", "failed"})
