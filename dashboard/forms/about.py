"""What a form is about, as it is read: its campaign, its people, and what there is to choose from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote

from dashboard.formats import Formats
from dashboard.known import askable
from dashboard.languages import Lang
from schemas.access import Caller
from schemas.employment import accepted, works_at
from schemas.errors import NotFound
from schemas.names import by_name, called
from storage.campaigns import employers, reads
from storage.database import Conn
from storage.journeys import candidates, people

Choices = list[tuple[str, str]]
Row = dict[str, Any]
ROWS = 2000
COPIES = 200


@dataclass(slots=True)
class About:
    """What a form is about: its campaign's row, the people (id → name), and what the campaign has, for a reader of
    `lang`. `ids`: of one person who has several; `accepted`: the offers that each of several people accepted, by
    employer and position; `attributes` and `withdrawn`: of one person; `like`: the fair to begin from, `copies` those
    that there are."""

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
    ids: Choices = field(default_factory=list)
    accepted: list[Row] = field(default_factory=list)
    attributes: Row = field(default_factory=dict)
    withdrawn: bool = False
    like: Row | None = None
    copies: Choices = field(default_factory=list)

    def employer(self, id: str) -> str:
        """What is typed and read for an employer: its name, where no other has the same; else its id."""
        name = called(next((row for row in self.called if row["employer"] == id), None), self.lang, id)
        return name if by_name(self.called).get(name) == id else id

    def fair(self, row: Row) -> str:
        """A fair by its title and time: the fairs of a series differ in that alone."""
        zone = self.campaign["timezone"] if self.campaign else "UTC"
        return f"{row['title']} · {Formats(self.lang).moment(row['starts_at'], zone)}"

    def called_by(self, query: dict[str, str]) -> str | None:
        """What the target or fair that an address names is called; None where it names none."""
        target = next((row for row in self.targets if row["target"] == query.get("target")), None)
        fair = next((row for row in self.fairs if row["fair"] == query.get("fair")), None)
        return str(target["title"]) if target else self.fair(fair) if fair else None


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
    targets = await reads.targets(conn, campaign, limit=ROWS)
    found.targets = [row for row in targets if caller.reads_target(row)]
    found.employers = await employers.spoken_of(conn, campaign)
    found.called = await employers.listed(conn, campaign, limit=ROWS)
    found.names = {each: each for each in people_named} | await people.names(conn, campaign, people_named)
    if people_named:
        await _gather_employment(conn, caller, campaign, people_named, found)
    if len(people_named) == 1:
        await _gather_journey(conn, caller, campaign, people_named[0], found)
    return found


async def gather_fairs(conn: Conn, caller: Caller, like: str | None, found: About) -> None:
    """What a new fair may begin from: fairs of all campaigns that the caller may enter, the latest first."""
    among = caller.campaigns
    rows, f = await reads.latest_fairs(conn, among=among, limit=COPIES), Formats(found.lang)
    found.copies = [
        (_name(each), " · ".join((each["title"], f.day_of(each["starts_at"], each["timezone"]), each["called"])))
        for each in rows
    ]
    if like:
        campaign, fair = (askable(unquote(part)) for part in f"{like}/".split("/")[:2])
        if among is None or campaign in among:
            found.like = await reads.fair(conn, campaign, fair)


def _name(fair: Row) -> str:
    """What a fair of any campaign is named by in an address."""
    return f"{quote(fair['campaign'], safe='')}/{quote(fair['fair'], safe='')}"


async def _gather_employment(conn: Conn, caller: Caller, campaign: str, chosen: list[str], found: About) -> None:
    journeys = [each for each in (await candidates.load_many(conn, campaign, chosen)).values() if not each.hidden]
    places = {name for each in journeys for name in works_at(each) if _theirs(caller, {"employer": name})}
    found.hires = sorted((name, found.employer(name)) for name in places)
    agreed = [
        [terms for _, terms in accepted(each) if _theirs(caller, {"employer": terms.employer})] for each in journeys
    ]
    found.accepted = [
        {"employer": found.employer(one[0].employer), "position": one[0].position} for one in agreed if len(one) == 1
    ]


async def _gather_journey(conn: Conn, caller: Caller, campaign: str, candidate: str, found: About) -> None:
    known = await candidates.load(conn, campaign, candidate)
    if known is None:
        return
    found.ids = [(each, each) for each in sorted(known.journey.members)]
    if known.journey.hidden is not None:
        return
    for offer, state in known.journey.offers.items():
        if state.terms and _theirs(caller, {"employer": state.terms.employer}):
            found.offers.append((offer, f"{found.employer(state.terms.employer)} · {state.terms.position}"))
    found.withdrawn = known.journey.withdrawn
    found.attributes = {name: word.value for name, word in known.journey.attributes.items()}


def _theirs(caller: Caller, row: Row) -> bool:
    return caller.role != "employer" or row["employer"] == caller.employer
