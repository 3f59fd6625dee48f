"""A sample of every kind of message, for authors to see what theirs would look like, and what it may say.

It goes the way of a real one, from a made-up journey on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from notifications.sending import composing
from notifications.sending.composing import Letter
from notifications.sending.signed_links import Links
from notifications.sending.situation import DEFAULT_ZONE, Situation, Values, Writer
from notifications.sending.words import words
from schemas.journey import Hire, Interview, Journey, Offer, Terms, Word
from schemas.kinds import AUDIENCES, TELLING_OF_SEATS
from schemas.messages import (
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
    SIGNUP_CHECK,
    SIGNUP_CONFIRMATION,
    TARGET_AT_RISK,
    TARGET_REACHED,
    THANKS,
    WAITLISTED,
    WELCOME,
    Parts,
)
from storage.messages.background import Background
from storage.messages.claiming import Claimed
from storage.messages.seat_words import Seat

NOON: Final = 12
_AT: Final = (0, "/sample", "1")
_FAIR: Final = "sample-fair"
_OFFER: Final = "sample-offer"
_EMPLOYER: Final = "sample-employer"
_ADDRESS: Final = "candidate@example.com"
_WHO: Final = "sample-candidate"


def sample(
    kind: str, locale: str, campaign: Mapping[str, Any], *, sender: Writer, links: Links, now: datetime
) -> Letter:
    """A letter of this kind in this language, as `campaign` (its stored row) would send it; `now` has a time zone."""
    said = {"locale": locale} | {name: words(locale, f"sample.{name}") for name in _SAID}
    here = {**campaign, "locale": locale}
    now = now.astimezone(ZoneInfo(here.get("timezone") or DEFAULT_ZONE))  # its days are those of the campaign
    who = None if _is_hr_alone(kind) else _WHO
    message = Claimed(0, kind, str(here["campaign"]), who, _params(kind, said, now), 1)
    background = Background(
        {message.campaign: here},
        {(message.campaign, _FAIR): _fair(message.campaign, kind, said, now)},
        {(message.campaign, _FAIR, _WHO): Seat(TELLING_OF_SEATS.get(kind, "seat"))},
        employers={(message.campaign, _EMPLOYER): _employer(said)},
        seen={(message.campaign, _EMPLOYER, _WHO)},
    )
    situation = Situation(message, _journey(kind, said, now), background, sender, links, now)
    noon = now.replace(hour=NOON)
    if kind == OFFER_EXPIRED:
        noon += timedelta(days=3)
    situation = replace(situation, now=noon)
    return composing.compose(replace(situation, together=(situation,)))


def letter_of_a_test(situation: Situation) -> Letter:
    """The letter of a test: a sample of the kind that is tried, by the template that its author had before him."""
    params = situation.message.params
    campaign = {"campaign": situation.message.campaign, **situation.campaign}
    made = sample(
        params["of"], params["locale"], campaign, sender=situation.sender, links=situation.links, now=situation.now
    )
    parts = Parts(**params["parts"]) if params.get("parts") else None
    return msgspec.structs.replace(
        made,
        to=params["to"],
        to_name=params["to"],
        unsubscribe=None,
        own=parts,
        template=params["of"],
        before_subject=words(params["locale"], "test.before"),
    )


def lacking(kind: str, values: Values) -> list[tuple[str, Values]]:
    """The same values, each time without one of those that a message may lack, and which."""
    return [(path, without) for path in SOMETIMES.get(kind, ()) if (without := _without(path.split("."), values))]


def _without(path: list[str], values: Any) -> Any:
    first, rest = path[0], path[1:]
    if not isinstance(values, Mapping) or values.get(first) is None:
        return None
    changed = _without(rest, values[first]) if rest else None
    return {**values, first: changed} if changed or not rest else None


def _is_hr_alone(kind: str) -> bool:
    return AUDIENCES[kind] == "hr" and kind not in (OFFER_ANSWERED, OFFER_BOUNCED)


def _fair(campaign: str, kind: str, said: Mapping[str, str], now: datetime) -> dict[str, Any]:
    start = _start(kind, now)
    return {
        "campaign": campaign,
        "fair": _FAIR,
        "title": said["fair"],
        "mode": "onsite",
        "starts_at": start,
        "ends_at": start + timedelta(hours=7),
        "venue": said["venue"],
        "city": said["city"],
        "url": "https://fairs.example/spring",
        "cancelled": kind == FAIR_CANCELLED,
        "reason": said["reason"],
        "changes": 0,
    }


def _start(kind: str, now: datetime) -> datetime:
    """When the fair of a sample begins: yesterday for thanks, tomorrow for a reminder."""
    days = {THANKS: -1, FAIR_REMINDER: 1}.get(kind, 3)
    return (now + timedelta(days=days)).replace(hour=9, minute=0, second=0, microsecond=0)


def _employer(said: Mapping[str, str]) -> dict[str, Any]:
    return {
        "employer": _EMPLOYER,
        "name": said["employer"],
        "name_en": None,
        "reply_to": "jobs@employer.example",
        "contact": said["contact"],
    }


def _journey(kind: str, said: Mapping[str, str], now: datetime) -> Journey:
    employer, position = _EMPLOYER, said["position"]
    terms = Terms(_AT, employer, position, expires_at=_expires(now), city=said["city"], **_further(said, now))
    benefits = {"b": Word(_AT, _BENEFITS[kind])} if kind in _BENEFITS else {}
    return Journey(
        attributes={
            "name": Word(_AT, said["name"]),
            "email": Word(_AT, _ADDRESS),
        },
        first_signup=0,
        last_signup=_AT,
        fairs={_FAIR: 0},
        signups={_FAIR: [_AT]},
        checkins={_FAIR: 0},
        interviews={employer: Interview(0, Word(_AT, "passed"))},
        offers={_OFFER: Offer(Word(_AT, _OFFERED.get(kind, "extended")), terms)},
        hires={employer: Hire(Word(_AT, "started"))} if kind in _HIRED else {},
        benefits=benefits,
    )


def _expires(now: datetime) -> str:
    return (now + timedelta(days=2)).replace(minute=0, second=0, microsecond=0).isoformat()


def _further(said: Mapping[str, str], now: datetime) -> dict[str, str]:
    start = (now.date() + timedelta(days=60)).isoformat()
    return {"start_on": start} | {name: said[name] for name in ("salary", "place", "contact", "papers")}


def _params(kind: str, said: Mapping[str, str], now: datetime) -> dict[str, Any]:
    today, job = now.date(), {"employer": _EMPLOYER, "position": said["position"]}
    offer = {**job, "offer": _OFFER, "city": said["city"], "expires_at": _expires(now), **_further(said, now)}
    started = {**job, "started_on": (today - timedelta(days=1)).isoformat()}
    benefit = {"benefit": "b", "kind": "rent_subsidy", "amount": 1200, "currency": "CNY"}
    target = {"title": said["target"], "goal": 2000, "progress": 1000, "percent": 50}
    target |= {"due_on": (today + timedelta(days=38)).isoformat()}
    before = _start("", now) - timedelta(days=1)
    earlier = {"starts_at": before.isoformat(), "ends_at": (before + timedelta(hours=7)).isoformat()}
    known: dict[str, dict[str, Any]] = {
        FAIR_REMINDER: {"fair": _FAIR, "notice": "24h"},
        SIGNUP_CHECK: {"fair": _FAIR, "to": _ADDRESS, "name": said["name"], "locale": said["locale"]},
        KEEP_DATA: {
            "hidden_on": (today + timedelta(days=30)).isoformat(),
            "erased_on": (today + timedelta(days=210)).isoformat(),
            "heard": 0,
        },
        FAIR_RESCHEDULED: {"fair": _FAIR, "before": earlier},
        FAIR_CANCELLED: {"fair": _FAIR, "before": earlier, "reason": said["reason"]},
        INTERVIEW_RESULT: {**job, "outcome": "passed"},
        OFFER: offer,
        OFFER_EXPIRING: offer,
        OFFER_RESCINDED: {"offer": _OFFER, "reason": said["reason"]},
        OFFER_ANSWERED: {"offer": _OFFER},
        OFFER_ACCEPTED: {"offer": _OFFER},
        OFFER_DECLINED: {"offer": _OFFER, "reason": said["declined"]},
        OFFER_EXPIRED: offer,
        OFFER_BOUNCED: {**job, "offer": _OFFER, "message": 1, "status": "bounced"},
        WELCOME: started,
        BENEFIT_AVAILABLE: started,
        BENEFIT_VERIFIED: benefit,
        BENEFIT_PAID: benefit,
        MILESTONE: target,
        TARGET_REACHED: {**target, "progress": 2000, "percent": 100},
        CHANNEL_REFUSED: {"channel": "sendgrid", "reason": "401 Unauthorized; check YINFENG_SENDGRID_API_KEY"},
        LOG_GAP: {"count": 12, "topic": "yinfeng.facts", "partition": 3, "since": 100, "upto": 111},
        TARGET_AT_RISK: {**target, "expected": 1600, "days_left": 38},
        DAILY_DIGEST: {
            "day": today.isoformat(),
            "targets": [{**target, "gained": 12}],
            "fairs": [{"title": said["fair"], "starts_at": now.isoformat()}],
            "trouble": {"unknown": 3},
        },
    }
    return known.get(kind, {"fair": _FAIR})


_BENEFITS: Final = {BENEFIT_VERIFIED: "verified", BENEFIT_PAID: "paid"}
_HIRED: Final = frozenset({WELCOME, BENEFIT_AVAILABLE})
_OFFERED: Final = {
    OFFER_RESCINDED: "rescinded",
    OFFER_ANSWERED: "accepted",
    OFFER_ACCEPTED: "accepted",
    OFFER_DECLINED: "declined",
}
_SAID: Final = (
    "name",
    "fair",
    "venue",
    "city",
    "reason",
    "employer",
    "position",
    "contact",
    "declined",
    "salary",
    "place",
    "papers",
    "target",
)

_FURTHER: Final = ("offer.salary", "offer.starts", "offer.place", "offer.contact", "offer.papers")
# Kind → the values that a message of it may lack (they are None then).
SOMETIMES: Final[dict[str, tuple[str, ...]]] = {
    SIGNUP_CONFIRMATION: ("fair", "fair.url", "ticket", "ticket.image", "calendar"),
    WAITLISTED: ("fair.url",),
    MOVED_BACK: ("fair.url",),
    SIGNUP_CHECK: ("fair", "fair.url"),
    KEEP_DATA: ("hidden_on",),
    MOVED_UP: ("fair.url", "ticket", "ticket.image", "calendar"),
    FAIR_REMINDER: ("fair.url", "ticket", "before", "reason"),
    FAIR_RESCHEDULED: ("fair.url", "ticket", "calendar", "before", "reason"),
    FAIR_CANCELLED: ("fair.url", "calendar", "before", "reason"),
    THANKS: ("fair.url",),
    INTERVIEW_RESULT: ("interview.position",),
    OFFER: ("offer.city", "offer.expires", *_FURTHER),
    OFFER_EXPIRING: ("offer.city", *_FURTHER),
    OFFER_RESCINDED: ("offer.city", "offer.expires", "reason", *_FURTHER),
    OFFER_ACCEPTED: ("offer.city", "offer.expires", "reason"),
    OFFER_DECLINED: ("offer.city", "offer.expires", "reason"),
    OFFER_EXPIRED: ("offer.city",),
    WELCOME: ("hire.position",),
    BENEFIT_AVAILABLE: ("hire.position",),
    BENEFIT_VERIFIED: ("benefit.amount",),
    OFFER_BOUNCED: ("candidate.name",),
}
