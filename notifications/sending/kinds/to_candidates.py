"""What mails of fairs, offers, hires and benefits say, and what makes them moot."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from notifications.rules.participation import takes_part
from notifications.rules.quiet_hours import is_quiet, next_morning
from notifications.sending import dates
from notifications.sending.fair_words import changes, described
from notifications.sending.situation import NotNow, Situation, Values
from notifications.sending.words import words
from schemas.messages import (
    BENEFIT_VERIFIED,
    FAIR_CANCELLED,
    FAIR_REMINDER,
    OFFER_EXPIRING,
    WAITLISTED,
    MessageRequest,
    dedupe_key,
)

# A fair may be told of a little later than its signups; a confirmation without time and place is worth some seconds.
PATIENCE = timedelta(seconds=15)
PAUSE = timedelta(seconds=5)
TERMS = ("employer", "position", "city", "expires_at", "salary", "start_on", "place", "contact", "document", "papers")
THANKS_AFTER = timedelta(hours=1)
THANKS_WITHIN = timedelta(days=7)


def signup(situation: Situation) -> Values:
    require_part(situation)
    row = situation.fair_row()
    if row is None and situation.message.params.get("fair") and _is_fresh(situation):
        raise NotNow("requested", "the fair is not known yet", until=situation.now + PAUSE)
    if row is not None and situation.now >= row["ends_at"]:
        raise NotNow("cancelled", "the fair is over")
    if situation.place == "waiting":
        raise instead(situation, WAITLISTED, "the fair is full; told of the waiting list instead")
    require_news(situation)
    return {"fair": fair_of(situation)}


def fair_of(situation: Situation) -> Values | None:
    """What is said of the fair that the message is about, as far as it is known."""
    row = situation.fair_row()
    if row is None:
        return None
    key = ("fair", row["campaign"], row["fair"], situation.locale)
    return situation.once(key, lambda: described(row, situation.zone, situation.locale))


def _is_fresh(situation: Situation) -> bool:
    asked = situation.message.requested_at
    return asked is not None and situation.now < asked + PATIENCE


def instead(situation: Situation, kind: str, reason: str) -> NotNow:
    """That this message never goes, and one of this kind does, which tells how the seat stands."""
    why = NotNow("cancelled", reason)
    message, fair = situation.message, situation.message.params["fair"]
    key = dedupe_key(kind, message.campaign, message.candidate, [fair, situation.seat.turn if situation.seat else 0])
    why.instead = MessageRequest(kind, key, message.campaign, message.candidate, {"fair": fair})
    return why


def require_news(situation: Situation) -> None:
    """Raises NotNow when another message has told already how the seat stands."""
    seat = situation.seat
    if seat and seat.told == seat.stands and seat.told_by != situation.message.id:
        raise NotNow("cancelled", "told in another mail already")


def fair_news(situation: Situation) -> Values:
    """A fair that moved, was called off, or is near: never told once it has begun."""
    require_part(situation)
    row = situation.fair_row()
    if row is None:
        raise NotNow("cancelled", "the fair is no longer known")
    if row["cancelled"] != (situation.message.kind == FAIR_CANCELLED):
        raise NotNow("cancelled", "the fair is cancelled" if row["cancelled"] else "the fair takes place after all")
    if situation.now >= row["starts_at"]:
        raise NotNow("cancelled", "the fair has begun")
    if situation.message.kind == FAIR_REMINDER and situation.place == "waiting":
        raise NotNow("cancelled", "the candidate is on the waiting list")
    before = situation.message.params.get("before")
    soon = ("soon", row["campaign"], row["fair"], situation.locale)
    return {
        "fair": fair_of(situation),
        "before": dates.moment(before["starts_at"], situation.zone, situation.locale) if before else None,
        "revived": bool(before and before.get("cancelled")) and not row["cancelled"],
        "changes": changes(before, row, situation.zone, situation.locale) if before else [],
        "soon": situation.once(
            soon, lambda: dates.soon(row["starts_at"], situation.now, situation.zone, situation.locale)
        ),
        "reason": situation.message.params.get("reason"),
    }


def require_part(situation: Situation) -> None:
    """Raises NotNow when the candidate does not, or no longer, take part in the fair that the message is about."""
    fair = situation.message.params.get("fair")
    if situation.journey.first_signup is None or (fair and fair not in situation.journey.fairs):
        raise NotNow("cancelled", "the signup was retracted")
    if situation.journey.withdrawn or (fair and not takes_part(situation.journey, fair)):
        raise NotNow("cancelled", "the candidate withdrew")


def thanks(situation: Situation) -> Values:
    """Some time after the fair, not weeks later; who came and withdrew later is thanked as well."""
    row, fair = situation.fair_row(), situation.message.params["fair"]
    if fair not in situation.journey.checkins:
        raise NotNow("cancelled", "the check-in was retracted")
    if row is None:
        raise NotNow("cancelled", "the fair is not known")
    due = row["ends_at"] + THANKS_AFTER
    if situation.now < due:
        raise NotNow("requested", "waits for the end of the fair", until=due)
    if situation.now > due + THANKS_WITHIN:
        raise NotNow("cancelled", "the fair was long ago")
    return {"fair": fair_of(situation)}


def interview(situation: Situation) -> Values:
    params = situation.message.params
    held = situation.journey.interviews.get(params["employer"])
    if held is None or held.outcome is None or held.outcome.value != params["outcome"]:
        raise NotNow("cancelled", "the result has changed since")
    if situation.journey.withdrawn:
        raise NotNow("cancelled", "the candidate withdrew")
    if params["outcome"] == "failed" and is_quiet(situation.now, situation.zone):
        raise NotNow("requested", "waits for the morning", until=next_morning(situation.now, situation.zone))
    said = {"employer": situation.called(params["employer"]), "position": params.get("position")}
    return {"interview": {**said, "passed": params["outcome"] == "passed"}}


def offer(situation: Situation) -> Values:
    params = situation.message.params
    offer = situation.journey.offers.get(params["offer"])
    if offer is None or offer.terms is None:
        raise NotNow("cancelled", "the offer was retracted")
    if offer.status.value != "extended":
        raise NotNow("cancelled", f"the offer is {offer.status.value}")
    _require_open(situation, params["employer"])
    said = {name: params.get(name) for name in TERMS}
    if said != {name: getattr(offer.terms, name) for name in said}:
        raise NotNow("cancelled", "the offer has other terms now")
    if params.get("expires_at") and situation.now >= dates.parse(params["expires_at"]):
        raise NotNow("cancelled", "the offer has expired")
    return {"offer": _terms(said, situation), "answer": situation.links.url("answer", situation.message.nonce)}


def _require_open(situation: Situation, employer: str) -> None:
    """Raises NotNow when there is nothing to answer any more: the candidate withdrew; nor to remind of one who works
    there by now."""
    if situation.journey.withdrawn:
        raise NotNow("cancelled", "the candidate withdrew")
    hire = situation.journey.hires.get(employer)
    started = hire is not None and hire.status.value == "started"
    if started and situation.message.kind == OFFER_EXPIRING:
        raise NotNow("cancelled", "the candidate has started there")


def offer_rescinded(situation: Situation) -> Values:
    offer = situation.journey.offers.get(situation.message.params["offer"])
    if offer is None or offer.terms is None:
        raise NotNow("cancelled", "the offer was retracted")
    if offer.status.value != "rescinded":
        raise NotNow("cancelled", f"the offer is {offer.status.value}")
    terms = {name: getattr(offer.terms, name) for name in TERMS}
    return {"offer": _terms(terms, situation), "reason": situation.message.params.get("reason")}


def _terms(said: dict[str, Any], situation: Situation) -> Values:
    expires, starts = said["expires_at"], said["start_on"]
    shown = {name: said[name] for name in ("position", "city", "salary", "place", "contact", "papers")}
    return {
        "employer": situation.called(said["employer"]),
        **shown,
        "starts": dates.day(starts, situation.locale) if starts else None,
        "expires": dates.moment(expires, situation.zone, situation.locale) if expires else None,
    }


def welcome(situation: Situation) -> Values:
    params = situation.message.params
    hire = situation.journey.hires.get(params["employer"])
    if hire is None or hire.status.value != "started":
        raise NotNow("cancelled", "the hire no longer stands")
    return {
        "hire": {
            "employer": situation.called(params["employer"]),
            "position": params.get("position"),
            "started_on": dates.day(params["started_on"], situation.locale),
        }
    }


def own_page(situation: Situation) -> Values:
    """A new link, for who has lost theirs: it is in the mail's foot as in every other."""
    return {}


def keep_data(situation: Situation) -> Values:
    """Whether they want to be kept; not of who was heard of meanwhile."""
    params, heard = situation.message.params, situation.journey.last_contact
    if heard is not None and heard > params["heard"]:
        raise NotNow("cancelled", "the candidate was heard of since")
    hidden = params["hidden_on"]
    return {
        "hidden_on": dates.day(hidden, situation.locale) if hidden else None,
        "erased_on": dates.day(params["erased_on"], situation.locale),
        "keep": f"{situation.own_page}/keep",
    }


def signup_check(situation: Situation) -> Values:
    """A link by which an address is confirmed, of somebody who may not be a candidate as yet."""
    row = situation.fair_row()
    if row is not None and (row["cancelled"] or situation.now >= row["ends_at"]):
        raise NotNow("cancelled", "the fair is cancelled" if row["cancelled"] else "the fair is over")
    return {
        "fair": fair_of(situation),
        "confirm": situation.links.url(
            "address" if situation.message.params.get("corrects") else "signup", situation.message.nonce
        ),
    }


def benefit_available(situation: Situation) -> Values:
    """That there is help for those who start; not for those who have applied already."""
    values = welcome(situation)
    if situation.journey.benefits:
        raise NotNow("cancelled", "a benefit was applied for already")
    return {**values, "benefits": [_benefit(each, situation.locale) for each in BENEFITS]}


def benefit(situation: Situation) -> Values:
    params = situation.message.params
    known = situation.journey.benefits.get(params["benefit"])
    wanted = "verified" if situation.message.kind == BENEFIT_VERIFIED else "paid"
    if known is None or known.value != wanted:
        raise NotNow("cancelled", f"the benefit is {known.value if known else 'retracted'}")
    amount = params.get("amount")
    paid = dates.money(amount, params.get("currency", "CNY"), situation.locale) if amount is not None else None
    kind = _benefit(params["kind"], situation.locale)
    return {"benefit": {"kind": kind, "amount": paid}}


def _benefit(kind: str, locale: str) -> str:
    """What a kind of benefit is called; kinds of their own are called as HR wrote them."""
    return words(locale, f"benefit.{kind}") if kind in BENEFITS else kind.replace("_", " ")


BENEFITS = ("rent_subsidy", "talent_allowance", "insurance", "settling_in")
