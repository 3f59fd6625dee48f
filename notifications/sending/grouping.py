"""HR's alerts: at most one mail an hour of the kinds that are grouped, and no more than a cap of the others. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

from notifications.sending.kinds import offer_trouble, to_hr
from notifications.sending.situation import NotNow, Situation, ToldWith
from schemas.kinds import AUDIENCES, GROUPED
from schemas.messages import OFFER_ANSWERED, OFFER_BOUNCED, TEMPLATE_TEST

HOUR: Final = timedelta(hours=1)
CAP: Final = 60  # mails an hour to the HR of one campaign, those of grouped kinds left out


def arranged(situations: Sequence[Situation]) -> list[Situation | NotNow | ToldWith]:
    """Each as it is to be written: by itself, with others, in another's mail, or not now."""
    found: list[Situation | NotNow | ToldWith] = []
    groups: dict[tuple[str, str], list[int]] = {}
    told: dict[str, int] = {}
    for index, situation in enumerate(situations):
        found.append(_standing(situation, told))
        if situation.message.kind in GROUPED:
            groups.setdefault((situation.message.campaign, situation.message.kind), []).append(index)
    for members in groups.values():
        _gather(found, members)
    return found


def _standing(situation: Situation, told: dict[str, int]) -> Situation | NotNow:
    if situation.message.forgotten:
        return NotNow("cancelled", "candidate erased")
    return _capped(situation, told) if AUDIENCES[situation.message.kind] == "hr" else situation


def _gather(found: list[Situation | NotNow | ToldWith], members: Sequence[int]) -> None:
    """The first of those that still have something to tell tells of all."""
    standing: list[tuple[int, Situation]] = []
    for index in members:
        situation = found[index]
        if isinstance(situation, Situation):
            checked = _checked(situation)
            found[index] = checked
            standing += [(index, situation)] if checked is situation else []
    if not standing:
        return
    first, leader = standing[0]
    for index, _ in standing[1:]:
        found[index] = ToldWith(leader.message.id)
    found[first] = replace(leader, together=tuple(situation for _, situation in standing))


def _checked(situation: Situation) -> Situation | NotNow:
    recent = situation.background.to_hr.get((situation.message.campaign, situation.message.kind))
    if situation.journey.hidden is not None:
        return NotNow("cancelled", "candidate restricted")
    try:
        REQUIRED[situation.message.kind](situation)
    except NotNow as why:
        return why
    if recent is not None and situation.now < recent.last + HOUR:
        return NotNow("requested", "one mail an hour tells of these", until=recent.last + HOUR)
    return situation


def _capped(situation: Situation, told: dict[str, int]) -> Situation | NotNow:
    campaign = situation.message.campaign
    if situation.message.kind in GROUPED or situation.message.kind == TEMPLATE_TEST:
        return situation
    recent = [
        sent for (name, kind), sent in situation.background.to_hr.items() if name == campaign and kind not in GROUPED
    ]
    told[campaign] = told.get(campaign, sum(sent.count for sent in recent)) + 1
    if told[campaign] <= CAP:
        return situation
    first = min((sent.first for sent in recent), default=situation.now)
    return NotNow("requested", f"HR had {CAP} mails within the hour", until=max(first, situation.now - HOUR) + HOUR)


# Grouped kind → raises NotNow where a message has nothing to tell any more.
REQUIRED: Final[dict[str, Callable[[Situation], None]]] = {
    OFFER_ANSWERED: to_hr.require_answer,
    OFFER_BOUNCED: offer_trouble.require_trouble,
}
