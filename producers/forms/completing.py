"""A form is completed by what its address names and what its campaign knows: names become ids, an opening its employer
and position, and each person's own offer or hire is looked up where the form leaves that open."""

from __future__ import annotations

import re
import secrets
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from fastapi import Request

from producers.forms.changing import changed
from producers.forms.known import require
from producers.forms.naming import FIELDS as NAMES_EMPLOYERS
from producers.forms.naming import NEW, with_ids
from producers.forms.reading import first
from producers.forms.sent import SentForm, Wrong
from schemas.access import Caller
from schemas.employment import accepted, works_at
from schemas.errors import NotFound
from schemas.forms import MOST_AT_ONCE, Form, Typed
from schemas.ids import may_be_id
from schemas.journey import MOST_IDS, Journey
from storage.campaigns import openings, reads
from storage.database import Conn
from storage.journeys import candidates, journeys, merging
from storage.ledger.ledger import JourneyKey
from storage.vault import erasing

Row = dict[str, Any]

TOKEN: Final = re.compile("[0-9a-f]{32}")
CONCERNS_IDS: Final = frozenset({"merge", "unmerge", "erase"})


async def complete(
    conn: Conn, request: Request, caller: Caller, form: Form, *, typed: Typed, values: Row, now: datetime
) -> SentForm:
    """The form as it is meant. Raises NotFound, Forbidden where an employer may not know what is named, and Wrong for
    an opening that the caller was not given to choose: of another employer's it is told the same as of none."""
    about, people = _named(request, form)
    campaign = about.get("campaign")
    known = await reads.campaign(conn, campaign) if campaign else None
    missing = [name for name in form.about if name not in {*about, "candidates", *MAY_LACK.get(form.name, ())}]
    if missing or (form.many and not people) or (campaign and known is None):
        raise NotFound("what this form is about is not there")
    if campaign:
        await require(conn, caller, form, about, people=people, values=values)
        if caller.role == "organizer" and {*NAMES_EMPLOYERS} & values.keys():
            values = await with_ids(conn, campaign, values, typed.get(NEW, ()))
        values = await changed(conn, form, about, typed, values)
        values = await _with_what_is_known(conn, caller, form, (campaign, people), values)
    if form.name in CONCERNS_IDS:
        people = await _ids(conn, form, about, values)
    zone = ZoneInfo(known["timezone"] if known else values.get("timezone", "Asia/Shanghai"))
    token = given if TOKEN.fullmatch(given := first(typed, "form")) else secrets.token_hex(16)
    locale = known["locale"] if known else "zh-CN"
    return SentForm(form.name, token, values, about, people, zone, locale, now)


def _named(request: Request, form: Form) -> tuple[dict[str, str], list[str]]:
    """What the address names, candidates apart. Raises NotFound for what is no id."""
    query = request.query_params
    names = {*form.about, *([form.keeps] if form.keeps else [])} - {"candidates"}
    about = {name: query[name] for name in names if query.get(name)}
    people = list(dict.fromkeys(query.getlist("candidate")))[:MOST_AT_ONCE] if form.many else []
    for each in (*about.values(), *people):
        if not may_be_id(each):
            raise NotFound("no id is like this")
    return about, people


async def _with_what_is_known(conn: Conn, caller: Caller, form: Form, about: tuple[str, list[str]], values: Row) -> Row:
    """`about`: the campaign and the candidates."""
    campaign, people = about
    if opening := values.get("opening"):
        row = await openings.fetch(conn, campaign, opening)
        if caller.role == "employer" and (row is None or row["employer"] != caller.employer):
            raise Wrong("opening", "form.bad.choice")
        values = values | ({"employer": row["employer"], "position": row["position"]} if row else {})
    if form.name in EACH_BY:
        journeys = await candidates.load_many(conn, campaign, people)
        values = values | {"each": EACH_BY[form.name](journeys, people, values.get("employer"))}
    return values


async def _require_mergeable(conn: Conn, both: list[JourneyKey]) -> None:
    if await erasing.gone(conn, both):
        raise Wrong("form", "form.bad.erased")
    if len(await merging.of_persons(conn, both)) > MOST_IDS:
        raise Wrong("form", "form.bad.crowded")


async def _ids(conn: Conn, form: Form, about: dict[str, str], values: Row) -> list[str]:
    """Which ids of a person a form is about. Raises NotFound where one of those named is nobody's, and Wrong where
    none is chosen, or one that is somebody else's, and where somebody would be merged with who was erased, or into a
    person of too many ids."""
    if "candidate" not in about:
        raise NotFound("what this form is about is not there")
    campaign, candidate, into = about["campaign"], about["candidate"], about.get("into")
    if into is not None:
        if into == candidate or any([await journeys.unknown(conn, campaign, each) for each in (candidate, into)]):
            raise NotFound(f"{candidate!r} and {into!r} are not two candidates who are known")
        if form.name == "merge":
            await _require_mergeable(conn, [(campaign, candidate), (campaign, into)])
        return [candidate]
    own = [each for _, each in await merging.of_persons(conn, [(campaign, candidate)])]
    chosen: list[str] = values.get("ids", own if len(own) == 1 else [])
    if not chosen or not set(chosen) <= set(own):
        raise Wrong("ids", "form.bad.choice" if chosen else "form.required")
    return chosen


def _accepted(journeys: dict[str, Journey], people: list[str], employer: str | None) -> dict[str, Row]:
    """Where each starts: at `employer`, with what they accepted there; where none is given, at the one whose offer they
    accepted. Raises Wrong where that is not one."""
    found: dict[str, Row] = {}
    for candidate in people:
        offers = accepted(journeys[candidate]) if candidate in journeys else []
        own = [(id, terms) for id, terms in offers if employer in (None, terms.employer)]
        if employer is None and len(own) != 1:
            raise Wrong("employer", "form.bad.no_offer")
        found[candidate] = {"employer": employer}
        if len(own) == 1:
            id, terms = own[0]
            found[candidate] = {"employer": terms.employer, "position": terms.position, "offer": id}
    return found


def _employed(journeys: dict[str, Journey], people: list[str], employer: str | None) -> dict[str, Row]:
    """Where each leaves. Raises Wrong where somebody does not work there; where none is given, not at one alone."""
    found: dict[str, Row] = {}
    for candidate in people:
        own = works_at(journeys[candidate]) if candidate in journeys else []
        own = [each for each in own if employer in (None, each)]
        if len(own) != 1:
            raise Wrong("employer", "form.bad.no_hire")
        found[candidate] = {"employer": own[0]}
    return found


MAY_LACK: Final = {"retract": ("candidate",)}  # a campaign's own facts are taken back too
EACH_BY: Final = {"hire": _accepted, "leaver": _employed}
