"""What the forms about candidates say, of one or of several that were chosen. Pure."""

from __future__ import annotations

from datetime import datetime, time
from typing import Any, Final

from producers.forms.sent import FactSaid, SentForm, Wrong

OFFERED: Final = ("employer", "position", "opening", "city", "salary", "place", "contact", "papers", "document")
OFFICE_ENDS: Final = time(18)  # when an offer expires on its last day


def candidate(sent: SentForm) -> list[FactSaid]:
    candidate = sent.about.get("candidate") or f"c-{sent.token[:10]}"
    year = sent.values.get("graduation_year")
    if year is not None and not (isinstance(year, int) and 1900 <= year <= 2200):
        raise Wrong("graduation_year", "form.bad.year")
    return [("candidate.signed_up", {"candidate": candidate, **sent.values})]


def checkin(sent: SentForm) -> list[FactSaid]:
    return [("candidate.checked_in", {"candidate": each, "fair": sent.values["fair"]}) for each in sent.candidates]


def interview(sent: SentForm) -> list[FactSaid]:
    data = {name: value for name, value in sent.values.items() if name != "day"}
    return [("candidate.interviewed", {"candidate": each, **data}) for each in sent.candidates]


def offer(sent: SentForm) -> list[FactSaid]:
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


def answer(sent: SentForm) -> list[FactSaid]:
    v = sent.values
    data = {"candidate": sent.about["candidate"], "offer": v["offer"], "reason": v.get("reason")}
    return [(f"offer.{v['answer']}", data)]


def hire(sent: SentForm) -> list[FactSaid]:
    """`each` was looked up: where each of them starts."""
    v = sent.values
    given = {"started_on": v["started_on"].isoformat()} | ({"position": v["position"]} if "position" in v else {})
    return [("hire.started", {"candidate": each, **v["each"][each], **given}) for each in sent.candidates]


def leaver(sent: SentForm) -> list[FactSaid]:
    v = sent.values
    given = {"ended_on": v["ended_on"].isoformat(), "reason": v.get("reason")}
    return [("hire.ended", {"candidate": each, **v["each"][each], **given}) for each in sent.candidates]


def benefit(sent: SentForm) -> list[FactSaid]:
    v = sent.values
    if v["step"] == "paid" and "amount" not in v:
        raise Wrong("amount", "form.required")
    data: dict[str, Any] = {"candidate": sent.about["candidate"], "benefit": v["kind"], "kind": v["kind"]}
    if "amount" in v:
        data |= {"amount": v["amount"], "currency": "CNY"}
    return [(f"benefit.{v['step']}", data)]


def restrict(sent: SentForm) -> list[FactSaid]:
    v = sent.values
    if "until" in v and v["until"] <= sent.now.astimezone(sent.zone).date():
        raise Wrong("until", "form.bad.past")
    until = v["until"].isoformat() if "until" in v else None
    return [("candidate.restricted", {"candidate": sent.about["candidate"], **v, "until": until})]


def erase(sent: SentForm) -> list[FactSaid]:
    """One fact for each id of the person that is to be erased; where none was to choose from, for the one there is."""
    return [("candidate.erased", {"candidate": each}) for each in sent.candidates]


def retract(sent: SentForm) -> list[FactSaid]:
    data = {name: sent.about.get(name) or None for name in ("candidate", "source", "id")}
    return [("fact.retracted", {**data, "reason": sent.values["reason"]})]
