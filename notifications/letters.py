"""What each kind of message says, and what makes it moot. The table is at the foot."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from notifications import dates
from notifications.case import Case, NotNow, Values
from notifications.offer_trouble import offer_bounced
from schemas.messages import (
    BENEFIT_PAID,
    BENEFIT_VERIFIED,
    DAILY_DIGEST,
    FAIR_CANCELLED,
    FAIR_REMINDER,
    FAIR_RESCHEDULED,
    INTERVIEW_RESULT,
    MILESTONE,
    OFFER,
    OFFER_BOUNCED,
    OFFER_EXPIRING,
    OFFER_RESCINDED,
    SIGNUP_CONFIRMATION,
    TARGET_AT_RISK,
    TARGET_REACHED,
    WELCOME,
)

# A fair may be told of a little later than its signups; a confirmation without time and place is worth some seconds.
PATIENCE = 3  # attempts
PAUSE = timedelta(seconds=5)


def _signup(case: Case) -> Values:
    _require_part(case)
    row = case.fair_row()
    if row is None and case.message.params.get("fair") and case.message.attempts <= PATIENCE:
        raise NotNow("requested", "the fair is not known yet", until=case.now + PAUSE)
    return {"fair": _fair(row, case) if row else None}


def _fair_news(case: Case) -> Values:
    """A fair that moved, was called off, or is near: never told once it has begun."""
    _require_part(case)
    row = case.fair_row()
    if row is None:
        raise NotNow("cancelled", "the fair is no longer known")
    if row["cancelled"] != (case.message.kind == FAIR_CANCELLED):
        raise NotNow("cancelled", "the fair is cancelled" if row["cancelled"] else "the fair takes place after all")
    if case.now >= row["starts_at"]:
        raise NotNow("cancelled", "the fair has begun")
    before = case.message.params.get("before")
    return {
        "fair": _fair(row, case),
        "before": dates.moment(before["starts_at"], case.zone, case.locale) if before else None,
        "reason": case.message.params.get("reason"),
    }


def _require_part(case: Case) -> None:
    fair = case.message.params.get("fair")
    if case.journey.first_signup is None or (fair and fair not in case.journey.fairs):
        raise NotNow("cancelled", "the signup was retracted")
    if case.journey.withdrawn:
        raise NotNow("cancelled", "the candidate withdrew")


def _fair(row: dict[str, Any], case: Case) -> Values:
    return {
        "title": row["title"],
        "when": _when(row, case),
        "place": _PLACES[case.locale](row["venue"], row["city"]),
        "mode": _MODES[case.locale][row["mode"]],
        "onsite": row["mode"] != "online",
        "url": row["url"],
        "cancelled": row["cancelled"],
    }


def _when(row: dict[str, Any], case: Case) -> str:
    """With the time zone's name where people may take part from another."""
    span = dates.span(row["starts_at"], row["ends_at"], case.zone, case.locale)
    if row["mode"] == "onsite":
        return span
    return _OF_ZONE[case.locale].format(span, dates.zone_name(row["starts_at"], case.zone, case.locale))


def _interview(case: Case) -> Values:
    params = case.message.params
    held = case.journey.interviews.get(params["employer"])
    if held is None or held.outcome is None or held.outcome.value != params["outcome"]:
        raise NotNow("cancelled", "the result has changed since")
    if case.journey.withdrawn:
        raise NotNow("cancelled", "the candidate withdrew")
    said = {"employer": params["employer"], "position": params.get("position")}
    return {"interview": {**said, "passed": params["outcome"] == "passed"}}


def _offer(case: Case) -> Values:
    params = case.message.params
    offer = case.journey.offers.get(params["offer"])
    if offer is None or offer.terms is None:
        raise NotNow("cancelled", "the offer was retracted")
    if offer.status.value != "extended":
        raise NotNow("cancelled", f"the offer is {offer.status.value}")
    said = {name: params.get(name) for name in ("employer", "position", "city", "expires_at")}
    if said != {name: getattr(offer.terms, name) for name in said}:
        raise NotNow("cancelled", "the offer has other terms now")
    return {"offer": _terms(said, case)}


def _offer_expiring(case: Case) -> Values:
    values = _offer(case)
    if case.now >= dates.parse(case.message.params["expires_at"]):
        raise NotNow("cancelled", "the offer has expired")
    return values


def _offer_rescinded(case: Case) -> Values:
    offer = case.journey.offers.get(case.message.params["offer"])
    if offer is None or offer.terms is None:
        raise NotNow("cancelled", "the offer was retracted")
    if offer.status.value != "rescinded":
        raise NotNow("cancelled", f"the offer is {offer.status.value}")
    terms = {name: getattr(offer.terms, name) for name in ("employer", "position", "city", "expires_at")}
    return {"offer": _terms(terms, case), "reason": case.message.params.get("reason")}


def _terms(said: dict[str, Any], case: Case) -> Values:
    expires = said["expires_at"]
    shown = dates.moment(expires, case.zone, case.locale) if expires else None
    return {"employer": said["employer"], "position": said["position"], "city": said["city"], "expires": shown}


def _welcome(case: Case) -> Values:
    params = case.message.params
    hire = case.journey.hires.get(params["employer"])
    if hire is None or hire.status.value != "started":
        raise NotNow("cancelled", "the hire no longer stands")
    return {
        "hire": {
            "employer": params["employer"],
            "position": params.get("position"),
            "started_on": dates.day(params["started_on"], case.locale),
        }
    }


def _benefit(case: Case) -> Values:
    params = case.message.params
    known = case.journey.benefits.get(params["benefit"])
    if known is None or (case.message.kind == BENEFIT_VERIFIED and known.value == "refused"):
        raise NotNow("cancelled", "the benefit was retracted or refused")
    amount = params.get("amount")
    paid = dates.money(amount, params.get("currency", "CNY"), case.locale) if amount is not None else None
    kind = _BENEFITS[case.locale].get(params["kind"], params["kind"].replace("_", " "))
    return {"benefit": {"kind": kind, "amount": paid}}


def _risk(case: Case) -> Values:
    params, number = case.message.params, dates.number
    values = _target(case)
    values["target"] |= {"expected": number(params["expected"], case.locale), "days_left": params["days_left"]}
    return values


def _digest(case: Case) -> Values:
    params, locale = case.message.params, case.locale
    targets = [
        {
            **row,
            "progress": dates.number(row["progress"], locale),
            "goal": dates.number(row["goal"], locale),
            "gained": dates.number(row["gained"], locale) if row["gained"] else None,
        }
        for row in params["targets"]
    ]
    fairs = [{**row, "when": dates.moment(row["starts_at"], case.zone, locale)} for row in params["fairs"]]
    return {
        "day": dates.day(params["day"], locale),
        "targets": targets,
        "fairs": fairs,
        "trouble": [(_TROUBLE[locale][status], count) for status, count in sorted(params["trouble"].items())],
        "link": f"{case.sender.base_url}/campaigns/{quote(case.message.campaign, safe='')}",
    }


def _target(case: Case) -> Values:
    params = case.message.params
    return {
        "target": {
            "title": params["title"],
            "percent": params["percent"],
            "progress": dates.number(params["progress"], case.locale),
            "goal": dates.number(params["goal"], case.locale),
            "due_on": dates.day(params["due_on"], case.locale),
        },
        "link": f"{case.sender.base_url}/campaigns/{quote(case.message.campaign, safe='')}",
    }


_TROUBLE = {
    "zh-CN": {"failed": "发送失败", "unknown": "结果未知", "bounced": "被退回", "held": "暂存"},
    "en": {"failed": "failed", "unknown": "in doubt", "bounced": "bounced", "held": "held"},
}
_MODES = {
    "zh-CN": {"onsite": "线下", "online": "线上", "hybrid": "线上线下同步"},
    "en": {"onsite": "on site", "online": "online", "hybrid": "on site and online"},
}
_OF_ZONE = {"zh-CN": "{}（{}）", "en": "{} ({})"}
_PLACES: dict[str, Callable[[str | None, str | None], str]] = {
    "zh-CN": lambda venue, city: " ".join(filter(None, [city, venue])),
    "en": lambda venue, city: ", ".join(filter(None, [venue, city])),
}
_BENEFITS = {
    "zh-CN": {
        "rent_subsidy": "租房补贴",
        "talent_allowance": "人才津贴",
        "insurance": "社保补贴",
        "settling_in": "安家补助",
    },
    "en": {
        "rent_subsidy": "rent subsidy",
        "talent_allowance": "talent allowance",
        "insurance": "insurance subsidy",
        "settling_in": "settling-in allowance",
    },
}

COMPOSERS: dict[str, Callable[[Case], Values]] = {
    SIGNUP_CONFIRMATION: _signup,
    FAIR_REMINDER: _fair_news,
    FAIR_RESCHEDULED: _fair_news,
    FAIR_CANCELLED: _fair_news,
    INTERVIEW_RESULT: _interview,
    OFFER: _offer,
    OFFER_EXPIRING: _offer_expiring,
    OFFER_RESCINDED: _offer_rescinded,
    WELCOME: _welcome,
    BENEFIT_VERIFIED: _benefit,
    BENEFIT_PAID: _benefit,
    MILESTONE: _target,
    TARGET_REACHED: _target,
    TARGET_AT_RISK: _risk,
    DAILY_DIGEST: _digest,
    OFFER_BOUNCED: offer_bounced,
}
