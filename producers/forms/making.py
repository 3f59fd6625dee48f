"""What a form says, as facts. Pure: the clock and the form's own token, of which ids are made, are passed in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from producers.forms import campaigns, candidates
from producers.forms.sent import FactSaid, SentForm, Wrong, named
from schemas.access import CONSOLE
from schemas.facts import Fact, validate_event
from schemas.forms import UNDO_APPLIED, UNDO_GRACE, UNDO_SECONDS, UNDO_UNTIL

Make = Callable[[SentForm], list[FactSaid]]
NOON: Final = time(12)


def facts(sent: SentForm) -> list[Fact]:
    """The facts that a form says. Raises Wrong, and InvalidFact for what the catalogue refuses."""
    campaign = sent.about.get("campaign") or named("c", sent.values.get("title", ""), sent.token)
    said = MAKERS[sent.form](sent)
    return [_fact(sent, nth, type, {"campaign": campaign, **data}) for nth, (type, data) in enumerate(said)]


def undoing(done: Sequence[Fact], token: str, now: datetime, reason: str) -> list[Fact]:
    """The facts that take facts back."""
    made = []
    for nth, fact in enumerate(done):
        data = {"campaign": fact.campaign, "source": fact.source, "id": fact.id, "reason": reason}
        if fact.candidate is not None:
            data["candidate"] = fact.candidate
        made.append(_event(f"{token}-undo-{nth}", "fact.retracted", now, data))
    return [validate_event(event) for event in made]


def _fact(sent: SentForm, nth: int, type: str, data: dict[str, Any]) -> Fact:
    event = _event(f"{sent.token}-{nth}", type, _moment(sent, type), data)
    event[UNDO_UNTIL] = _text(sent.now + timedelta(seconds=UNDO_SECONDS + UNDO_GRACE + UNDO_APPLIED))
    return validate_event(event)


def _event(id: str, type: str, moment: datetime, data: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in data.items() if value is not None}
    return {
        "specversion": "1.0",
        "id": id,
        "source": CONSOLE,
        "type": type,
        "time": _text(moment),
        "datacontenttype": "application/json",
        "data": kept,
    }


def _moment(sent: SentForm, type: str) -> datetime:
    """When it happened: now, unless the form asks for the day."""
    day = sent.values.get("day") if sent.form == "interview" else None
    if not isinstance(day, date) or day == sent.now.astimezone(sent.zone).date():
        return sent.now
    if day > sent.now.astimezone(sent.zone).date():
        raise Wrong("day", "form.bad.future")
    return datetime.combine(day, NOON, sent.zone)


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _plain(type: str, *names: str) -> Make:
    return lambda sent: [(type, {**{name: sent.about[name] for name in names}, **sent.values})]


MAKERS: Final[dict[str, Make]] = {
    "campaign": campaigns.campaign,
    "close": _plain("campaign.closed"),
    "target": campaigns.target,
    "drop_target": _plain("target.withdrawn", "target"),
    "employer": campaigns.employer,
    "opening": campaigns.opening,
    "fair": campaigns.fair,
    "cancel_fair": _plain("fair.cancelled", "fair"),
    "candidate": candidates.candidate,
    "checkin": candidates.checkin,
    "interview": candidates.interview,
    "offer": candidates.offer,
    "answer": candidates.answer,
    "hire": candidates.hire,
    "leaver": candidates.leaver,
    "benefit": candidates.benefit,
    "withdraw": _plain("candidate.withdrew", "candidate"),
    "restrict": candidates.restrict,
    "lift": _plain("candidate.restriction_lifted", "candidate"),
    "merge": _plain("candidate.merged", "candidate", "into"),
    "unmerge": _plain("candidate.unmerged", "candidate", "into"),
    "erase": candidates.erase,
    "retract": candidates.retract,
}
