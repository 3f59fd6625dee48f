"""The kinds of message: one record for each, with all that is decided for the kind. A kind more is a record here, a
composer in `notifications/sending/kinds/`, and two templates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from schemas.messages import (
    BENEFIT_AVAILABLE,
    BENEFIT_PAID,
    BENEFIT_VERIFIED,
    CHANNEL_REFUSED,
    DAILY_DIGEST,
    FAIR_CANCELLED,
    FAIR_REMINDER,
    FAIR_RESCHEDULED,
    INTERVIEW_RESULT,
    KEEP_DATA,
    LOG_GAP,
    MILESTONE,
    MOVED_BACK,
    MOVED_UP,
    OFFER,
    OFFER_ACCEPTED,
    OFFER_ANSWERED,
    OFFER_BOUNCED,
    OFFER_DECLINED,
    OFFER_EXPIRED,
    OFFER_EXPIRING,
    OFFER_RESCINDED,
    OWN_PAGE,
    SIGNUP_CHECK,
    SIGNUP_CONFIRMATION,
    TARGET_AT_RISK,
    TARGET_REACHED,
    TEMPLATE_TEST,
    THANKS,
    WAITLISTED,
    WELCOME,
    Audience,
    Policy,
    SeatWord,
)


@dataclass(frozen=True, slots=True)
class UndoneBy:
    """Facts of these types take back what a message told, where they name the same thing: the value under `about` in
    their data (empty: any; a fact that names none takes back all). What is so again afterwards is told again."""

    types: tuple[str, ...]
    about: str = ""


NEVER: Final = UndoneBy(())


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What is decided for a kind of message. What has no default is decided for each.

    `refusable`: its reader may unsubscribe from it; all others go all the same. `morning`: it waits for the morning.
    `in_doubt`: what ends the doubt about one of which nobody speaks for long: HR is asked, it goes once more, or never,
    or it stays in doubt.
    `asked_by`: the types of facts that ask for it; none: fairs, the clock, targets, what became of mails. `grouped`: HR
    gets one mail an hour of it for each campaign. `in_bulk`: it goes to a whole fair at once. `ticket`: its image and
    the link to it, or the link alone; `calendar`: the file and the link to it. `templated`: it has a template of its
    own; a test shows that of another. `tells`: what its reader knows afterwards of the seat at the fair that it names.
    `answered_by`: who reads the answers to it, and is named with how to reach them.
    """

    name: str
    audience: Audience
    refusable: bool
    morning: bool
    in_doubt: Policy
    asked_by: tuple[str, ...] = ()
    undone_by: UndoneBy = NEVER
    grouped: bool = False
    in_bulk: bool = False
    ticket: Literal["image", "link"] | None = None
    calendar: bool = False
    templated: bool = True
    tells: SeatWord | None = None
    answered_by: Literal["organizer", "employer"] = "organizer"


def _own(
    name: str,
    *asked_by: str,
    in_doubt: Policy = "resend",
    undone_by: UndoneBy = NEVER,
    in_bulk: bool = False,
    ticket: Literal["image", "link"] | None = None,
    calendar: bool = False,
    tells: SeatWord | None = None,
    answered_by: Literal["organizer", "employer"] = "organizer",
) -> Kind:
    """About the candidate's own affairs: it can't be refused, and goes at once."""
    return Kind(
        name=name,
        audience="candidate",
        refusable=False,
        morning=False,
        in_doubt=in_doubt,
        asked_by=asked_by,
        undone_by=undone_by,
        in_bulk=in_bulk,
        ticket=ticket,
        calendar=calendar,
        tells=tells,
        answered_by=answered_by,
    )


def _employer(name: str, *asked_by: str, undone_by: UndoneBy) -> Kind:
    """To the employer whose offer it is; better twice than not at all."""
    return Kind(
        name=name,
        audience="employer",
        refusable=False,
        morning=False,
        in_doubt="resend",
        asked_by=asked_by,
        undone_by=undone_by,
    )


def _hr(name: str, *asked_by: str, in_doubt: Policy = "resend", grouped: bool = False, templated: bool = True) -> Kind:
    """To HR, who may have it twice rather than not at all."""
    return Kind(
        name=name,
        audience="hr",
        refusable=False,
        morning=False,
        in_doubt=in_doubt,
        asked_by=asked_by,
        grouped=grouped,
        templated=templated,
    )


_OFFER_UNDONE: Final = UndoneBy(("offer.rescinded", "offer.declined"), "offer")
_HIRE_UNDONE: Final = UndoneBy(("hire.ended",), "employer")
KINDS: Final[tuple[Kind, ...]] = (
    _own(
        SIGNUP_CONFIRMATION,
        "candidate.signed_up",
        undone_by=UndoneBy(("candidate.withdrew",), "fair"),
        ticket="image",
        calendar=True,
        tells="seat",
    ),
    _own(WAITLISTED, tells="waiting"),
    _own(MOVED_UP, ticket="image", calendar=True, tells="seat"),
    _own(MOVED_BACK, tells="waiting"),
    Kind(
        name=FAIR_REMINDER,
        audience="candidate",
        refusable=True,
        morning=True,
        in_doubt="give_up",
        in_bulk=True,
        ticket="link",
    ),
    _own(FAIR_RESCHEDULED, in_bulk=True, ticket="link", calendar=True),
    _own(FAIR_CANCELLED, in_bulk=True, calendar=True),
    Kind(
        name=THANKS,
        audience="candidate",
        refusable=True,
        morning=True,
        in_doubt="give_up",
        asked_by=("candidate.checked_in",),
    ),
    _own(
        INTERVIEW_RESULT,
        "candidate.interviewed",
        undone_by=UndoneBy(("candidate.interviewed",), "employer"),
        answered_by="employer",
    ),
    _own(OFFER, "offer.extended", in_doubt="ask_hr", undone_by=_OFFER_UNDONE, answered_by="employer"),
    Kind(
        name=OFFER_EXPIRING,
        audience="candidate",
        refusable=False,
        morning=True,
        in_doubt="give_up",
        asked_by=("offer.extended",),
        undone_by=_OFFER_UNDONE,
        answered_by="employer",
    ),
    _own(
        OFFER_RESCINDED,
        "offer.rescinded",
        in_doubt="leave",
        undone_by=UndoneBy(("offer.extended",), "offer"),
        answered_by="employer",
    ),
    _own(WELCOME, "hire.started", undone_by=_HIRE_UNDONE),
    Kind(
        name=BENEFIT_AVAILABLE,
        audience="candidate",
        refusable=True,
        morning=True,
        in_doubt="give_up",
        asked_by=("hire.started",),
        undone_by=_HIRE_UNDONE,
    ),
    _own(BENEFIT_VERIFIED, "benefit.verified", undone_by=UndoneBy(("benefit.refused",), "benefit")),
    _own(BENEFIT_PAID, "benefit.paid", in_doubt="leave"),
    _own(OWN_PAGE),
    _own(SIGNUP_CHECK, in_doubt="give_up"),
    Kind(name=KEEP_DATA, audience="candidate", refusable=False, morning=True, in_doubt="resend", in_bulk=True),
    _employer(
        OFFER_ACCEPTED,
        "offer.accepted",
        undone_by=UndoneBy(("offer.extended", "offer.declined", "offer.rescinded"), "offer"),
    ),
    _employer(
        OFFER_DECLINED,
        "offer.declined",
        undone_by=UndoneBy(("offer.extended", "offer.accepted", "offer.rescinded"), "offer"),
    ),
    _employer(OFFER_EXPIRED, "offer.extended", undone_by=_OFFER_UNDONE),
    _hr(MILESTONE),
    _hr(TARGET_REACHED),
    _hr(TARGET_AT_RISK),
    _hr(DAILY_DIGEST, in_doubt="give_up"),
    _hr(OFFER_ANSWERED, "offer.accepted", "offer.declined", grouped=True),
    _hr(OFFER_BOUNCED, grouped=True),
    _hr(CHANNEL_REFUSED, in_doubt="give_up"),
    _hr(LOG_GAP),
    _hr(TEMPLATE_TEST, in_doubt="give_up", templated=False),
)
BY_NAME: Final[dict[str, Kind]] = {kind.name: kind for kind in KINDS}
AUDIENCES: Final[dict[str, Audience]] = {kind.name: kind.audience for kind in KINDS}
TEMPLATED: Final = tuple(kind.name for kind in KINDS if kind.templated)
EMPLOYER_KINDS: Final = tuple(kind.name for kind in KINDS if kind.audience == "employer")
HR_KINDS: Final = tuple(kind.name for kind in KINDS if kind.audience == "hr")
MARKETING: Final[frozenset[str]] = frozenset(kind.name for kind in KINDS if kind.refusable)
GROUPED: Final[frozenset[str]] = frozenset(kind.name for kind in KINDS if kind.grouped)
TELLING_OF_SEATS: Final[dict[str, SeatWord]] = {kind.name: kind.tells for kind in KINDS if kind.tells}
IN_BULK: Final[frozenset[str]] = frozenset(kind.name for kind in KINDS if kind.in_bulk)
FACT_KINDS: Final[dict[str, tuple[str, ...]]] = {
    type: tuple(kind.name for kind in KINDS if type in kind.asked_by)
    for type in dict.fromkeys(type for kind in KINDS for type in kind.asked_by)
}

# Message kind → the keys of the fact's data that make its reason one of its own: the same signup posted twice
# is one reason, an offer on changed terms is another. A kind that is not here has each fact for a reason: two
# payments of one benefit are two.
REASONS: Final[dict[str, tuple[str, ...]]] = {
    SIGNUP_CONFIRMATION: ("fair",),
    INTERVIEW_RESULT: ("employer", "position", "outcome"),
    OFFER_EXPIRING: ("offer", "expires_at"),
    OFFER_RESCINDED: ("offer",),
    BENEFIT_VERIFIED: ("benefit", "kind"),
    OFFER_ACCEPTED: ("offer",),
    OFFER_DECLINED: ("offer",),
    OFFER_EXPIRED: ("offer", "employer", "position", "expires_at"),
    OFFER: ("offer", "employer", "position", "city", "expires_at"),
    WELCOME: ("employer", "started_on"),
    THANKS: ("fair",),
    BENEFIT_AVAILABLE: ("employer", "started_on"),
}
