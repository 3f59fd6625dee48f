"""The forms by which people post facts: their fields, as the pages draw them and the endpoints read them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args
from urllib.parse import parse_qsl, quote, urlencode

from schemas.access import Role
from schemas.fields import CampaignKind, Education, InterviewOutcome, Locale, Measure, Mode, SignupPage

FieldKind = Literal[
    "text", "area", "date", "time", "number", "email", "tel", "url", "choice", "checks", "tick", "employer", "file"
]
Typed = dict[str, list[str]]  # what was typed into a form, by field

BENEFIT_KINDS: Final = ("rent_subsidy", "talent_allowance", "insurance", "settling_in")
GROUNDS: Final = ("law", "request", "dispute")  # on which people may be restricted by a form
BENEFIT_STEPS: Final = ("applied", "verified", "paid", "refused")
ANSWERS: Final = ("accepted", "declined", "rescinded")
ZONES: Final = ("Asia/Shanghai", "Asia/Urumqi", "Asia/Hong_Kong", "Asia/Tokyo", "Europe/Berlin", "Europe/London", "UTC")
MOST_AT_ONCE: Final = 200  # candidates of one form
MOST_IN_SERIES: Final = 60  # fairs of one form
MOST_NARROWED: Final = 2000  # letters of what a list is narrowed by
WAS: Final = "was."  # before a field's name: what the field held when its form was drawn
AGAIN: Final = "again"  # the field of a form that says that it signs up again who withdrew
UNDO_SECONDS: Final = 30
UNDO_GRACE: Final = 5  # seconds more: the way from a page to us
UNDO_APPLIED: Final = 5  # seconds more until what was undone is applied, before any message goes
UNDO_UNTIL: Final = "undountil"  # the extension attribute of facts whose messages wait until they can't be undone


@dataclass(frozen=True, slots=True)
class Field:
    """`choices`: the values there are, or the name of what there is to choose from: `fairs`, `openings`, `hires`,
    `offers`, `ids` (of one person)."""

    name: str
    kind: FieldKind
    required: bool = False
    choices: tuple[str, ...] | str = ()


@dataclass(frozen=True, slots=True)
class Form:
    """`about`: what the address of the form names beside itself; `keeps`: what it names where something is changed."""

    name: str
    fields: tuple[Field, ...]
    about: tuple[str, ...] = ("campaign",)
    keeps: str | None = None
    roles: tuple[Role, ...] = ("organizer",)
    grave: bool = False
    looks: bool = False  # it can be asked what it would do, before it is sent

    @property
    def many(self) -> bool:
        """Whether it may be about several candidates."""
        return "candidates" in self.about


@dataclass(frozen=True, slots=True)
class Filled:
    """A form as it was sent: what was typed, by field, and what is wrong with it (by field, the key of a text).
    `would`: the data of the fact that it would say, where it was asked what that would do; `near`: names that were
    typed and are no employer's, each with that of one who may be meant."""

    typed: Typed
    wrong: dict[str, str]
    status: int = 422
    would: dict[str, Any] | None = None
    near: dict[str, str] = field(default_factory=dict)


_WORKERS: Final[tuple[Role, ...]] = ("organizer", "employer")
_ONE: Final = ("campaign", "candidate")
_SOME: Final = ("campaign", "candidates")
_REASON: Final = Field("reason", "area")

_ROWS: Final = (
    Form(
        "campaign",
        (
            Field("title", "text", True),
            Field("organizer", "text", True),
            Field("starts_on", "date", True),
            Field("ends_on", "date", True),
            Field("kind", "choice", False, get_args(CampaignKind)),
            Field("timezone", "choice", True, ZONES),
            Field("locale", "choice", True, get_args(Locale)),
            Field("reply_to", "email"),
            Field("contact", "text"),
            Field("signup", "choice", False, get_args(SignupPage)),
        ),
        about=(),
        keeps="campaign",
    ),
    Form("close", (), grave=True),
    Form(
        "target",
        (
            Field("measure", "choice", True, get_args(Measure)),
            Field("goal", "number", True),
            Field("due_on", "date", True),
            Field("title", "text"),
            Field("education", "checks", False, get_args(Education)),
            Field("only_employer", "employer"),
        ),
        keeps="target",
        looks=True,
    ),
    Form("drop_target", (), about=("campaign", "target"), grave=True),
    Form(
        "employer",
        (
            Field("name", "text", True),
            Field("name_en", "text"),
            Field("city", "text"),
            Field("url", "url"),
            Field("reply_to", "email"),
            Field("contact", "text"),
        ),
        keeps="employer",
    ),
    Form(
        "opening",
        (Field("employer", "employer", True), Field("position", "text", True), Field("seats", "number", True)),
        keeps="opening",
        roles=_WORKERS,
    ),
    Form(
        "fair",
        (
            Field("title", "text", True),
            Field("mode", "choice", True, get_args(Mode)),
            Field("day", "date", True),
            Field("begins", "time", True),
            Field("ends", "time", True),
            Field("city", "text"),
            Field("venue", "text"),
            Field("url", "url"),
            Field("capacity", "number"),
            Field("employers", "area"),
            Field("cost", "number"),
            Field("weekly_until", "date"),
        ),
        keeps="fair",
    ),
    Form("cancel_fair", (_REASON,), about=("campaign", "fair"), grave=True),
    Form(
        "candidate",
        (
            Field("name", "text", True),
            Field("email", "email"),
            Field("phone", "tel"),
            Field("fair", "choice", False, "fairs"),
            Field("education", "choice", False, get_args(Education)),
            Field("school", "text"),
            Field("major", "text"),
            Field("graduation_year", "number"),
            Field("consent", "tick"),
        ),
        keeps="candidate",
    ),
    Form("checkin", (Field("fair", "choice", True, "fairs"),), about=_SOME),
    Form(
        "interview",
        (
            Field("employer", "employer", True),
            Field("position", "text"),
            Field("outcome", "choice", False, get_args(InterviewOutcome)),
            Field("day", "date", True),
        ),
        about=_SOME,
        roles=_WORKERS,
    ),
    Form(
        "offer",
        (
            Field("opening", "choice", False, "openings"),
            Field("employer", "employer"),
            Field("position", "text"),
            Field("city", "text"),
            Field("expires_on", "date"),
            Field("salary", "text"),
            Field("start_on", "date"),
            Field("place", "text"),
            Field("contact", "text"),
            Field("papers", "text"),
            Field("document", "file"),
        ),
        about=_SOME,
        roles=_WORKERS,
    ),
    Form(
        "answer",
        (Field("offer", "choice", True, "offers"), Field("answer", "choice", True, ANSWERS), _REASON),
        about=_ONE,
        roles=_WORKERS,
    ),
    Form(
        "hire",
        (Field("employer", "employer"), Field("position", "text"), Field("started_on", "date", True)),
        about=_SOME,
        roles=_WORKERS,
    ),
    Form(
        "leaver",
        (Field("employer", "choice", False, "hires"), Field("ended_on", "date", True), _REASON),
        about=_SOME,
        roles=_WORKERS,
    ),
    Form(
        "benefit",
        (
            Field("kind", "choice", True, BENEFIT_KINDS),
            Field("step", "choice", True, BENEFIT_STEPS),
            Field("amount", "number"),
        ),
        about=_ONE,
    ),
    Form("withdraw", (_REASON,), about=_ONE, grave=True),
    Form(
        "restrict",
        (Field("ground", "choice", True, GROUNDS), Field("until", "date"), _REASON),
        about=_ONE,
        grave=True,
    ),
    Form("lift", (_REASON,), about=_ONE),
    Form("merge", (Field("reason", "area", True),), about=(*_ONE, "into")),
    Form("unmerge", (Field("reason", "area", True),), about=(*_ONE, "into"), grave=True),
    Form("erase", (Field("ids", "checks", False, "ids"),), about=_ONE, grave=True),
    Form(
        "retract",
        (Field("reason", "area", True),),
        about=("campaign", "candidate", "source", "id"),
        roles=_WORKERS,
        grave=True,
    ),
)


def list_of(campaign: str, narrowed: str) -> str:
    """The address of a campaign's candidates, as one looked at them before a form was opened about some of them;
    `narrowed`: the parameters that said so."""
    asked = urlencode([(name, value) for name, value in parse_qsl(narrowed[:MOST_NARROWED]) if name != "done"])
    path = f"/campaigns/{quote(campaign, safe='')}/candidates"
    return f"{path}?{asked}" if asked else path


# What people sign up by themselves with: the first five are asked of all, the others stand folded away.
SIGNUP: Final = Form(
    "signup",
    (
        Field("name", "text", True),
        Field("email", "email", True),
        Field("education", "choice", False, get_args(Education)),
        Field("school", "text"),
        Field("employers", "tick"),
        Field("phone", "tel"),
        Field("major", "text"),
        Field("graduation_year", "number"),
        Field("marketing", "tick"),
        Field("abroad", "tick"),
    ),
    about=("campaign", "fair"),
    roles=(),
)
SIGNUP_FIRST: Final = 5
FORMS: Final[dict[str, Form]] = {row.name: row for row in _ROWS}
SETUP: Final = ("campaign", "target", "employer", "opening", "fair")  # the steps of opening a campaign
