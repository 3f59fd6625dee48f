"""What a message is made of, and whether it still makes sense: pure, from the message and what stands now."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote
from zoneinfo import ZoneInfo

from notifications import dates
from schemas.errors import YinfengError
from schemas.journey import Journey
from schemas.messages import AUDIENCES, MILESTONE, OFFER, SIGNUP_CONFIRMATION, TARGET_REACHED, WELCOME, Status
from storage.outgoing import Claimed, Surroundings

DEFAULT_ZONE: Final = "Asia/Shanghai"
DEFAULT_LOCALE: Final = "zh-CN"
NO_ADDRESS: Final = "no address"  # `storage.messages.release` lets these go once there is one
Values = dict[str, Any]


class NotNow(YinfengError):
    """The message is not to be sent: `status` says whether it waits or never goes.

    `seen` is the journey's key and version, where one that changes would let the message go.
    """

    seen: tuple[str, str, int] | None = None

    def __init__(self, status: Status, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


@dataclass(frozen=True, slots=True)
class Sender:
    """Who writes, and where HR reads: `hr_email` may be None when mail stays in the local mailbox."""

    name: str
    base_url: str
    hr_email: str | None


@dataclass(frozen=True, slots=True)
class Letter:
    """A message ready to be rendered: to whom, in which language, with which values."""

    to: str
    to_name: str
    locale: str
    values: Values


@dataclass(frozen=True, slots=True)
class _Case:
    message: Claimed
    journey: Journey
    around: Surroundings
    sender: Sender

    @property
    def campaign(self) -> dict[str, Any]:
        return self.around.campaigns.get(self.message.campaign, {})

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.campaign.get("timezone") or DEFAULT_ZONE)

    @property
    def locale(self) -> str:
        own = self.journey.attribute("locale") if self.message.candidate else None
        return str(own or self.campaign.get("locale") or DEFAULT_LOCALE)


def compose(message: Claimed, journey: Journey, around: Surroundings, sender: Sender) -> Letter:
    """Make the letter. Raises NotNow when it has no address, or what it says is no longer so."""
    case = _Case(message, journey, around, sender)
    if journey.erased:
        raise NotNow("cancelled", "candidate erased")
    own = COMPOSERS[message.kind](case)
    to, to_name = _address(case)
    campaign = {
        "title": case.campaign.get("title") or message.campaign,
        "organizer": case.campaign.get("organizer") or sender.name,
    }
    values = {"name": to_name, "campaign": campaign, **own}
    return Letter(to, to_name, case.locale, values)


def _address(case: _Case) -> tuple[str, str]:
    if AUDIENCES[case.message.kind] == "hr":
        return case.sender.hr_email or "hr@localhost", str(case.campaign.get("organizer") or case.sender.name)
    email, name = case.journey.attribute("email"), case.journey.attribute("name")
    if not email or not name:
        raise NotNow("held", NO_ADDRESS)
    return str(email), str(name)


def _signup(case: _Case) -> Values:
    if case.journey.first_signup is None:
        raise NotNow("cancelled", "the signup was retracted")
    if case.journey.withdrawn:
        raise NotNow("cancelled", "the candidate withdrew")
    fair = case.message.params.get("fair")
    row = case.around.fairs.get((case.message.campaign, fair)) if fair else None
    return {"fair": _fair(row, case) if row else None}


def _fair(row: dict[str, Any], case: _Case) -> Values:
    return {
        "title": row["title"],
        "when": dates.span(row["starts_at"], row["ends_at"], case.zone, case.locale),
        "place": ", ".join(filter(None, [row["venue"], row["city"]])),
        "mode": _MODES[case.locale][row["mode"]],
        "onsite": row["mode"] != "online",
        "url": row["url"],
        "cancelled": row["cancelled"],
    }


def _offer(case: _Case) -> Values:
    offer = case.journey.offers.get(case.message.params["offer"])
    if offer is None or offer.terms is None:
        raise NotNow("cancelled", "the offer was retracted")
    if offer.status.value != "extended":
        raise NotNow("cancelled", f"the offer is {offer.status.value}")
    params = case.message.params
    said = {name: params.get(name) for name in ("employer", "position", "city", "expires_at")}
    if said != {name: getattr(offer.terms, name) for name in said}:
        raise NotNow("cancelled", "the offer has other terms now")
    expires = params.get("expires_at")
    return {
        "offer": {
            "employer": params["employer"],
            "position": params["position"],
            "city": params.get("city"),
            "expires": dates.moment(expires, case.zone, case.locale) if expires else None,
        }
    }


def _welcome(case: _Case) -> Values:
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


def _target(case: _Case) -> Values:
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


_MODES = {
    "zh-CN": {"onsite": "线下", "online": "线上", "hybrid": "线上线下同步"},
    "en": {"onsite": "on site", "online": "online", "hybrid": "on site and online"},
}

COMPOSERS: dict[str, Callable[[_Case], Values]] = {
    SIGNUP_CONFIRMATION: _signup,
    OFFER: _offer,
    WELCOME: _welcome,
    MILESTONE: _target,
    TARGET_REACHED: _target,
}
