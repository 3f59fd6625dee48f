"""What a form says, as facts. Pure: the clock and the form's own token, of which ids are made, are passed in."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from math import ceil
from typing import Any, Final
from zoneinfo import ZoneInfo

from schemas.access import CONSOLE
from schemas.facts import Fact, validate_event
from schemas.fields import WITHOUT_EMPLOYER
from schemas.forms import MOST_IN_SERIES, UNDO_APPLIED, UNDO_GRACE, UNDO_SECONDS, UNDO_UNTIL
from schemas.texts import texts_of

Said = tuple[str, dict[str, Any]]  # a type and its data, the campaign left out
NOON: Final = time(12)
OFFICE_ENDS: Final = time(18)  # when an offer expires on its last day


class Wrong(Exception):
    """A field says what can't be, together with the others: the field, and the key of a text; `near`: names that were
    typed and are nobody's, each with that of somebody who may be meant."""

    def __init__(self, field: str, why: str, near: dict[str, str] | None = None) -> None:
        super().__init__(f"{field}: {why}")
        self.field, self.why, self.near = field, why, near or {}


@dataclass(frozen=True, slots=True)
class SentForm:
    """A form that was sent: its `values`; what its address names (`about`), candidates apart; `token`, its own;
    `zone` and `locale`: the campaign's."""

    form: str
    token: str
    values: dict[str, Any]
    about: dict[str, str]
    candidates: Sequence[str]
    zone: ZoneInfo
    locale: str
    now: datetime


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


def named(prefix: str, title: str, token: str) -> str:
    """An id that nobody had to think of: what is plain in the title, and a few random letters."""
    plain = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:40].strip("-")
    return f"{plain or prefix}-{token[:6]}"


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


def _campaign(sent: SentForm) -> list[Said]:
    v = sent.values
    if v["ends_on"] < v["starts_on"]:
        raise Wrong("ends_on", "form.bad.order")
    days = {"starts_on": v["starts_on"].isoformat(), "ends_on": v["ends_on"].isoformat()}
    return [("campaign.opened", {**v, **days})]


def _target(sent: SentForm) -> list[Said]:
    v = sent.values
    where = dict(v.get("kept", {}))
    if v.get("education"):
        where["education"] = v["education"]
    if v.get("only_employer"):
        where["employer"] = [v["only_employer"]]
    if v["measure"] in WITHOUT_EMPLOYER and "employer" in where:
        raise Wrong("only_employer" if "only_employer" in v else "measure", "form.bad.no_employer")
    if v["measure"] == "fairs_held" and "education" in where:
        raise Wrong("education", "form.bad.fairs")
    if v["goal"] < 1 or (v["measure"] != "paid" and v["goal"] != int(v["goal"])):
        raise Wrong("goal", "form.bad.whole")
    title = v.get("title") or _called(sent.locale, v["measure"], v["goal"])
    data = {"target": sent.about.get("target") or named(v["measure"].replace("_", "-"), "", sent.token)}
    data |= {"title": title, "measure": v["measure"], "goal": v["goal"], "due_on": v["due_on"].isoformat()}
    return [("target.set", data | ({"where": where} if where else {}))]


def _called(lang: str, measure: str, goal: float) -> str:
    """What a target is called that nobody gave a name."""
    text = texts_of("producers.forms")
    return text(lang, f"target.called.{measure}", ceil(goal), number=f"{goal:,}")


def _employer(sent: SentForm) -> list[Said]:
    v = sent.values
    employer = sent.about.get("employer") or named("employer", v.get("name_en") or v["name"], sent.token)
    return [("employer.set", {"employer": employer, **v})]


def _opening(sent: SentForm) -> list[Said]:
    v = sent.values
    if not isinstance(v["seats"], int):
        raise Wrong("seats", "form.bad.whole")
    opening = sent.about.get("opening") or named("opening", v["position"], sent.token)
    return [("opening.set", {"opening": opening, **v})]


def _fair(sent: SentForm) -> list[Said]:
    v = sent.values
    if v["ends"] <= v["begins"]:
        raise Wrong("ends", "form.bad.order")
    if not isinstance(v.get("capacity", 0), int):
        raise Wrong("capacity", "form.bad.whole")
    own = sent.about.get("fair") or named("fair", v["title"], sent.token)
    return [
        ("fair.scheduled", _one_fair(sent, own if nth == 0 else f"{own}-{nth + 1}", day))
        for nth, day in enumerate(_days(sent))
    ]


def _days(sent: SentForm) -> list[date]:
    first, until = sent.values["day"], sent.values.get("weekly_until")
    if until is None:
        return [first]
    if until < first:
        raise Wrong("weekly_until", "form.bad.order")
    weeks = (until - first).days // 7 + 1
    if weeks > MOST_IN_SERIES:
        raise Wrong("weekly_until", "form.bad.series")
    return [first + timedelta(weeks=nth) for nth in range(weeks)]


def _one_fair(sent: SentForm, fair: str, day: date) -> dict[str, Any]:
    v = sent.values
    rest = {name: v.get(name) for name in ("city", "venue", "url", "capacity", "cost")}
    employers = [line.strip() for line in re.split(r"[\n,，;；]", v.get("employers", "")) if line.strip()]
    return {
        "fair": fair,
        "title": v["title"],
        "mode": v["mode"],
        "starts_at": datetime.combine(day, v["begins"], sent.zone).isoformat(),
        "ends_at": datetime.combine(day, v["ends"], sent.zone).isoformat(),
        "employers": employers or None,
        **rest,
    }


def _candidate(sent: SentForm) -> list[Said]:
    candidate = sent.about.get("candidate") or f"c-{sent.token[:10]}"
    year = sent.values.get("graduation_year")
    if year is not None and not (isinstance(year, int) and 1900 <= year <= 2200):
        raise Wrong("graduation_year", "form.bad.year")
    return [("candidate.signed_up", {"candidate": candidate, **sent.values})]


def _checkin(sent: SentForm) -> list[Said]:
    return [("candidate.checked_in", {"candidate": each, "fair": sent.values["fair"]}) for each in sent.candidates]


def _interview(sent: SentForm) -> list[Said]:
    data = {name: value for name, value in sent.values.items() if name != "day"}
    return [("candidate.interviewed", {"candidate": each, **data}) for each in sent.candidates]


def _offer(sent: SentForm) -> list[Said]:
    """`employer` and `position` of the opening were filled in where one was chosen."""
    v = sent.values
    for name in ("employer", "position"):
        if name not in v:
            raise Wrong(name, "form.required")
    data = {name: v.get(name) for name in OFFERED}
    if starts := v.get("start_on"):
        data["start_on"] = starts.isoformat()
    if until := v.get("expires_on"):
        data["expires_at"] = datetime.combine(until, OFFICE_ENDS, sent.zone).isoformat()
        if datetime.combine(until, OFFICE_ENDS, sent.zone) <= sent.now:
            raise Wrong("expires_on", "form.bad.past")
    return [
        ("offer.extended", {"candidate": each, "offer": f"o-{sent.token[:8]}-{nth}", **data})
        for nth, each in enumerate(sent.candidates)
    ]


def _answer(sent: SentForm) -> list[Said]:
    v = sent.values
    data = {"candidate": sent.about["candidate"], "offer": v["offer"], "reason": v.get("reason")}
    return [(f"offer.{v['answer']}", data)]


def _hire(sent: SentForm) -> list[Said]:
    """`each` was looked up: where each of them starts."""
    v = sent.values
    given = {"started_on": v["started_on"].isoformat()} | ({"position": v["position"]} if "position" in v else {})
    return [("hire.started", {"candidate": each, **v["each"][each], **given}) for each in sent.candidates]


def _leaver(sent: SentForm) -> list[Said]:
    v = sent.values
    given = {"ended_on": v["ended_on"].isoformat(), "reason": v.get("reason")}
    return [("hire.ended", {"candidate": each, **v["each"][each], **given}) for each in sent.candidates]


def _benefit(sent: SentForm) -> list[Said]:
    v = sent.values
    if v["step"] == "paid" and "amount" not in v:
        raise Wrong("amount", "form.required")
    data: dict[str, Any] = {"candidate": sent.about["candidate"], "benefit": v["kind"], "kind": v["kind"]}
    if "amount" in v:
        data |= {"amount": v["amount"], "currency": "CNY"}
    return [(f"benefit.{v['step']}", data)]


def _restrict(sent: SentForm) -> list[Said]:
    v = sent.values
    if "until" in v and v["until"] <= sent.now.astimezone(sent.zone).date():
        raise Wrong("until", "form.bad.past")
    until = v["until"].isoformat() if "until" in v else None
    return [("candidate.restricted", {"candidate": sent.about["candidate"], **v, "until": until})]


def _erase(sent: SentForm) -> list[Said]:
    """One fact for each id of the person that is to be erased; where none was to choose from, for the one there is."""
    return [("candidate.erased", {"candidate": each}) for each in sent.candidates]


def _retract(sent: SentForm) -> list[Said]:
    data = {name: sent.about.get(name) or None for name in ("candidate", "source", "id")}
    return [("fact.retracted", {**data, "reason": sent.values["reason"]})]


def _plain(type: str, *names: str) -> Callable[[SentForm], list[Said]]:
    return lambda sent: [(type, {**{name: sent.about[name] for name in names}, **sent.values})]


OFFERED: Final = ("employer", "position", "opening", "city", "salary", "place", "contact", "papers", "document")
MAKERS: Final[dict[str, Callable[[SentForm], list[Said]]]] = {
    "campaign": _campaign,
    "close": _plain("campaign.closed"),
    "target": _target,
    "drop_target": _plain("target.withdrawn", "target"),
    "employer": _employer,
    "opening": _opening,
    "fair": _fair,
    "cancel_fair": _plain("fair.cancelled", "fair"),
    "candidate": _candidate,
    "checkin": _checkin,
    "interview": _interview,
    "offer": _offer,
    "answer": _answer,
    "hire": _hire,
    "leaver": _leaver,
    "benefit": _benefit,
    "withdraw": _plain("candidate.withdrew", "candidate"),
    "restrict": _restrict,
    "lift": _plain("candidate.restriction_lifted", "candidate"),
    "merge": _plain("candidate.merged", "candidate", "into"),
    "unmerge": _plain("candidate.unmerged", "candidate", "into"),
    "erase": _erase,
    "retract": _retract,
}
