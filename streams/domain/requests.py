"""Which messages a change asks for, each with the key of its reason: the same reason never asks twice."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from schemas.facts import Fact
from schemas.messages import (
    FACT_KINDS,
    MILESTONE,
    OFFER,
    SIGNUP_CONFIRMATION,
    TARGET_REACHED,
    WELCOME,
    MessageRequest,
)
from streams.domain.campaign import Target

PERCENTS = (25, 50, 75, 90, 100)


def candidate_requests(fact: Fact) -> Iterator[MessageRequest]:
    """The messages to its candidate that a fact asks for. Whether each still makes sense is asked when it is sent:
    what is requested must depend on the facts alone, not on which of them came in one batch."""
    for kind in FACT_KINDS.get(fact.type, ()):
        key = dedupe_key(kind, fact.campaign, fact.candidate, [fact.data.get(name) for name in REASONS[kind]])
        yield MessageRequest(kind, key, fact.campaign, fact.candidate, fact.data, fact.source, fact.id)


def crossed(before: Decimal, after: Decimal, goal: Decimal) -> list[int]:
    """The milestones (percent of the goal) that lie above `before` and at or below `after`."""
    return [percent for percent in PERCENTS if before * 100 < goal * percent <= after * 100]


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
    reason = [target.target, str(target.goal.normalize()), percent]
    return MessageRequest(kind, dedupe_key(kind, target.campaign, None, reason), target.campaign, None, params)


def dedupe_key(kind: str, campaign: str, candidate: str | None, reason: list[Any]) -> str:
    """A key for one reason; a digest, since ids may be long."""
    whole = json.dumps([campaign, candidate, *reason], ensure_ascii=False)
    return f"{kind}:{hashlib.sha256(whole.encode()).hexdigest()[:40]}"


def plain_number(value: Decimal) -> int | float:
    """A number as JSON writes it: whole where it is whole."""
    return int(value) if value == int(value) else float(value)


# Message kind → the keys of the fact's data that make its reason one of its own: the same signup posted twice
# is one reason, an offer on changed terms is another.
REASONS: dict[str, tuple[str, ...]] = {
    SIGNUP_CONFIRMATION: ("fair",),
    OFFER: ("offer", "employer", "position", "city", "expires_at"),
    WELCOME: ("employer", "started_on"),
}
