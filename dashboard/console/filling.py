"""What a form shows before anybody typed: what stands already, today's date, and what there is to choose from."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from dashboard.languages import Lang
from schemas.access import Caller
from schemas.errors import NotFound
from schemas.forms import Form
from schemas.names import by_name, called
from storage.campaigns import employers, reads
from storage.database import Conn
from storage.journeys import candidates, people

Typed = dict[str, list[str]]
Choices = list[tuple[str, str]]
Row = dict[str, Any]
ROWS = 2000
NEW_CAMPAIGN = {"timezone": ["Asia/Shanghai"], "locale": ["zh-CN"], "signup": ["open"]}
TODAY = ("day", "started_on", "ended_on")


@dataclass(slots=True)
class About:
    """What a form is about: its campaign's row, the people (id → name), and what the campaign has, for a reader of
    `lang`."""

    lang: Lang
    campaign: Row | None = None
    names: dict[str, str] = field(default_factory=dict)
    fairs: list[Row] = field(default_factory=list)
    openings: list[Row] = field(default_factory=list)
    targets: list[Row] = field(default_factory=list)
    employers: list[str] = field(default_factory=list)
    called: list[Row] = field(default_factory=list)
    offers: Choices = field(default_factory=list)
    hires: Choices = field(default_factory=list)
    attributes: Row = field(default_factory=dict)

    def employer(self, id: str) -> str:
        """What is typed and read for an employer: its name, where no other has the same; else its id."""
        name = called(next((row for row in self.called if row["employer"] == id), None), self.lang, id)
        return name if by_name(self.called).get(name) == id else id


async def gather(conn: Conn, caller: Caller, campaign: str | None, people_named: list[str], lang: Lang) -> About:
    """Read what a form needs. Raises NotFound for a campaign of which nothing is known."""
    if campaign is None:
        return About(lang)
    row = await reads.campaign(conn, campaign)
    if row is None:
        raise NotFound(f"there is no campaign {campaign!r}")
    found = About(lang, row)
    found.fairs = await reads.fairs(conn, campaign, limit=ROWS)
    own = caller.employer if caller.role == "employer" else None
    found.openings = await reads.openings(conn, campaign, of=own, limit=ROWS)
    found.targets = await reads.targets(conn, campaign, limit=ROWS)
    found.employers = await employers.spoken_of(conn, campaign)
    found.called = await employers.listed(conn, campaign, limit=ROWS)
    found.names = {each: each for each in people_named} | await people.names(conn, campaign, people_named)
    if len(people_named) == 1:
        await _gather_journey(conn, caller, campaign, people_named[0], found)
    return found


async def _gather_journey(conn: Conn, caller: Caller, campaign: str, candidate: str, found: About) -> None:
    known = await candidates.load(conn, campaign, candidate)
    if known is None or known.journey.hidden is not None:
        return
    for offer, state in known.journey.offers.items():
        if state.terms and _theirs(caller, {"employer": state.terms.employer}):
            found.offers.append((offer, f"{found.employer(state.terms.employer)} · {state.terms.position}"))
    found.hires = [
        (name, found.employer(name))
        for name, hire in known.journey.hires.items()
        if hire.status.value == "started" and _theirs(caller, {"employer": name})
    ]
    found.attributes = {name: word.value for name, word in known.journey.attributes.items()}


def _theirs(caller: Caller, row: Row) -> bool:
    return caller.role != "employer" or row["employer"] == caller.employer


def choices(about: About, name: str) -> Choices:
    """What there is to choose from, as (value, what it is called)."""
    if name == "fairs":
        return [(each["fair"], each["title"]) for each in about.fairs if not each["cancelled"]]
    if name == "openings":
        return [
            (each["opening"], f"{about.employer(each['employer'])} · {each['position']}") for each in about.openings
        ]
    return about.offers if name == "offers" else about.hires


def first_values(form: Form, about: About, query: dict[str, str], now: datetime) -> Typed:
    """What the fields hold at first."""
    zone = ZoneInfo(about.campaign["timezone"]) if about.campaign else ZoneInfo("Asia/Shanghai")
    today = now.astimezone(zone).date()
    known = _standing(form, about, query, zone)
    found = {name: _texts(value) for name, value in known.items() if value is not None}
    for each in form.fields:
        if each.name in TODAY and each.name not in found:
            found[each.name] = [today.isoformat()]
        if each.name in query:
            found[each.name] = [query[each.name]]
    return {**(NEW_CAMPAIGN if form.name == "campaign" else {}), **found}


def _standing(form: Form, about: About, query: dict[str, str], zone: ZoneInfo) -> Row:
    """What stands of the thing that the form changes."""
    if form.name == "campaign":
        return {name: (about.campaign or {}).get(name) for name in (each.name for each in form.fields)}
    if form.name == "target":
        row = _one(about.targets, "target", query)
        where = row.get("where") or {}
        only = (where.get("employer") or [None])[0]
        return {**row, "education": where.get("education"), "only_employer": about.employer(only) if only else None}
    if form.name == "fair":
        return _fair(about, _one(about.fairs, "fair", query), zone)
    if form.name == "employer":
        return _one(about.called, "employer", query)
    if form.name == "opening":
        row = _one(about.openings, "opening", query)
        return {**row, "employer": about.employer(row["employer"])} if row else {}
    return about.attributes if form.name == "candidate" else {}


def _fair(about: About, row: Row, zone: ZoneInfo) -> Row:
    if not row:
        return {"mode": "onsite", "begins": "09:00", "ends": "16:00"}
    starts, ends = row["starts_at"].astimezone(zone), row["ends_at"].astimezone(zone)
    times = {"day": starts.date(), "begins": f"{starts:%H:%M}", "ends": f"{ends:%H:%M}"}
    return {**row, **times, "employers": "\n".join(map(about.employer, row["employers"] or []))}


def _one(rows: list[Row], name: str, query: dict[str, str]) -> Row:
    return next((row for row in rows if row[name] == query.get(name)), {})


def _texts(value: Any) -> list[str]:
    if isinstance(value, list):
        return [str(each) for each in value]
    if isinstance(value, date):
        return [value.isoformat()]
    return [str(value)]
