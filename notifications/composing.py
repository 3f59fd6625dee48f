"""A message becomes a letter: to whom, in which language, with which values; or it is not to be sent. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from notifications import channel_alarm, gaps, hr_letters, letters, offer_trouble, waiting
from notifications.case import Case, NotNow, Values
from notifications.enclosures import enclosed
from notifications.hours import is_quiet, next_morning
from schemas.messages import (
    AUDIENCES,
    BENEFIT_AVAILABLE,
    BENEFIT_PAID,
    BENEFIT_VERIFIED,
    CHANNEL_REFUSED,
    DAILY_DIGEST,
    FAIR_CANCELLED,
    FAIR_REMINDER,
    FAIR_RESCHEDULED,
    INTERVIEW_RESULT,
    LOG_GAP,
    MARKETING,
    MILESTONE,
    MOVED_UP,
    OFFER,
    OFFER_ANSWERED,
    OFFER_BOUNCED,
    OFFER_EXPIRING,
    OFFER_RESCINDED,
    SIGNUP_CONFIRMATION,
    TARGET_AT_RISK,
    TARGET_REACHED,
    THANKS,
    WAITLISTED,
    WELCOME,
    Attachment,
    Parts,
)

NO_ADDRESS: Final = "no address"  # `storage.messages.release` lets these go once there is one
WAITS_FOR_MORNING: Final = MARKETING | {OFFER_EXPIRING}


@dataclass(frozen=True, slots=True)
class Letter:
    """A message ready to be rendered. `unsubscribe`: where its reader ends mails like it, of kinds that one may; `own`:
    the campaign's template for it, if it has one. For a test, `template` is the kind that is tried, and
    `before_subject` says so."""

    to: str
    to_name: str
    locale: str
    values: Values
    attachments: tuple[Attachment, ...] = ()
    unsubscribe: str | None = None
    own: Parts | None = None
    template: str | None = None
    before_subject: str = ""


def compose(case: Case) -> Letter:
    """Make the letter. Raises NotNow when it has no address, when what it says is no longer so, or at night."""
    if case.journey.erased:
        raise NotNow("cancelled", "candidate erased")
    own = COMPOSERS[case.message.kind](case)
    if (case.message.campaign, case.message.kind) in case.around.off:
        raise NotNow("cancelled", "HR has switched off this kind of message for the campaign")
    to, to_name = _address(case)
    if case.message.kind in WAITS_FOR_MORNING and is_quiet(case.now, case.zone):
        raise NotNow("requested", "waits for the morning", until=next_morning(case.now, case.zone))
    campaign = {
        "title": case.campaign.get("title") or case.message.campaign,
        "organizer": case.campaign.get("organizer") or case.sender.name,
    }
    with_it = enclosed(case)
    values = {"name": to_name, "campaign": campaign, **own, **with_it.values}
    unsubscribe = None
    if case.message.kind in MARKETING:
        values["unsubscribe"] = unsubscribe = case.links.url("unsubscribe", case.message.id)
    return Letter(to, to_name, case.locale, values, with_it.attachments, unsubscribe, _own(case))


def _own(case: Case) -> Parts | None:
    version = case.around.own.get((case.message.campaign, case.message.kind, case.locale))
    return version.parts if version else None


def _address(case: Case) -> tuple[str, str]:
    if AUDIENCES[case.message.kind] == "hr":
        return case.sender.hr_email or "hr@localhost", str(case.campaign.get("organizer") or case.sender.name)
    email, name = case.journey.attribute("email"), case.journey.attribute("name")
    if not email or not name:
        raise NotNow("held", NO_ADDRESS)
    return str(email), str(name)


COMPOSERS: Final[dict[str, Callable[[Case], Values]]] = {
    SIGNUP_CONFIRMATION: letters.signup,
    WAITLISTED: waiting.waitlisted,
    MOVED_UP: waiting.moved_up,
    FAIR_REMINDER: letters.fair_news,
    FAIR_RESCHEDULED: letters.fair_news,
    FAIR_CANCELLED: letters.fair_news,
    THANKS: letters.thanks,
    INTERVIEW_RESULT: letters.interview,
    OFFER: letters.offer,
    OFFER_EXPIRING: letters.offer,
    OFFER_RESCINDED: letters.offer_rescinded,
    WELCOME: letters.welcome,
    BENEFIT_AVAILABLE: letters.benefit_available,
    BENEFIT_VERIFIED: letters.benefit,
    BENEFIT_PAID: letters.benefit,
    MILESTONE: hr_letters.target,
    TARGET_REACHED: hr_letters.target,
    TARGET_AT_RISK: hr_letters.risk,
    DAILY_DIGEST: hr_letters.digest,
    OFFER_ANSWERED: hr_letters.offer_answered,
    OFFER_BOUNCED: offer_trouble.offer_bounced,
    CHANNEL_REFUSED: channel_alarm.letter,
    LOG_GAP: gaps.letter,
}
