"""What HR is told of an offer whose mail did not arrive, or may not have."""

from __future__ import annotations

from typing import Final

from notifications.sending.situation import NotNow, Situation, Values
from notifications.sending.words import words


def require_trouble(situation: Situation) -> None:
    """Raises NotNow when nothing is known any more of whom the offer was for."""
    if situation.journey.erased:
        raise NotNow("cancelled", "candidate erased")


def offer_bounced(situation: Situation) -> Values:
    """The offer, its candidate as far as known, what happened to the mail and what HR can do; and the other offers
    of which the same can be said, one line each."""
    params, others, name = situation.message.params, situation.together[1:], _name(situation)
    return {
        "offer": {"employer": situation.called(params["employer"]), "position": params["position"]},
        "candidate": {"name": name, "id": None if name else situation.message.candidate},
        "happened": _happened(situation),
        "then": words(situation.campaign_locale, f"offer.then.{_THEN[params['status']]}"),
        "others": [_line(each) for each in others[:MOST_SHOWN]],
        "more": len(others) - len(others[:MOST_SHOWN]),
        "link": f"{situation.sender.base_url}/messages/{params['message']}",
    }


def _line(situation: Situation) -> tuple[str, str]:
    params = situation.message.params
    who = _name(situation) or situation.message.candidate or ""
    about = {"employer": situation.called(params["employer"]), "position": params["position"]}
    return who, words(situation.campaign_locale, "offer.trouble", **about, happened=_happened(situation))


def _happened(situation: Situation) -> str:
    return words(situation.campaign_locale, f"offer.happened.{situation.message.params['status']}")


def _name(situation: Situation) -> str | None:
    name = situation.journey.attribute("name")
    return str(name) if name else None


MOST_SHOWN: Final = 30
# What HR can do, by what happened: the names of texts.
_THEN: Final = {
    "bounced": "call",
    "dropped": "call",
    "complained": "call",
    "suppressed": "lift",
    "failed": "mend",
    "unknown": "look",
}
