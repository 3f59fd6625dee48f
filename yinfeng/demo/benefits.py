"""Help after the hire: what the park pays, split so that it sums to the budget to the cent."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from typing import NamedTuple

from yinfeng.demo.events import Event, Posting, post_at_once
from yinfeng.demo.window import waking_hours

_AT_ONCE = 0.4  # of the applications need no papers: paid minutes after they are made
_REFUSED = 0.04
_MISPAID_EVERY = 250
_HUNDRED_YUAN = 10_000  # cents
_SOURCE = "/park/benefits"


class Hired(NamedTuple):
    """Who may apply, and since when."""

    candidate: str
    education: str
    since: datetime


class Claim(NamedTuple):
    """One benefit of one person; `weight` is its part of the budget."""

    candidate: str
    benefit: str
    kind: str
    weight: float
    since: datetime


def benefit_postings(rng: Random, campaign: str, hired: list[Hired], budget: int, until: datetime) -> list[Posting]:
    """The benefits of all who were hired. What is paid sums to `budget` yuan exactly."""
    claims = [claim for person in hired for claim in _claims(rng, person)]
    postings: list[Posting] = []
    for number, (claim, cents) in enumerate(zip(claims, _split(claims, budget * 100), strict=True)):
        postings += _pay(rng, campaign, claim, cents, until, mispaid=number % _MISPAID_EVERY == 9)
        if rng.random() < _REFUSED:
            postings += _refuse(rng, campaign, claim, until)
    return postings


def _claims(rng: Random, person: Hired) -> list[Claim]:
    return [
        Claim(
            person.candidate,
            f"{person.candidate}-benefit-{n}",
            kind,
            mean * rng.uniform(0.8, 1.2),
            person.since,
        )
        for n, (kind, mean) in enumerate(_CLAIMS[person.education], start=1)
    ]


def _split(claims: list[Claim], cents: int) -> list[int]:
    """Parts of `cents` by weight, in hundreds of yuan but for insurance; the first takes what is left."""
    whole = sum(claim.weight for claim in claims)
    parts = []
    for claim in claims:
        part = int(cents * claim.weight / whole)
        parts.append(part if claim.kind == "insurance" else part - part % _HUNDRED_YUAN)
    left = cents - sum(parts)
    for n, claim in enumerate(claims):
        if claim.kind != "insurance" and left >= _HUNDRED_YUAN:
            parts[n] += _HUNDRED_YUAN
            left -= _HUNDRED_YUAN
    parts[0] += left
    return parts


def _pay(rng: Random, campaign: str, claim: Claim, cents: int, until: datetime, *, mispaid: bool) -> list[Posting]:
    data = _data(campaign, claim.candidate, claim.benefit, claim.kind, cents)
    applied, verified, paid = _moments(rng, claim.since, until)
    name = f"{campaign}:{claim.benefit}"
    postings = [
        post_at_once("benefit.applied", _SOURCE, f"{name}:applied", applied, data),
        post_at_once("benefit.verified", _SOURCE, f"{name}:verified", verified, data),
    ]
    if mispaid:
        postings += _pay_wrongly(name, data, paid)
        paid += timedelta(minutes=50)
    return [*postings, post_at_once("benefit.paid", _SOURCE, f"{name}:paid", paid, data)]


def _pay_wrongly(name: str, data: Event, at: datetime) -> list[Posting]:
    wrong = f"{name}:paid:typo"
    retraction = {
        "campaign": data["campaign"],
        "candidate": data["candidate"],
        "source": _SOURCE,
        "id": wrong,
        "reason": "金额多录一个零",
    }
    return [
        post_at_once("benefit.paid", _SOURCE, wrong, at, {**data, "amount": data["amount"] * 10}),
        post_at_once("fact.retracted", _SOURCE, f"{wrong}:retracted", at + timedelta(minutes=45), retraction),
    ]


def _refuse(rng: Random, campaign: str, claim: Claim, until: datetime) -> list[Posting]:
    benefit = f"{claim.benefit}-again"
    data = _data(campaign, claim.candidate, benefit, claim.kind, _HUNDRED_YUAN * rng.randint(5, 80))
    applied, _, refused = _moments(rng, claim.since, until)
    name = f"{campaign}:{benefit}"
    return [
        post_at_once("benefit.applied", _SOURCE, f"{name}:applied", applied, data),
        post_at_once("benefit.refused", _SOURCE, f"{name}:refused", refused, data),
    ]


def _moments(rng: Random, since: datetime, until: datetime) -> tuple[datetime, datetime, datetime]:
    """When it was applied for, looked at and settled."""
    first_day = since + timedelta(days=1)
    applied = first_day + (until - first_day) * rng.uniform(0, 0.7)
    if rng.random() < _AT_ONCE:
        at = waking_hours(applied)
        return at, at + timedelta(minutes=rng.uniform(1, 3)), at + timedelta(minutes=rng.uniform(4, 12))
    wait = min(until - applied, timedelta(days=rng.uniform(6, 30)))
    return waking_hours(applied), waking_hours(applied + wait * 0.6), waking_hours(applied + wait)


def _data(campaign: str, candidate: str, benefit: str, kind: str, cents: int) -> Event:
    amount = cents // 100 if cents % 100 == 0 else cents / 100
    return {
        "campaign": campaign,
        "candidate": candidate,
        "benefit": benefit,
        "kind": kind,
        "amount": amount,
        "currency": "CNY",
    }


# Yuan, about: settling in comes in instalments.
_CLAIMS = {
    "doctor": (
        ("settling_in", 160_000),
        ("settling_in", 120_000),
        ("talent_allowance", 48_000),
        ("rent_subsidy", 24_000),
        ("insurance", 9_600),
    ),
    "master": (
        ("settling_in", 90_000),
        ("talent_allowance", 24_000),
        ("rent_subsidy", 18_000),
        ("insurance", 8_400),
    ),
}
