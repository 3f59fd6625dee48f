"""What a form shows before anybody typed: what stands already, today's date, and what there is to choose from. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from dashboard.formats import Formats
from dashboard.forms.about import About, Choices, Row
from schemas import formats
from schemas.forms import WAS, Form, Typed

NEW_CAMPAIGN = {"timezone": ["Asia/Shanghai"], "locale": ["zh-CN"], "signup": ["open"]}
A_YEAR = timedelta(weeks=52)
TODAY = ("day", "started_on", "ended_on")
SAYS_WHAT_WAS = frozenset({"candidate"})  # forms that say what they held, so that only what was touched is said


def choices(about: About, name: str) -> Choices:
    """What there is to choose from, as (value, what it is called)."""
    if name == "fairs":
        return [(each["fair"], about.fair(each)) for each in about.fairs if not each["cancelled"]]
    if name == "openings":
        return [
            (each["opening"], f"{about.employer(each['employer'])} · {each['position']}") for each in about.openings
        ]
    return {"offers": about.offers, "hires": about.hires, "ids": about.ids}[name]


def zone_called(zone: str, lang: str, now: datetime) -> str:
    """A time zone by its name and, since some share one, by its place: 中国标准时间 (Asia/Shanghai)."""
    return f"{formats.zone_name(now, ZoneInfo(zone), lang)} ({zone})"


def first_values(form: Form, about: About, query: dict[str, str], now: datetime) -> Typed:
    """What the fields hold at first."""
    zone = ZoneInfo(about.campaign["timezone"]) if about.campaign else ZoneInfo("Asia/Shanghai")
    today = now.astimezone(zone).date()
    known = _standing(form, about, query, zone, today)
    found = {name: _texts(value) for name, value in known.items() if value is not None}
    for each in form.fields:
        if each.name in TODAY and each.name not in found:
            found[each.name] = [today.isoformat()]
        if form.name in SAYS_WHAT_WAS and query.get(form.keeps or ""):
            found[f"{WAS}{each.name}"] = found.get(each.name, [""])
        if each.name in query:
            found[each.name] = [about.employer(query[each.name]) if each.kind == "employer" else query[each.name]]
    return {**(NEW_CAMPAIGN if form.name == "campaign" else {}), **found}


def _standing(form: Form, about: About, query: dict[str, str], zone: ZoneInfo, today: date) -> Row:
    """What stands of the thing that the form changes, or what is most likely meant."""
    return STANDING[form.name](AboutForm(form, about, query, zone, today)) if form.name in STANDING else {}


@dataclass(frozen=True, slots=True)
class AboutForm:
    """A form, what it is about, what its address names, and the day that it is in the campaign's time zone."""

    form: Form
    about: About
    query: dict[str, str]
    zone: ZoneInfo
    today: date


def _campaign(asked: AboutForm) -> Row:
    return {name: (asked.about.campaign or {}).get(name) for name in (each.name for each in asked.form.fields)}


def _target(asked: AboutForm) -> Row:
    row = _one(asked.about.targets, "target", asked.query)
    where = row.get("where") or {}
    named = where.get("employer") or []
    only = asked.about.employer(named[0]) if len(named) == 1 else None
    return {**row, "education": where.get("education"), "only_employer": only}


def kept_conditions(about: About, query: dict[str, str]) -> list[tuple[str, str]]:
    """The conditions of a target that its form has no field for: the key of each, and what it is to be, in words."""
    where: Row = _one(about.targets, "target", query).get("where") or {}
    fairs = {row["fair"]: about.fair(row) for row in about.fairs}

    def said(key: str, value: Any) -> str:
        return about.employer(value) if key == "employer" else fairs.get(value, str(value))

    return [
        (key, Formats(about.lang).listed([said(key, each) for each in values]))
        for key, values in where.items()
        if key != "education" and (key != "employer" or len(values) > 1)
    ]


def _new_or_changed_fair(asked: AboutForm) -> Row:
    about = asked.about
    if about.like:
        return _copied(about, asked.zone, asked.today)
    return _fair(about, _one(about.fairs, "fair", asked.query), asked.zone)


def _opening(asked: AboutForm) -> Row:
    row = _one(asked.about.openings, "opening", asked.query)
    return {**row, "employer": asked.about.employer(row["employer"])} if row else {}


def _hire(asked: AboutForm) -> Row:
    """Where all of them start, as far as that is one place."""
    rows = asked.about.accepted
    if len(rows) < len(asked.about.names):
        return {}
    said = {key: {row[key] for row in rows} for key in ("employer", "position")}
    return {key: values.pop() for key, values in said.items() if len(values) == 1}


def _leaver(asked: AboutForm) -> Row:
    hires = asked.about.hires
    return {"employer": hires[0][0] if len(hires) == 1 else None}


def _fair(about: About, row: Row, zone: ZoneInfo) -> Row:
    if not row:
        return {"mode": "onsite", "begins": "09:00", "ends": "16:00"}
    starts, ends = row["starts_at"].astimezone(zone), row["ends_at"].astimezone(zone)
    times = {"day": starts.date(), "begins": f"{starts:%H:%M}", "ends": f"{ends:%H:%M}"}
    return {**row, **times, "employers": "\n".join(map(about.employer, row["employers"] or []))}


def _copied(about: About, zone: ZoneInfo, today: date) -> Row:
    """What the fair was that this one begins from, on the same day of the week, a year or years later."""
    was = _fair(about, about.like or {}, zone)
    day: date = was["day"]
    while day < today:
        day += A_YEAR
    return {**was, "day": day}


def _fair_of(about: About, zone: ZoneInfo, today: date) -> str | None:
    """The fair at which somebody checks in now: the one of today, or the only one there is."""
    standing = [each for each in about.fairs if not each["cancelled"]]
    of_today = [each for each in standing if each["starts_at"].astimezone(zone).date() == today]
    likely = of_today or standing
    return likely[0]["fair"] if len(likely) == 1 else None


def _one(rows: list[Row], name: str, query: dict[str, str]) -> Row:
    return next((row for row in rows if row[name] == query.get(name)), {})


def _texts(value: Any) -> list[str]:
    if isinstance(value, list):
        return [str(each) for each in value]
    if isinstance(value, date):
        return [value.isoformat()]
    return [str(value)]


# What the forms that change or go on from something begin with.
STANDING: Final[dict[str, Callable[[AboutForm], Row]]] = {
    "campaign": _campaign,
    "target": _target,
    "fair": _new_or_changed_fair,
    "employer": lambda asked: _one(asked.about.called, "employer", asked.query),
    "opening": _opening,
    "candidate": lambda asked: asked.about.attributes,
    "checkin": lambda asked: {"fair": _fair_of(asked.about, asked.zone, asked.today)},
    "answer": lambda asked: {"offer": asked.about.offers[0][0] if len(asked.about.offers) == 1 else None},
    "erase": lambda asked: {"ids": [id for id, _ in asked.about.ids]},
    "hire": _hire,
    "leaver": _leaver,
}
