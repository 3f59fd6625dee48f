"""A message becomes a letter: to whom, in which language, with which values; or it is not to be sent. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from notifications.rules.quiet_hours import is_quiet, next_morning
from notifications.sending.enclosing import enclosed
from notifications.sending.kinds import (
    channel_refused,
    log_gap,
    offer_trouble,
    to_candidates,
    to_employers,
    to_hr,
    waiting_list,
)
from notifications.sending.reaching import reached
from notifications.sending.situation import NotNow, Situation, Values
from schemas.journey import ABROAD, RETENTION
from schemas.kinds import AUDIENCES, BY_NAME, MARKETING
from schemas.messages import (
    ADDRESS_CHECK,
    BENEFIT_AVAILABLE,
    BENEFIT_PAID,
    BENEFIT_VERIFIED,
    CHANNEL_REFUSED,
    DAILY_DIGEST,
    FAIR_CANCELLED,
    FAIR_REMINDER,
    FAIR_RESCHEDULED,
    INTERVIEW_RESULT,
    KEEP_DATA,
    LOG_GAP,
    MILESTONE,
    MOVED_BACK,
    MOVED_UP,
    OFFER,
    OFFER_ACCEPTED,
    OFFER_ANSWERED,
    OFFER_BOUNCED,
    OFFER_DECLINED,
    OFFER_EXPIRED,
    OFFER_EXPIRING,
    OFFER_RESCINDED,
    OWN_PAGE,
    SIGNUP_CHECK,
    SIGNUP_CONFIRMATION,
    TARGET_AT_RISK,
    TARGET_REACHED,
    THANKS,
    WAITLISTED,
    WELCOME,
    Attachment,
    Parts,
)
from storage.messages.asking import NO_CONSENT

NO_ADDRESS: Final = "no address"  # `storage.messages.release` lets these go once there is one


class Letter(msgspec.Struct, frozen=True, gc=False):
    """A message ready to be rendered. `from_name`: whom it is from, as its reader knows them; `reply_to`: where answers
    to it go, an address that somebody reads. `unsubscribe`: where its reader ends mails like it, of kinds that one may;
    `own`: the campaign's template for it, if it has one. `template`: another one than the kind's; of a test
    that of the kind that is tried, and `before_subject` says so."""

    to: str
    to_name: str
    locale: str
    values: Values
    attachments: tuple[Attachment, ...] = ()
    unsubscribe: str | None = None
    own: Parts | None = None
    template: str | None = None
    before_subject: str = ""
    from_name: str = ""
    reply_to: str | None = None


def compose(situation: Situation) -> Letter:
    """Make the letter. Raises NotNow when it has no address, when what it says is no longer so, or at night."""
    if situation.journey.erased:
        raise NotNow("cancelled", "candidate erased")
    require_shown(situation)
    own = COMPOSERS[situation.message.kind](situation)
    # That mail is refused concerns all campaigns: one can't switch it off for the others.
    switched_off = (situation.message.campaign, situation.message.kind) in situation.background.off
    if switched_off and situation.message.kind != CHANNEL_REFUSED:
        raise NotNow("cancelled", "HR has switched off this kind of message for the campaign")
    to, to_name = _address(situation)
    _require_consent(situation)
    if BY_NAME[situation.message.kind].morning and is_quiet(situation.now, situation.zone):
        raise NotNow("requested", "waits for the morning", until=next_morning(situation.now, situation.zone))
    campaign = {
        "title": situation.campaign.get("title") or situation.message.campaign,
        "organizer": situation.campaign.get("organizer") or situation.sender.name,
    }
    with_it = enclosed(situation)
    by = ("reached", situation.message.campaign, situation.message.kind, situation.employer, situation.locale)
    reply_to, contacts = situation.once(by, lambda: reached(situation))
    values = {"name": to_name, "campaign": campaign, **own, **with_it.values}
    values |= {"contacts": contacts, "answerable": reply_to is not None}
    if AUDIENCES[situation.message.kind] == "candidate" and situation.message.kind != SIGNUP_CHECK:
        values["own_page"] = situation.own_page
    unsubscribe = None
    if situation.message.kind in MARKETING:
        values["unsubscribe"] = unsubscribe = situation.links.url("unsubscribe", situation.message.nonce)
    return Letter(
        to,
        to_name,
        situation.locale,
        values,
        with_it.attachments,
        unsubscribe,
        None if _corrects(situation) else _own(situation),
        ADDRESS_CHECK if _corrects(situation) else None,
        from_name="" if AUDIENCES[situation.message.kind] == "hr" else str(situation.campaign.get("organizer") or ""),
        reply_to=reply_to,
    )


def require_shown(situation: Situation) -> None:
    """Raises NotNow when the message is to or of somebody who is restricted, unless they asked for it themselves: the
    link to their own page, by which alone they have a say; to confirm a signup, which ends that their time is over;
    or to confirm another address of theirs."""
    hidden, kind = situation.journey.hidden, situation.message.kind
    if hidden is None or kind == OWN_PAGE:
        return
    if kind == SIGNUP_CHECK and (hidden.ground == RETENTION or _corrects(situation)):
        return
    raise NotNow("cancelled", "candidate restricted")


def _require_consent(situation: Situation) -> None:
    """Raises NotNow when mail about a candidate would lead abroad before they agreed to that, where the campaign lets
    it wait for them. HR's own mail goes all the same. Of somebody whose address is still to be confirmed nothing is
    known but what they ticked."""
    message = situation.message
    if not situation.asks_abroad or AUDIENCES[message.kind] == "hr":
        return
    if message.kind == SIGNUP_CHECK:
        if not message.params.get("abroad"):
            raise NotNow("cancelled", "no consent to go abroad")
    elif situation.journey.attribute(ABROAD) is not True:
        raise NotNow("held", NO_CONSENT)


def _corrects(situation: Situation) -> bool:
    """Whether it asks who is known already if another address is theirs."""
    return situation.message.kind == SIGNUP_CHECK and bool(situation.message.params.get("corrects"))


def _own(situation: Situation) -> Parts | None:
    version = situation.background.own.get((situation.message.campaign, situation.message.kind, situation.locale))
    return version.parts if version else None


def _address(situation: Situation) -> tuple[str, str]:
    if AUDIENCES[situation.message.kind] == "hr":
        return situation.sender.hr_email or "hr@localhost", str(
            situation.campaign.get("organizer") or situation.sender.name
        )
    if AUDIENCES[situation.message.kind] == "employer":
        return to_employers.address(situation)
    if situation.message.kind == SIGNUP_CHECK:  # nobody knows as yet that the address is theirs
        if situation.message.params["to"] is None:
            raise NotNow("cancelled", "what was typed is kept no more")
        return situation.message.params["to"], situation.message.params["name"]
    email, name = situation.journey.attribute("email"), situation.journey.attribute("name")
    if not email or not name:
        raise NotNow("held", NO_ADDRESS)
    return str(email), str(name)


COMPOSERS: Final[dict[str, Callable[[Situation], Values]]] = {
    SIGNUP_CONFIRMATION: to_candidates.signup,
    WAITLISTED: waiting_list.waitlisted,
    MOVED_UP: waiting_list.moved_up,
    MOVED_BACK: waiting_list.moved_back,
    FAIR_REMINDER: to_candidates.fair_news,
    FAIR_RESCHEDULED: to_candidates.fair_news,
    FAIR_CANCELLED: to_candidates.fair_news,
    THANKS: to_candidates.thanks,
    INTERVIEW_RESULT: to_candidates.interview,
    OFFER: to_candidates.offer,
    OFFER_EXPIRING: to_candidates.offer,
    OFFER_RESCINDED: to_candidates.offer_rescinded,
    WELCOME: to_candidates.welcome,
    BENEFIT_AVAILABLE: to_candidates.benefit_available,
    BENEFIT_VERIFIED: to_candidates.benefit,
    BENEFIT_PAID: to_candidates.benefit,
    OFFER_ACCEPTED: to_employers.answered,
    OFFER_DECLINED: to_employers.answered,
    OFFER_EXPIRED: to_employers.expired,
    OWN_PAGE: to_candidates.own_page,
    SIGNUP_CHECK: to_candidates.signup_check,
    KEEP_DATA: to_candidates.keep_data,
    MILESTONE: to_hr.target,
    TARGET_REACHED: to_hr.target,
    TARGET_AT_RISK: to_hr.risk,
    DAILY_DIGEST: to_hr.digest,
    OFFER_ANSWERED: to_hr.offer_answered,
    OFFER_BOUNCED: offer_trouble.offer_bounced,
    CHANNEL_REFUSED: channel_refused.letter,
    LOG_GAP: log_gap.letter,
}
