"""HR's alerts: at most one mail an hour of the kinds that are grouped, and no more than a cap of the others. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

from notifications import hr_letters, offer_trouble
from notifications.case import Case, NotNow, ToldWith
from schemas.messages import AUDIENCES, GROUPED, OFFER_ANSWERED, OFFER_BOUNCED, TEMPLATE_TEST

HOUR: Final = timedelta(hours=1)
CAP: Final = 60  # mails an hour to the HR of one campaign, those of grouped kinds left out


def arranged(cases: Sequence[Case]) -> list[Case | NotNow | ToldWith]:
    """Each case as it is to be written: by itself, with others, in another's mail, or not now."""
    found: list[Case | NotNow | ToldWith] = []
    groups: dict[tuple[str, str], list[int]] = {}
    told: dict[str, int] = {}
    for index, case in enumerate(cases):
        found.append(_capped(case, told) if AUDIENCES[case.message.kind] == "hr" else case)
        if case.message.kind in GROUPED:
            groups.setdefault((case.message.campaign, case.message.kind), []).append(index)
    for members in groups.values():
        _gather(found, members)
    return found


def _gather(found: list[Case | NotNow | ToldWith], members: Sequence[int]) -> None:
    """The first of those that still have something to tell tells of all."""
    standing: list[tuple[int, Case]] = []
    for index in members:
        case = found[index]
        if isinstance(case, Case):
            checked = _checked(case)
            found[index] = checked
            standing += [(index, case)] if checked is case else []
    if not standing:
        return
    first, leader = standing[0]
    for index, _ in standing[1:]:
        found[index] = ToldWith(leader.message.id)
    found[first] = replace(leader, together=tuple(case for _, case in standing))


def _checked(case: Case) -> Case | NotNow:
    recent = case.around.to_hr.get((case.message.campaign, case.message.kind))
    try:
        REQUIRED[case.message.kind](case)
    except NotNow as why:
        return why
    if recent is not None and case.now < recent.last + HOUR:
        return NotNow("requested", "one mail an hour tells of these", until=recent.last + HOUR)
    return case


def _capped(case: Case, told: dict[str, int]) -> Case | NotNow:
    campaign = case.message.campaign
    if case.message.kind in GROUPED or case.message.kind == TEMPLATE_TEST:
        return case
    recent = [sent for (name, kind), sent in case.around.to_hr.items() if name == campaign and kind not in GROUPED]
    told[campaign] = told.get(campaign, sum(sent.count for sent in recent)) + 1
    if told[campaign] <= CAP:
        return case
    first = min((sent.first for sent in recent), default=case.now)
    return NotNow("requested", f"HR had {CAP} mails within the hour", until=max(first, case.now - HOUR) + HOUR)


# Grouped kind → raises NotNow where a message has nothing to tell any more.
REQUIRED: Final[dict[str, Callable[[Case], None]]] = {
    OFFER_ANSWERED: hr_letters.require_answer,
    OFFER_BOUNCED: offer_trouble.require_trouble,
}
