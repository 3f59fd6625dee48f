"""Makes a dictionary for packed journeys, of samples of people who came more or less far:
`python -m tests.state_dictionary FILE`.

For a dictionary more, once journeys have other parts; those that there are stay (storage/journeys/states.py).
"""

from __future__ import annotations

import random
import sys
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec
from zstandard import train_dictionary

from schemas.facts import validate_event
from schemas.journey import Journey
from streams.domain.fold import fold
from tests.facts import event

SIZE: Final = 8 * 1024
SAMPLES: Final = 4_000
BEGINNING: Final = datetime(2025, 9, 1, tzinfo=UTC)
STEPS: Final = 6
SCHOOLS: Final = (
    "浙江大学",
    "华中科技大学",
    "Polytechnic of Milan",
    "深圳职业技术学院",
    "Hunan University",
    "四川大学",
)
SOURCES: Final = (
    "/hr/{}",
    "/fairs/{}",
    "/desk",
    "/me",
    "/console",
    "/offers",
    "/tickets",
    "/greenhouse/{}",
    "/imports/{}",
)
POSITIONS: Final = ("process engineer", "工艺工程师", "technician", "研发工程师", "analyst", "会计", "welder")


class Life:
    """One candidate's facts, as a park or an employer posts them; `chance` decides on all of it."""

    def __init__(self, chance: random.Random, salt: str) -> None:
        self._chance = chance
        self._salt = salt
        self._at = BEGINNING + timedelta(seconds=chance.randrange(40_000_000))
        self._candidate = self._id("c")
        self._employer = f"{salt}{chance.randrange(60)}"

    def events(self) -> Iterator[dict[str, Any]]:
        """As far as they came: of each step some go no further."""
        steps = (self._signup, self._checkin, self._interview, self._offer, self._hire, self._benefit)
        for step in steps[: self._chance.randint(1, STEPS)]:
            yield from step()

    def _said(self, type: str, **data: Any) -> dict[str, Any]:
        self._at += timedelta(microseconds=self._chance.choice([1, 1_000_000, 86_399_123_456]))
        source = self._chance.choice(SOURCES).format(self._employer)
        given = {name: value for name, value in data.items() if value is not None}
        return event(
            type, id=self._id("f"), time=self._at.isoformat(), source=source, candidate=self._candidate, **given
        )

    def _id(self, prefix: str) -> str:
        number = self._chance.randrange(10**6)
        named = uuid.UUID(int=self._chance.getrandbits(128))
        return self._chance.choice([f"{prefix}{number}", f"{self._salt}:{number}", str(named), f"{number}"])

    def _signup(self) -> Iterator[dict[str, Any]]:
        pick, maybe = self._chance.choice, self._chance.random
        self._fair = f"{self._salt}-{pick(['spring', 'autumn', 'online'])}-{self._chance.randrange(9)}"
        yield self._said(
            "candidate.signed_up",
            name="李思雨",
            fair=self._fair,
            email="li.siyu@example.com" if maybe() < 0.8 else None,
            phone="138 0013 8000" if maybe() < 0.5 else None,
            locale=pick(["zh-CN", "en", None]),
            education=pick(["vocational", "associate", "bachelor", "master", "doctor"]),
            school=pick([*SCHOOLS, None]),
            major=pick(["materials", "机械工程", "软件工程", None]),
            graduation_year=pick([2025, 2026, 2027, None]),
            chain=pick(["lithium", "锂电", None]),
            consent=pick([True, True, False, None]),
        )

    def _checkin(self) -> Iterator[dict[str, Any]]:
        yield self._said("candidate.checked_in", fair=self._fair)

    def _interview(self) -> Iterator[dict[str, Any]]:
        outcome = self._chance.choice(["passed", "failed", "pending", None])
        yield self._said("candidate.interviewed", employer=self._employer, outcome=outcome)

    def _offer(self) -> Iterator[dict[str, Any]]:
        pick = self._chance.choice
        offer = self._id("o")
        expires = (self._at + timedelta(days=14)).isoformat()
        yield self._said(
            "offer.extended",
            offer=offer,
            employer=self._employer,
            position=pick(POSITIONS),
            expires_at=pick([expires, None]),
            city=pick(["宜宾", "Chengdu", None]),
            start_on=pick([expires[:10], None]),
        )
        yield self._said(pick(["offer.accepted", "offer.accepted", "offer.declined"]), offer=offer)

    def _hire(self) -> Iterator[dict[str, Any]]:
        position = self._chance.choice([*POSITIONS, None])
        yield self._said(
            "hire.started", employer=self._employer, position=position, started_on=self._at.date().isoformat()
        )

    def _benefit(self) -> Iterator[dict[str, Any]]:
        benefit, amount = self._id("b"), self._chance.randrange(900)
        for status in ("applied", "verified", "paid"):
            more = {"amount": amount, "currency": "CNY"} if status == "paid" else {}
            yield self._said(f"benefit.{status}", benefit=benefit, kind="rent_subsidy", **more)


def samples(count: int, salt: str) -> Iterator[Journey]:
    """So many people's journeys; with another `salt`, other people, employers and fairs."""
    chance = random.Random(salt)
    for _ in range(count):
        yield fold(map(validate_event, Life(chance, salt).events()))


def main() -> None:
    """Write it into the file that is named."""
    packed = [msgspec.msgpack.encode(journey) for journey in samples(SAMPLES, "sample")]
    Path(sys.argv[1]).write_bytes(train_dictionary(SIZE, packed).as_bytes())


if __name__ == "__main__":
    main()
