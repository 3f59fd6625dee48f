"""Journeys are kept in few bytes, and what was kept once can be read for ever."""

from __future__ import annotations

from hashlib import sha256
from importlib import resources

import msgspec
import pytest
from hypothesis import given

from schemas.facts import validate_event
from schemas.journey import Journey
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


@pytest.mark.parametrize(
    "kept",
    [
        "28b52ffd6384dcaf1ab8048d0900538a1f8c710e327029ab8151800b5280c5a3bab6670bacb7162f86bbf25720c1a293b1d6f5dc3003170d83450dae54f6b961860f5c81c499fd3fed124a8b51ab97746c29ea28a9b56bd4b76be814531275c30c4980001458b08ec282ea064c5ee0439736676ac2f76b3af545d9ed1859ded428a7a66e9d100e0e9c40000a2c6c024dfc12ce05107784ca27f4b2452969e9874aedb9f6ca47daf443887c462361a43853a5af68c401e7fd4f3f86edb4c37b390277b43756a08c8948cba54475cfada6b973d54452422f59ee08e1e73032d467716258caf1a3832aacbc6b42424df2cca773f62341de82cd852e0426f023f6d7c1f12922afdfd10fb0a6e3eb9216015d699f5400c8aae89d070f985dc7611cdd4d3e94fd32594b5647c0c58f182131694c24e9489923a502d93ebc3c0a8bb0"
    ],
)
def test_a_journey_that_was_kept_once_is_read(kept: str):
    journey = states.read(bytes.fromhex(kept))
    assert (
        msgspec.json.encode(journey).decode()
        == '{"attributes":{"locale":{"at":[1784705335000001,"/tickets","f5cd6dfc-1904-f51a-5c2f-680cd46f2728"],"value":"en"},"education":{"at":[1784705335000001,"/tickets","f5cd6dfc-1904-f51a-5c2f-680cd46f2728"],"value":"associate"},"school":{"at":[1784705335000001,"/tickets","f5cd6dfc-1904-f51a-5c2f-680cd46f2728"],"value":"四川大学"},"major":{"at":[1784705335000001,"/tickets","f5cd6dfc-1904-f51a-5c2f-680cd46f2728"],"value":"软件工程"},"graduation_year":{"at":[1784705335000001,"/tickets","f5cd6dfc-1904-f51a-5c2f-680cd46f2728"],"value":2027},"chain":{"at":[1784705335000001,"/tickets","f5cd6dfc-1904-f51a-5c2f-680cd46f2728"],"value":"锂电"}},"first_signup":1784705335000001,"last_signup":[1784705335000001,"/tickets","f5cd6dfc-1904-f51a-5c2f-680cd46f2728"],"fairs":{"Frozen-online-2":1784705335000001},"signups":{"Frozen-online-2":[[1784705335000001,"/tickets","f5cd6dfc-1904-f51a-5c2f-680cd46f2728"]]},"checkins":{"Frozen-online-2":1784705335000002},"interviews":{"Frozen59":{"first":1784705336000002,"outcome":{"at":[1784705336000002,"/offers","dbd4d60f-f8df-ffbd-dd39-b757d97b0b65"],"value":"pending"}}},"offers":{"864469":{"status":{"at":[1784878134246914,"/tickets","921705"],"value":"declined"},"terms":{"at":[1784791735123458,"/me","Frozen:325991"],"employer":"Frozen59","position":"研发工程师"}}},"hires":{"Frozen59":{"status":{"at":[1784878135246914,"/console","f309747"],"value":"started"},"started_on":{"at":[1784878135246914,"/console","f309747"],"value":"2026-07-24"},"position":{"at":[1784878135246914,"/console","f309747"],"value":"process engineer"}}},"benefits":{"Frozen:526208":{"at":[1784964535370371,"/console","927049"],"value":"paid"}},"payments":{"/console 927049":{"at":1784964535370371,"amount":"499"}},"told":{"name":[1784705335000001,"/tickets","f5cd6dfc-1904-f51a-5c2f-680cd46f2728"],"email":[1784705335000001,"/tickets","f5cd6dfc-1904-f51a-5c2f-680cd46f2728"]}}'
    )
