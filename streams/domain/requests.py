"""Which messages a change asks for, each with the key of its reason: the same reason never asks twice."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from schemas.access import CONSOLE
from schemas.facts import Fact
from schemas.fields import parse_time
from schemas.forms import UNDO_UNTIL
from schemas.kinds import FACT_KINDS, REASONS
from schemas.messages import (
    BENEFIT_AVAILABLE,
    INTERVIEW_RESULT,
    MILESTONE,
    OFFER,
    OFFER_EXPIRED,
    OFFER_EXPIRING,
    TARGET_REACHED,
    MessageRequest,
    dedupe_key,
)
from schemas.sealed import compared
from streams.domain.campaign import Target

EXPIRY_NOTICE = timedelta(hours=48)
SETTLING_IN = timedelta(days=1)


class AskedFor(NamedTuple):
    """How a type of fact asks for one kind of message: whether this fact does at all, before when it is not to go, and
    what makes its reason one of its own: the `names` of its data, or the fact itself where there are none; `further`
    ones came later to the catalogue, and count where some are given: reasons of before keep their keys."""

    kind: str
    condition: Callable[[Fact], bool] | None
    due: Callable[[Fact], datetime | None] | None
    names: tuple[str, ...] | None
    further: tuple[str, ...] | None


def candidate_requests(fact: Fact) -> list[MessageRequest]:
    """The messages that a fact about a candidate asks for. Whether each still makes sense is asked when it is sent:
    what is requested must depend on the facts alone, not on which of them came in one batch."""
    asks = ASKED.get(fact.type)
    if not asks:
        return []
    campaign, candidate, source, id = fact.campaign, fact.candidate, fact.source, fact.id
    undone, found = undo_until(fact), []
    for kind, condition, due_by, names, further in asks:
        if condition is not None and not condition(fact):
            continue
        due = undone if due_by is None else later(due_by(fact), undone)
        key = dedupe_key(kind, campaign, candidate, _reason(fact, names, further))
        found.append(MessageRequest(kind, key, campaign, candidate, None, source, id, due))
    return found


def undo_until(fact: Fact) -> datetime | None:
    """Until when who said this may undo it with one click: its messages wait. For what people say by our forms."""
    if fact.source != CONSOLE:
        return None
    until = fact.event.get(UNDO_UNTIL)
    return parse_time(until) if isinstance(until, str) else None


def later(one: datetime | None, other: datetime | None) -> datetime | None:
    """The later of two moments, each of which there may not be."""
    if one is None or other is None:
        return one or other
    return max(one, other)


def expiry_notice(fact: Fact) -> datetime | None:
    """When to remind of an offer that expires: 48 hours before; None when it was extended later than that."""
    if "expires_at" not in fact.data:
        return None
    due = parse_time(fact.data["expires_at"]) - EXPIRY_NOTICE
    return due if due > fact.time else None


def expiry(fact: Fact) -> datetime | None:
    """When an offer expires; None when it does not, or had when it was extended."""
    if "expires_at" not in fact.data:
        return None
    due = parse_time(fact.data["expires_at"])
    return due if due > fact.time else None


def _reason(fact: Fact, names: tuple[str, ...] | None, further: tuple[str, ...] | None) -> list[Any]:
    if names is None:
        return [fact.source, fact.id]
    reason = [*map(fact.event["data"].get, names)]
    if further is not None and any(told := compared(fact.event, further)):
        reason += told
    return reason


def milestone_request(target: Target, percent: int, progress: Decimal) -> MessageRequest:
    """HR's message about a milestone; at 100 percent, that the target is reached."""
    kind = TARGET_REACHED if percent == 100 else MILESTONE
    params = {
        "target": target.target,
        "title": target.title,
        "measure": target.measure,
        "goal": plain_number(target.goal),
        "progress": plain_number(progress),
        "percent": percent,
        "due_on": target.due_on.isoformat(),
    }
    reason: list[str | int] = [target.target, str(target.goal.normalize()), percent]
    return MessageRequest(kind, dedupe_key(kind, target.campaign, None, reason), target.campaign, None, params)


def plain_number(value: Decimal) -> int | float:
    """A number as JSON writes it: whole where it is whole."""
    return int(value) if value == int(value) else float(value)


FURTHER: dict[str, tuple[str, ...]] = {OFFER: ("salary", "start_on", "place", "contact", "document", "papers")}

# Message kind → whether this fact asks for it at all.
CONDITIONS: dict[str, Callable[[Fact], bool]] = {
    INTERVIEW_RESULT: lambda fact: fact.data.get("outcome") in ("passed", "failed"),
    OFFER_EXPIRING: lambda fact: expiry_notice(fact) is not None,
    OFFER_EXPIRED: lambda fact: expiry(fact) is not None,
}

# Message kind → before when it is not to go, by the fact; a kind that is not here goes at once.
DUE: dict[str, Callable[[Fact], datetime | None]] = {
    OFFER_EXPIRING: expiry_notice,
    OFFER_EXPIRED: expiry,
    BENEFIT_AVAILABLE: lambda fact: fact.time + SETTLING_IN,
}

# Type of fact → what it asks for.
ASKED: dict[str, tuple[AskedFor, ...]] = {
    type: tuple(
        AskedFor(kind, CONDITIONS.get(kind), DUE.get(kind), REASONS.get(kind), FURTHER.get(kind)) for kind in kinds
    )
    for type, kinds in FACT_KINDS.items()
}
