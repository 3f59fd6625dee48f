"""What a candidate's own page shows, as things stand now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from notifications.links.offers import in_words
from notifications.links.opening import GONE, Door
from notifications.sending.fair_words import described
from notifications.sending.situation import Situation
from schemas.errors import NotFound
from schemas.journey import ABROAD, CONSENT, Journey, is_consent
from schemas.messages import MOVED_UP, OFFER, SIGNUP_CONFIRMATION
from schemas.names import called
from storage.access import own_pages
from storage.campaigns import employers, seat_reads
from storage.campaigns.seat_reads import SeatStanding
from storage.database import borrowed
from storage.journeys import people
from storage.messages import background
from storage.messages.by_link import Linked

FairState = Literal["seat", "waiting", "unsure", "left", "cancelled", "over"]
IN_LINE: Final = frozenset[FairState]({"seat", "waiting", "unsure"})
Row = dict[str, Any]

CORRECTABLE: Final = ("name", "email", "phone", "education", "school", "major", "graduation_year")
MOST_NAMED: Final = 5000  # employers


@dataclass(frozen=True, slots=True)
class Own:
    """All that the page is made of. `fairs`: the stored rows of the candidate's; `standing`: in their lines;
    `links`: outside names of mails, by kind and what they are about; `employers`: what is said of each, by id."""

    message: Linked
    situation: Situation
    fairs: dict[str, Row]
    standing: Mapping[str, SeatStanding]
    links: dict[tuple[str, str], str]
    employers: dict[str, Row]

    @property
    def journey(self) -> Journey:
        return self.situation.journey

    def called(self, employer: str, lang: str) -> str:
        """An employer's name."""
        return called(self.employers.get(employer), lang, employer)


async def read(door: Door, token: str) -> Own:
    """What a link of one's own leads to. Raises NotFound, also when a newer one was asked for."""
    return await of(door, *await door.open_own(token))


async def of(door: Door, message: Linked, situation: Situation) -> Own:
    """All that a page about the candidate of this message is made of."""
    campaign, candidate = message.campaign, message.candidate
    mine = sorted(situation.journey.fairs.keys() | situation.journey.checkins.keys())
    async with borrowed(door.pool) as conn:
        about = await background.load(conn, [campaign], [(campaign, fair) for fair in mine])
        standing = await seat_reads.standing(conn, campaign, candidate)
        mails = await own_pages.mails(conn, campaign, candidate, [SIGNUP_CONFIRMATION, MOVED_UP, OFFER])
        named = await employers.listed(conn, campaign, limit=MOST_NAMED)
    links = {(OFFER if kind == OFFER else "ticket", fair or offer or ""): nonce for kind, fair, offer, nonce in mails}
    rows = {fair: row for (_, fair), row in about.fairs.items()}
    return Own(message, situation, rows, standing, links, {row["employer"]: row for row in named})


async def records(door: Door, own: Own) -> dict[str, str]:
    """Of somebody whom HR took to stand under several ids, each with what it is called there; of others nothing."""
    ids = sorted(own.journey.members)
    if not ids:
        return {}
    async with borrowed(door.pool) as conn:
        known = await people.names(conn, own.message.campaign, ids)
    return {id: known.get(id, id) for id in ids}


def require(own: Own, *, fair: str) -> Row:
    """The stored row of a fair of theirs. Raises NotFound."""
    if fair not in own.fairs:
        raise NotFound(GONE)
    return own.fairs[fair]


def fairs(own: Own, lang: str) -> list[Row]:
    """The candidate's fairs, the latest first."""
    shown = []
    for fair, row in sorted(own.fairs.items(), key=lambda each: each[1]["starts_at"], reverse=True):
        nonce, stands = own.links.get(("ticket", fair)), state(own, fair, row)
        has_ticket = nonce is not None and row["mode"] != "online" and stands == "seat"
        shown.append(
            {
                **described(row, own.situation.zone, lang),
                "fair": fair,
                "state": stands,
                "in_line": stands in IN_LINE and fair in own.journey.fairs,
                "nth": own.standing[fair].number if fair in own.standing else None,
                "checked_in": fair in own.journey.checkins,
                "ticket": own.situation.links.url("ticket", nonce) if nonce and has_ticket else None,
                "calendar": own.situation.links.url("calendar", nonce) if nonce and stands == "seat" else None,
            }
        )
    return shown


def state(own: Own, fair: str, row: Row) -> FairState:
    if row["cancelled"]:
        return "cancelled"
    if own.situation.now >= row["ends_at"]:
        return "over"
    if own.journey.withdrawn or (fair in own.journey.fairs and own.journey.in_line(fair) is None):
        return "left"
    standing = own.standing.get(fair)
    if standing is None:
        return "unsure"
    return "waiting" if standing.waiting else "seat"


def interviews(own: Own, lang: str) -> list[Row]:
    """Where they were interviewed, and what came of it."""
    return [
        {"employer": own.called(employer, lang), "outcome": str(held.outcome.value) if held.outcome else "pending"}
        for employer, held in sorted(own.journey.interviews.items())
    ]


def offers(own: Own, lang: str) -> list[Row]:
    """Offers with their terms; `answer`: where they are answered, if a mail told of them."""
    shown = []
    for offer, known in own.journey.offers.items():
        if known.terms is None:
            continue
        nonce = own.links.get((OFFER, offer))
        shown.append(
            {
                **in_words(known.terms, own.situation, lang),
                "employer": own.called(known.terms.employer, lang),
                "state": str(known.status.value),
                "answer": own.situation.links.url("answer", nonce) if nonce else None,
            }
        )
    return shown


def agreed(own: Own) -> dict[str, bool]:
    """The latest word of consent: to employers (any), to marketing, and to going abroad."""
    to_employers = [name for name in own.journey.attributes if name == CONSENT or name.startswith(f"{CONSENT}/")]
    return {
        "employers": own.journey.agreement(to_employers),
        "marketing": own.journey.attribute(f"{CONSENT}:marketing") is True,
        "abroad": own.journey.attribute(ABROAD) is True,
    }


def asks_abroad(own: Own) -> bool:
    """Whether the page asks if mails may go abroad: where mail waits for that, and where they said so once."""
    return own.situation.asks_abroad or agreed(own)["abroad"]


def attributes(own: Own) -> dict[str, Any]:
    """What they said of themselves, consent aside."""
    return {
        name: word.value for name, word in own.journey.attributes.items() if name != CONSENT and not is_consent(name)
    }
