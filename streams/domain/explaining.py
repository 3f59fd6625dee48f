"""By which facts a target counts somebody: the same rules as counting (streams/domain/measures), told with their
evidence."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from schemas.counted import Counted, Definition, Retracted
from schemas.facts import Fact
from schemas.fields import FUNNEL
from schemas.journey import Journey, Micros
from streams.domain.campaign import OF_FAIRS, Target, fold_campaign, make_target
from streams.domain.fold import fold, stands
from streams.domain.measures import EVIDENCE, contribution, fairs_held, milestones
from streams.domain.merging import groups, merges, united

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def counted(definition: Definition, facts: Sequence[Fact], retracted: Retracted) -> Counted | None:
    """What the person of these facts adds to a target, and which of them carry it; None: nothing."""
    standing = [fact for fact in facts if stands(fact, retracted)]
    journey, target = _whole(standing), make_target(definition["campaign"], definition)
    amount = _amount(journey, target)
    if not amount:
        return None
    carrying = _paying(journey, standing) if target.measure == "paid" else _evidence(journey, standing, target)
    carrying.sort(key=lambda fact: fact.stamp)
    return Counted(carrying[0].time, amount, tuple(carrying))


def added(definition: Definition, journey: Journey) -> Decimal:
    """What a journey adds to a target."""
    return _amount(journey, make_target(definition["campaign"], definition))


def held(
    definition: Definition, facts: Collection[Fact], retracted: Retracted, now: datetime
) -> list[tuple[str, Counted]]:
    """The fairs that a target counts by `now`: each one's title, when it ended, and the facts that said so."""
    target = make_target(definition["campaign"], definition)
    campaign = fold_campaign(facts, retracted)
    words = sorted((f for f in facts if f.type in OF_FAIRS and stands(f, retracted)), key=lambda f: f.stamp)
    return [
        (fair.title, Counted(fair.ends_at, Decimal(1), tuple(f for f in words if f.data["fair"] == fair.fair)[-1:]))
        for fair in sorted(campaign.fairs.values(), key=lambda fair: (fair.ends_at, fair.fair))
        if fairs_held([fair], target, now, UTC)
    ]


def _amount(journey: Journey, target: Target) -> Decimal:
    return sum(contribution(journey, milestones(journey), target, UTC).values(), Decimal(0))


def persons(facts: Collection[Fact], retracted: Retracted) -> dict[str, tuple[str, ...]]:
    """Whoever is one person among the candidates of these facts: under whose id, and all ids of theirs."""
    words = merges(fact for fact in facts if stands(fact, retracted))
    known = groups({fact.candidate for fact in facts if fact.candidate is not None}, words.values())
    return {group.head: group.members for group in known.values()}


def _whole(facts: Collection[Fact]) -> Journey:
    """The journey of one person, under however many ids."""
    ids = {fact.candidate for fact in facts}
    if len(ids) <= 1:
        return fold(facts)
    return united([fold(fact for fact in facts if fact.candidate == each) for each in sorted(map(str, ids))])


def _evidence(journey: Journey, facts: Sequence[Fact], target: Target) -> list[Fact]:
    """The facts of the earliest moment that carries the milestone, or a narrower one that implies it."""
    narrower = FUNNEL[FUNNEL.index(target.measure) :]
    begins = [EVIDENCE[measure](journey, target.employers) for measure in narrower if _may(journey, measure)]
    earliest = min(at for at in begins if at is not None)
    types = {type for measure in narrower for type in CARRYING[measure]}
    return [f for f in facts if f.type in types and _micros(f) == earliest and _concerns(f, target)]


def _concerns(fact: Fact, target: Target) -> bool:
    """An answer to an offer names no employer: the offer does."""
    employer = fact.data.get("employer")
    return target.employers is None or employer is None or employer in target.employers


def _may(journey: Journey, measure: str) -> bool:
    return measure == "hired" or not journey.withdrawn


def _paying(journey: Journey, facts: Sequence[Fact]) -> list[Fact]:
    return [f for f in facts if f.type == "benefit.paid" and f"{f.source} {f.id}" in journey.payments]


def _micros(fact: Fact) -> Micros:
    return (fact.time - _EPOCH) // timedelta(microseconds=1)


# Which facts may carry each milestone by themselves.
CARRYING: Final = {
    "hired": ("hire.started",),
    "accepted": ("offer.accepted",),
    "offered": ("offer.extended", "offer.accepted", "offer.declined"),
    "interviewed": ("candidate.interviewed",),
    "attended": ("candidate.checked_in",),
    "signed_up": ("candidate.signed_up",),
}
