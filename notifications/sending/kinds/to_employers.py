"""What an employer is told of its own offers, at the address that it has given; and when there is nothing to tell."""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from urllib.parse import quote

from notifications.sending import dates
from notifications.sending.situation import NotNow, Situation, Values
from schemas.journey import Terms

EXPIRED_WITHIN: Final = timedelta(days=7)


def answered(situation: Situation) -> Values:
    """That its offer was accepted, or declined, by whom, and why if they said so."""
    terms = _terms(situation)
    _require_status(situation, situation.message.kind.removeprefix("offer_"))
    return {**_said(situation, terms), "reason": situation.message.params.get("reason")}


def expired(situation: Situation) -> Values:
    """That nobody answered its offer in time; soon after, or not at all."""
    terms, params = _terms(situation), situation.message.params
    _require_status(situation, "extended")
    if situation.journey.withdrawn:
        raise NotNow("cancelled", "the candidate withdrew")
    hire = situation.journey.hires.get(terms.employer)
    if hire is not None and hire.status.value == "started":
        raise NotNow("cancelled", "the candidate has started there")
    if any(params.get(name) != getattr(terms, name) for name in ("employer", "position", "expires_at")):
        raise NotNow("cancelled", "the offer has other terms now")
    due = dates.parse(params["expires_at"])
    if situation.now < due:
        raise NotNow("requested", "the offer has not expired yet", until=due)
    if situation.now > due + EXPIRED_WITHIN:
        raise NotNow("cancelled", "the offer expired long ago")
    return _said(situation, terms)


def address(situation: Situation) -> tuple[str, str]:
    """The employer's address and name. Raises NotNow where it has given none, and where it does not see the candidate:
    a mail tells nothing that pages would not."""
    employer = situation.employer or ""
    row = situation.employer_row(employer)
    if not row or not row.get("reply_to"):
        raise NotNow("cancelled", "the employer has given no address")
    if (situation.message.campaign, employer, situation.message.candidate) not in situation.background.seen:
        raise NotNow("cancelled", "the employer does not see this candidate")
    return str(row["reply_to"]), situation.called(employer)


def _terms(situation: Situation) -> Terms:
    offer = situation.journey.offers.get(situation.message.params["offer"])
    if offer is None or offer.terms is None:
        raise NotNow("cancelled", "the offer was retracted")
    return offer.terms


def _require_status(situation: Situation, wanted: str) -> None:
    status = situation.journey.offers[situation.message.params["offer"]].status.value
    if status != wanted:
        raise NotNow("cancelled", f"the offer is {status}")


def _said(situation: Situation, terms: Terms) -> Values:
    candidate, campaign = situation.message.candidate or "", situation.message.campaign
    expires = dates.moment(terms.expires_at, situation.zone, situation.locale) if terms.expires_at else None
    return {
        "candidate": {"name": str(situation.journey.attribute("name") or candidate)},
        "offer": {
            "employer": situation.called(terms.employer),
            "position": terms.position,
            "city": terms.city,
            "expires": expires,
        },
        "link": f"{situation.sender.base_url}/candidates/{quote(campaign, safe='')}/{quote(candidate, safe='')}",
    }
