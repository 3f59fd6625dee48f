"""Journeys are kept in few bytes, and what was kept once can be read for ever."""

from __future__ import annotations

from hashlib import sha256
from importlib import resources

from hypothesis import given

from schemas.facts import validate_event
from schemas.journey import Hire, Journey, Word
from storage.journeys import states
from storage.journeys.states import DICTIONARY
from streams.domain.fold import fold
from streams.domain.measures import milestones
from tests.state_dictionary import samples
from tests.strategies import Event, worlds


def journeys(world: list[Event]) -> list[Journey]:
    said = [validate_event(each) for each in world]
    return [fold([fact for fact in said if fact.candidate == name]) for name in {fact.candidate for fact in said}]


@given(worlds())
def test_a_journey_is_what_it_was_and_so_are_its_milestones(world: list[Event]):
    for journey in journeys(world):
        assert states.read(states.packed(journey)) == journey
        assert states.read(states.plain(journey)) == journey
        standing = milestones(journey)
        kept = [int(at) for at in states.kept(standing)[1:-1].split(",") if at]
        assert states.standing(kept) == standing == states.standing(standing)


def test_journeys_take_few_bytes():
    found = [(len(states.plain(each)), len(states.packed(each))) for each in samples(300, "Another")]
    assert sum(kept for _, kept in found) * 4 < sum(size for size, _ in found)


def test_a_dictionary_is_never_changed():
    """Who changes it can't read what was kept."""
    kept = (resources.files("storage") / "journeys" / DICTIONARY).read_bytes()
    assert sha256(kept).hexdigest() == "424ca05f55c175a0e2688167ccee59ac12d8a5b6b738b18f2188da8b2992f2e1"


AT = (1772931600000000, "/hr/park", "s1")
KEPT = """
28b52ffd2384dcaf1ada4d0200f0de0005814c78ce3aa400a82f68722f7061726ba273a6687561796f75818111fcb2072b13
b06795ede39a7200f7c8b5d5d5b1e38cea317bf32a66aafb313e1cf51dfb9f0a2cd57208
"""


def test_a_journey_that_was_kept_once_is_read():
    assert states.read(bytes.fromhex(KEPT)) == Journey(
        attributes={"school": Word(AT, "浙江大学")},
        first_signup=AT[0],
        last_signup=AT,
        hires={"huayou": Hire(Word(AT, "started"))},
        told={"name": AT},
    )
