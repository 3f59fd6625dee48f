"""One message and all that is known around it, for the letter to be made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Generic, TypeVar, cast
from zoneinfo import ZoneInfo

from notifications.sending.signed_links import Links
from schemas.channels import MailChannels, MailWay
from schemas.errors import YinfengError
from schemas.journey import Journey
from schemas.kinds import AUDIENCES
from schemas.messages import SIGNUP_CHECK, MessageRequest, SeatWord, Status
from schemas.names import called
from storage.messages.background import Background
from storage.messages.claiming import Claimed
from storage.messages.seat_words import Seat

DEFAULT_ZONE: Final = "Asia/Shanghai"
DEFAULT_LOCALE: Final = "zh-CN"
NOWHERE: Final = MailChannels()
Values = dict[str, Any]
Made = TypeVar("Made")
Found = TypeVar("Found")


class NotNow(YinfengError):
    """The message is not to be sent: `status` says whether it waits (`until`, if that is known) or never goes.

    `seen` is the journey's key and version, where one that changes would let the message go; `recipient` the address
    that is not to be written to; `instead` the message that is asked for in its place.
    """

    seen: tuple[str, str, int] | None = None
    recipient: str | None = None
    instead: MessageRequest | None = None

    def __init__(self, status: Status, reason: str, until: datetime | None = None) -> None:
        super().__init__(reason)
        self.status, self.reason, self.until = status, reason, until


@dataclass(frozen=True, slots=True)
class ToldWith:
    """The message is told in the mail of another one, and shares its fate."""

    leader: int


@dataclass(frozen=True, slots=True)
class Left:
    """The message is left as it stands: what goes beside it goes first, and then it is looked at anew."""


@dataclass(frozen=True, slots=True)
class Writer:
    """Who writes, and where HR reads: `hr_email` may be None when mail stays in the local mailbox. `channels`: by
    which mail can go; `way`: by which it goes now, where that is settled: else by what its campaign has chosen."""

    name: str
    base_url: str
    hr_email: str | None
    channels: MailChannels = NOWHERE
    way: MailWay | None = None


class Lazily(Generic[Found]):
    """A property that is found out when it is asked for first. Without the lock of `functools.cached_property`: nobody
    else looks at a situation meanwhile."""

    def __init__(self, find: Callable[[Any], Found]) -> None:
        self._find, self._name = find, find.__name__

    def __get__(self, instance: Any, owner: type) -> Found:
        found = instance.__dict__[self._name] = self._find(instance)
        return found


@dataclass(frozen=True)
class Situation:
    """A message, its candidate's journey (empty for HR's), the campaigns and fairs around it, who writes, signed
    links, and now.

    `together`: for kinds that are grouped, the situations that one mail tells of, this one among them. `shared`: what
    all mails that are written at the same time from the same background say, as far as it was made already.
    """

    message: Claimed
    journey: Journey
    background: Background
    sender: Writer
    links: Links
    now: datetime
    together: tuple[Situation, ...] = ()
    shared: dict[tuple[Any, ...], Any] = field(default_factory=dict, repr=False, compare=False)

    def once(self, key: tuple[Any, ...], make: Callable[[], Made]) -> Made:
        """What `make` gives, made once for all mails that have it by this key."""
        if key not in self.shared:
            self.shared[key] = make()
        return cast("Made", self.shared[key])

    @Lazily
    def campaign(self) -> dict[str, Any]:
        return self.background.campaigns.get(self.message.campaign, {})

    @Lazily
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.campaign.get("timezone") or DEFAULT_ZONE)

    @Lazily
    def locale(self) -> str:
        if self.message.kind == SIGNUP_CHECK:
            return str(self.message.params["locale"])
        own = self.journey.attribute("locale") if AUDIENCES[self.message.kind] == "candidate" else None
        return str(own or self.campaign_locale)

    @Lazily
    def campaign_locale(self) -> str:
        return str(self.campaign.get("locale") or DEFAULT_LOCALE)

    @property
    def seat(self) -> Seat | None:
        """How the candidate stands at the fair that the message is about; None: not in its line."""
        key = (self.message.campaign, self.message.params.get("fair"), self.message.candidate)
        return self.background.seats.get(key)

    @property
    def place(self) -> SeatWord | None:
        """Whether the candidate has a seat there, or waits for one; None: not in its line."""
        return self.seat.stands if self.seat else None

    @property
    def employer(self) -> str | None:
        """Whom the message is about, by id; None where it is about no one employer."""
        return employer_of(self.message, self.journey)

    def employer_row(self, employer: str | None) -> dict[str, Any] | None:
        """What is said of an employer; None while nobody has named it."""
        return self.background.employers.get((self.message.campaign, employer)) if employer else None

    def called(self, employer: str, locale: str | None = None) -> str:
        """An employer's name in the language of the mail, or in another."""
        return called(self.employer_row(employer), locale or self.locale, employer)

    @property
    def asks_abroad(self) -> bool:
        """Whether mail to this candidate waits for their consent to go abroad."""
        way = self.sender.way or self.background.ways.get(self.message.campaign)
        return self.sender.channels.leads_abroad(way) and self.message.campaign in self.background.waits_abroad

    @property
    def own_page(self) -> str:
        """The address of the candidate's own page, good until they ask for another."""
        generation = self.background.generations.get((self.message.campaign, self.message.candidate or ""), 0)
        return self.links.url("me", f"{self.message.nonce}.{generation}")

    def fair_row(self) -> dict[str, Any] | None:
        """The fair that the message is about, as far as it is known."""
        fair = self.message.params.get("fair")
        return self.background.fairs.get((self.message.campaign, fair)) if fair else None


def employer_of(message: Claimed, journey: Journey) -> str | None:
    """The employer that a message is about: it says so, or the offer does that it speaks of."""
    offer = journey.offers.get(message.params.get("offer", ""))
    terms = offer.terms if offer else None
    return message.params.get("employer") or (terms.employer if terms else None)
