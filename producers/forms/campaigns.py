"""What the forms about a campaign say: its particulars, targets, employers, openings and fairs. Pure."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from math import ceil
from typing import Any

from producers.forms.sent import FactSaid, SentForm, Wrong, named
from schemas.fields import WITHOUT_EMPLOYER
from schemas.forms import MOST_IN_SERIES
from schemas.texts import texts_of


def campaign(sent: SentForm) -> list[FactSaid]:
    v = sent.values
    if v["ends_on"] < v["starts_on"]:
        raise Wrong("ends_on", "form.bad.order")
    days = {"starts_on": v["starts_on"].isoformat(), "ends_on": v["ends_on"].isoformat()}
    return [("campaign.opened", {**v, **days})]


def target(sent: SentForm) -> list[FactSaid]:
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


def employer(sent: SentForm) -> list[FactSaid]:
    v = sent.values
    employer = sent.about.get("employer") or named("employer", v.get("name_en") or v["name"], sent.token)
    return [("employer.set", {"employer": employer, **v})]


def opening(sent: SentForm) -> list[FactSaid]:
    v = sent.values
    if not isinstance(v["seats"], int):
        raise Wrong("seats", "form.bad.whole")
    opening = sent.about.get("opening") or named("opening", v["position"], sent.token)
    return [("opening.set", {"opening": opening, **v})]


def fair(sent: SentForm) -> list[FactSaid]:
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
