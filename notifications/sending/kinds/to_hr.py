"""What mails to HR say of targets, of the day, and of answers to offers."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from notifications.sending import dates
from notifications.sending.situation import NotNow, Situation, Values
from notifications.sending.words import words

MOST_SHOWN: Final = 30  # of what one mail tells together


def risk(situation: Situation) -> Values:
    params, number = situation.message.params, dates.number
    values = target(situation)
    values["target"] |= {"expected": number(params["expected"], situation.locale), "days_left": params["days_left"]}
    return values


def digest(situation: Situation) -> Values:
    params, locale = situation.message.params, situation.locale
    targets = [
        {
            **row,
            "progress": dates.number(row["progress"], locale),
            "goal": dates.number(row["goal"], locale),
            "gained": _signed(dates.number(row["gained"], locale)) if row["gained"] else None,
        }
        for row in params["targets"]
    ]
    fairs = [{**row, "when": dates.moment(row["starts_at"], situation.zone, locale)} for row in params["fairs"]]
    return {
        "day": dates.day(params["day"], locale),
        "targets": targets,
        "fairs": fairs,
        "trouble": [(words(locale, f"trouble.{status}"), count) for status, count in sorted(params["trouble"].items())],
        "link": f"{situation.sender.base_url}/campaigns/{quote(situation.message.campaign, safe='')}",
    }


def _signed(number: str) -> str:
    return number if number.startswith("-") else f"+{number}"


def target(situation: Situation) -> Values:
    params = situation.message.params
    return {
        "target": {
            "title": params["title"],
            "percent": params["percent"],
            "progress": dates.number(params["progress"], situation.locale),
            "goal": dates.number(params["goal"], situation.locale),
            "due_on": dates.day(params["due_on"], situation.locale),
        },
        "link": f"{situation.sender.base_url}/campaigns/{quote(situation.message.campaign, safe='')}",
    }


def require_answer(situation: Situation) -> None:
    """Raises NotNow when the offer is no longer answered, or has other terms than anybody knows."""
    offer = situation.journey.offers.get(situation.message.params["offer"])
    if offer is None or offer.status.value not in ANSWERS:
        raise NotNow("cancelled", "the answer no longer stands")


def offer_answered(situation: Situation) -> Values:
    """All answers that came together: how many of each, and the first of them one by one."""
    ordered = sorted(situation.together, key=_has_the_last_word)
    latest = {(each.message.candidate, each.message.params["offer"]): each for each in ordered}
    said = [_answer(each) for each in latest.values()]
    count = {answer: sum(each["answer"] == answer for each in said) for answer in ANSWERS}
    return {
        "answers": [(each["who"], each["said"]) for each in said[:MOST_SHOWN]],
        "accepted": count["accepted"],
        "declined": count["declined"],
        "more": len(said) - len(said[:MOST_SHOWN]),
        "link": f"{situation.sender.base_url}/campaigns/{quote(situation.message.campaign, safe='')}",
    }


def _has_the_last_word(situation: Situation) -> bool:
    _, source, fact = situation.journey.offers[situation.message.params["offer"]].status.at
    return (situation.message.source, situation.message.fact) == (source, fact)


def _answer(situation: Situation) -> Values:
    offer = situation.journey.offers[situation.message.params["offer"]]
    name, locale = situation.journey.attribute("name"), situation.campaign_locale
    terms = offer.terms
    about = offer_id(situation)
    if terms:
        about = words(locale, "answer.offer", position=terms.position, employer=situation.called(terms.employer))
    reason = situation.message.params.get("reason")
    answer = str(offer.status.value)
    said = words(locale, f"answer.{answer}", offer=about)
    if reason:
        said = words(locale, "answer.because", answer=said, reason=reason)
    return {"who": str(name or situation.message.candidate), "answer": answer, "said": said}


def offer_id(situation: Situation) -> str:
    return str(situation.message.params["offer"])


ANSWERS: Final = ("accepted", "declined")
