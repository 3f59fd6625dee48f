"""One candidate's facts, written down one after the other, with the slips that happen on the way."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from yinfeng.demo.events import Event, Posting, make_event
from yinfeng.demo.fairs import DemoFair
from yinfeng.demo.names import DemoPerson
from yinfeng.demo.universities import CHAINS, EMPLOYERS, Words

_LATE = 0.02  # of the facts arrive hours or days after they happened, out of order
_LATEST_HOURS = 60.0


@dataclass(slots=True)
class Diary:
    """What is being written about a candidate. `now` is the moment that the story has come to."""

    rng: Random
    campaign: str
    candidate: str
    person: DemoPerson
    employer: str
    fair: DemoFair | None
    now: datetime
    desk: str = ""  # the employer that is being talked to at the moment
    offers: int = 0
    place: int = 0  # which of the chain's positions
    postings: list[Posting] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.desk = self.desk or self.employer
        self.place = self.rng.randrange(len(CHAINS[self.person.chain].positions))

    @property
    def last(self) -> Event:
        return self.postings[-1].event

    @property
    def position(self) -> Words:
        return CHAINS[self.person.chain].positions[self.place]

    @property
    def opening(self) -> str:
        return opening_id(self.desk, self.person.chain, self.place)

    @property
    def offer(self) -> str:
        return f"{self.candidate}-offer-{self.offers}"

    @property
    def office(self) -> str:
        return f"/hr/{self.desk}"

    def rivals(self) -> list[str]:
        """Other employers that hire for the candidate's chain."""
        return [name for name, it in EMPLOYERS.items() if name != self.employer and self.person.chain in it.chains]

    def say(self, type: str, source: str, at: datetime, /, **data: object) -> None:
        """Write a fact down; a few reach the platform late."""
        number = len({posting.event["id"] for posting in self.postings}) + 1
        said = {"campaign": self.campaign, "candidate": self.candidate, **data}
        event = make_event(type, source, f"{self.campaign}:{self.candidate}:{number}", at, said)
        late = self.rng.uniform(0.5, _LATEST_HOURS) if self.rng.random() < _LATE else 0.0
        self.postings.append(Posting(at + timedelta(hours=late), event))

    def say_again(self, after: timedelta) -> None:
        """Post the last fact a second time under its own id, as a scanner does that was pressed twice."""
        posted_at, event = self.postings[-1]
        self.postings.append(Posting(posted_at + after, deepcopy(event)))


def opening_id(employer: str, chain: str, place: int) -> str:
    return f"{employer}-{chain}-{place + 1}"
